# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives Blender our translations, and our sentences what Blender translates them to."""

from __future__ import annotations

import bpy

from . import words
from .languages import LANGUAGES
from .words import CONTEXT

CONTEXTS = ("*", "Operator", CONTEXT)
"""Where Blender looks a text up: anywhere, on the button of an operator, in our panels. Each has every text."""
OF_OTHER_ROOMS = (
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
    "Intel's graphics have no CUDA: networks run on the processor; an engine on a machine with one can be used from "
    "here.",
    "Macs have no CUDA GPU: networks run on the processor; an engine on a machine with one can be used from here.",
    "There is no NVIDIA GPU: networks run on the processor; an engine on a machine with one can be used from here.",
    "Left Brow",
    "Left Eye",
    "Lips",
    "Nose",
    "Right Brow",
    "Right Eye",
)
"""What other rooms say most often: the stages of jobs, what a machine without CUDA means. The rest stays English."""


def tables() -> dict[str, dict[tuple[str, str], str]]:
    """The translations as Blender takes them: by language, then by context and English text."""
    return {
        code: {(context, text): translation for context in CONTEXTS for text, translation in texts.items()}
        for codes, texts in LANGUAGES.items()
        for code in codes
    }


def by_blender(text: str) -> str:
    """Return what Blender translates a text to, as the preferences ask for it."""
    found: str = bpy.app.translations.pgettext_iface(text, CONTEXT)  # type: ignore[func-returns-value,assignment]  # its stub is wrong
    return found


def register() -> None:
    """Hand the tables over."""
    bpy.app.translations.register(__name__, tables())  # type: ignore[arg-type]  # its stub is wrong, too
    words.translators.append(by_blender)


def unregister() -> None:
    """Undo `register`."""
    words.translators.remove(by_blender)
    bpy.app.translations.unregister(__name__)
