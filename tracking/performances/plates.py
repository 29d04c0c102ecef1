# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures of its footage a performance knows to lie behind an avatar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .performance import Performance

CLEAN, HEADLESS = "clean_plate", "headless_plate"
"""Entries of a performance's `extra`: files of the footage's picture without the person, and without the head alone."""


def plate_behind(performance: Performance, *, head_alone: bool) -> Path | None:
    """Return the clean plate to lie behind an avatar; None where there is none (any more).

    An avatar that is a head alone (`head_alone`) leaves the shoulders to the plate; any other brings the person.
    """
    extra = performance.extra
    # Datasets of photos made before there were both have the headless one under the clean one's name.
    name = extra.get(HEADLESS, extra.get(CLEAN)) if head_alone else HEADLESS in extra and extra.get(CLEAN)
    return Path(name) if name and Path(name).is_file() else None
