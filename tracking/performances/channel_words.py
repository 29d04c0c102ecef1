# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels of motion in words: which goes beyond what, for artists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..heads.head import ARKIT_NAMES

if TYPE_CHECKING:
    from ..heads.arrays import Doubles

ANGLES = {"rotation": ("pitch", "yaw", "roll"), "gaze": ("gaze pitch", "gaze yaw", "gaze pitch", "gaze yaw")}
PLACES = "to the side", "up or down", "in depth"


def spoken(name: str) -> str:
    """An expression's name as words.

    Example:
        >>> spoken("browDownLeft")
        'brow down left'
    """
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f" {found[1].lower()}", name)


def title_of(parameter: str, column: int) -> str:
    """What a column of a parameter is called, alike for both sides of the face.

    Example:
        >>> title_of("gaze", 3)
        'gaze yaw'
    """
    if parameter == "expression":
        return spoken(re.sub("(Left|Right)$", "", ARKIT_NAMES[column]))
    return PLACES[column] if parameter == "translation" else ANGLES[parameter][column]


def beyond_words(parameter: str, column: int, row: Doubles, low: Doubles, high: Doubles) -> str:
    """Say how far one column of a frame's parameter `[C]` goes, and how far it was trained.

    Example:
        >>> beyond_words("rotation", 1, np.radians([0, 34, 0]), np.radians([-5, -9, 0]), np.radians([5, 21, 0]))
        'yaw 34°, trained to 21°'
    """
    value, known = float(row[column]), float(high[column] if row[column] > high[column] else low[column])
    if parameter == "expression":
        return f"{spoken(ARKIT_NAMES[column])} {value:.2f}, trained to {known:.2f}"
    if parameter == "translation":
        return f"moved {abs(value - known) * 100:.0f} cm too far {PLACES[column]}"
    return f"{ANGLES[parameter][column]} {round(np.degrees(value))}°, trained to {round(np.degrees(known))}°"
