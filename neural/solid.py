# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills holes in a portrait's alpha: places where a network took a piece of hair or neck for the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF = 128
"""Alpha, of 255, below which a pixel is a hole's."""
LARGEST = 0.004
"""Share of the picture up to which a hole is none of the person's own, as under a raised arm."""
RIM = 5
"""Pixels' side of what is filled about each pixel of a hole, with its soft edge."""


def without_holes(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return alpha `[H, W]` with small holes filled that the person closes all around."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(cv2.inRange(alpha, 0, HALF - 1), connectivity=4)
    left, top, wide, high, area = facts.T
    open_to_side = (left == 0) | (top == 0) | (left + wide == alpha.shape[1]) | (top + high == alpha.shape[0])
    holes = np.flatnonzero(~open_to_side & (area <= LARGEST * alpha.size) & (np.arange(count) > 0))
    if not len(holes):
        return alpha
    filled = cv2.dilate(np.isin(labels, holes).astype(np.uint8), np.ones((RIM, RIM), np.uint8))
    return np.where(filled > 0, np.uint8(255), alpha)
