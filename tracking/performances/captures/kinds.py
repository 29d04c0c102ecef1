# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of files that performances are in. Standard library only."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What kind of file a performance is in."""

    NPZ = "npz"
    LIVE_LINK = "live-link"
    ARKIT = "arkit"
    CSV = "csv"
    FACEVERSE = "faceverse"


SUFFIXES = {".npz": Kind.NPZ, ".csv": Kind.CSV, ".json": Kind.ARKIT, ".npy": Kind.FACEVERSE}
"""How the names of performance files end, and what a file of this name is written as unless told otherwise."""


def is_performance_name(path: Path) -> bool:
    """Tell by its name whether a file is meant to be a performance."""
    return path.suffix.lower() in SUFFIXES
