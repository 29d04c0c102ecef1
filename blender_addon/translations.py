# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives Blender our translations, and our sentences what Blender translates them to."""

from __future__ import annotations

import bpy

from . import words
from .languages import LANGUAGES

CONTEXTS = ("*", "Operator")
"""Where Blender looks a text up: anywhere, and for what is on the button of an operator. Both have every text."""
OF_THE_ENGINE = (
    "Aligning",
    "Baking",
    "Building the engine",
    "Checking",
    "Connecting",
    "Cutting, matting and drawing",
    "Drawing maps",
    "Evaluating",
    "Fetching",
    "Filming the photo",
    "Finding the face",
    "Looking at the footage",
    "Making the clean plate",
    "Measuring",
    "Reading the dataset",
    "Reading the footage",
    "Rendering",
    "Restoring",
    "Sending",
    "Signing",
    "Solving",
    "Waiting for the engine to go on with",
    "Writing the plate",
)
"""What the engine says of the stages of its jobs, beside what stands in our own sources; the rest stays English."""


def tables() -> dict[str, dict[tuple[str, str], str]]:
    """The translations as Blender takes them: by language, then by context and English text."""
    return {
        code: {(context, text): translation for context in CONTEXTS for text, translation in texts.items()}
        for codes, texts in LANGUAGES.items()
        for code in codes
    }


def by_blender(text: str) -> str:
    """Return what Blender translates a text to, as the preferences ask for it."""
    return bpy.app.translations.pgettext_iface(text)


def register() -> None:
    """Hand the tables over."""
    bpy.app.translations.register(__name__, tables())
    words.translators.append(by_blender)


def unregister() -> None:
    """Undo `register`."""
    words.translators.remove(by_blender)
    bpy.app.translations.unregister(__name__)
