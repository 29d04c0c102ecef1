# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist reads, in the artist's language. No bpy: `translations.py` lends the way to Blender's tables."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from .others_words import recognised

if TYPE_CHECKING:
    from collections.abc import Callable


NOT_FIRST, NOT_LAST = "。、，；：！？）」』”’…ー．.,;:!?) ", "（「『“‘("
"""Letters that no line begins with, and that none ends with."""


CONTEXT = "Semblance"
"""Where our texts are looked up where Blender may mean something else by the same word: a face is a polygon there."""


def unchanged(text: str) -> str:
    """What is said where nothing translates: the English text."""
    return text


translators: list[Callable[[str], str]] = [unchanged]
"""The last one is asked: it returns a text in the artist's language, or as it is where there is no translation."""


def translated(text: str, /, **values: object) -> str:
    """Return a text in the artist's language, with values put where it has their names in braces.

    The text must be a literal, so that the tables in `languages` can have it, or what another room says.
    """
    found = translators[-1](text)
    if found == text and not values and (known := recognised(text)):
        template, said = known
        found, values = translators[-1](template), {name: translated(each) for name, each in said.items()}
        if found == template:
            return text
    return found.format(**values) if values else found


def wrapped(text: str, width: int) -> list[str]:
    """Break a sentence into lines of at most `width` letters, between words or, where a script has none, anywhere."""
    lines, line = [], ""
    for piece in pieces(text):
        if line and breadth(line) + breadth(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def pieces(text: str) -> list[str]:
    """Split a text where a line may end: after spaces and beside wide letters, but not before their stops."""
    found = [""]
    for letter in " ".join(text.split()):
        last = found[-1][-1:]
        may_end = last == " " or (
            (is_wide(last) or is_wide(letter)) and letter not in NOT_FIRST and last not in NOT_LAST
        )
        if may_end and found[-1]:
            found.append("")
        found[-1] += letter
    return found


def breadth(text: str) -> int:
    """How broad a text is, in Latin letters: Chinese and Japanese ones are twice as broad."""
    return sum(2 if is_wide(letter) else 1 for letter in text)


def is_wide(letter: str) -> bool:
    """Tell whether a letter is as broad as high."""
    return letter != "" and unicodedata.east_asian_width(letter) in "WF"
