# SPDX-License-Identifier: GPL-3.0-or-later
"""The light of one moment on a whole plate, from what is known of the window that an avatar shows. NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats
    from .performance import Crop

LIGHT_SIDE = 12
"""A side of the gains that an avatar remembers of its window: they change slowly over it."""


def gains_over(light: Floats, crop: Crop, width: int, height: int) -> Floats:
    """Return `[height, width, 3]`: by what a whole plate is multiplied to be in the light of an avatar.

    `light [N, N, 3]` are the gains in the window `crop` of that plate. Around it they stay as they are at its edge.
    """
    side = len(light)
    rows, columns = shares(height, crop.y, crop.side, side), shares(width, crop.x, crop.side, side)
    return np.stack([rows @ light[..., channel] @ columns.T for channel in range(3)], -1)


def shares(length: int, start: float, extent: float, count: int) -> Floats:
    """Return `[length, count]`: how much each of `count` samples, evenly over `extent` pixels from `start` on, counts
    in each pixel between two of them.
    """
    at = np.clip((np.arange(length) + 0.5 - start) / extent * count - 0.5, 0, count - 1)
    counted: Floats = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(count))).astype(np.float32)
    return counted
