# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of its footage a performance knows: to lie behind an avatar, and to show it in Blender."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .performance import Performance

CLEAN, HEADLESS = "clean_plate", "headless_plate"
"""Entries of a performance's `extra`: files of the footage's picture without the person, and without the head alone."""
PLAIN = "plate"
"""Entry of `extra`: a movie of the footage as it was tracked, where Blender would show the footage otherwise."""


def footage_of(performance: Performance) -> Path:
    """Return the file that shows a performance's footage as it was tracked: the movie that was written for that, where
    it is still there, else the footage itself, which may be gone.
    """
    plain = Path(performance.extra.get(PLAIN, ""))
    return plain if plain.is_file() else Path(performance.source)


def plate_behind(performance: Performance, *, head_alone: bool) -> Path | None:
    """Return the file of the clean plate to lie behind an avatar; None where there is none (any more).

    An avatar that is a head alone (`head_alone`) leaves the shoulders to the plate; any other brings the person.
    """
    entry = entry_behind(performance, head_alone=head_alone)
    file = Path(performance.extra[entry]) if entry else None
    return file if file and file.is_file() else None


def entry_behind(performance: Performance, *, head_alone: bool) -> str:
    """Return the entry of `extra` that names that file; empty where none does."""
    known = [each for each in (HEADLESS, CLEAN) if each in performance.extra]
    if head_alone:  # datasets of photos made before there were both have the headless one under the clean one's name
        return known[0] if known else ""
    return CLEAN if len(known) == 2 else ""
