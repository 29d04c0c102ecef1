# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, thing: str, things: str = "") -> str:
    """Return a number with its noun; `things` is the plural where it is not the word with an s.

    >>> counted(1, "picture"), counted(2, "picture"), counted(0, "person", "people")
    ('1 picture', '2 pictures', 'no people')
    """
    return f"{number or 'no'} {thing if number == 1 else things or thing + 's'}"
