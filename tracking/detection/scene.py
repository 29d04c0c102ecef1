# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the whole picture from one frame to the next: nothing much, a cut, or another light."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image

GRID = 16
"""Cells of the picture, each way, that are compared."""
CHANGED = 12.0
"""Grey levels by which most cells change at a cut or when the light does; motion changes a few."""
SAME_PLACE = 0.6
"""Correlation of the cells above which it is the same scene in another light."""


class Change(enum.Enum):
    """What has happened between two frames."""

    NONE = enum.auto()
    LIGHT = enum.auto()
    CUT = enum.auto()


class Scene:
    """Compares each picture with the one before."""

    def __init__(self) -> None:
        self._before: Floats | None = None

    def change(self, rgb: Image) -> Change:
        """Return what has happened since the last picture; `rgb [H, W, 3]` is the next."""
        # Every cell's mean of a thinned picture: its exact place is of no interest, and thinning is cheap.
        thinned = np.ascontiguousarray(rgb[::4, ::4, 1])
        cells = cv2.resize(thinned, (GRID, GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._before = self._before, cells
        if before is None or np.median(np.abs(cells - before)) < CHANGED:
            return Change.NONE
        deviations = (each - each.mean() for each in (cells, before))
        alike = np.prod([each.std() for each in (cells, before)]) * SAME_PLACE
        return Change.LIGHT if float(np.prod(list(deviations), 0).mean()) > alike else Change.CUT
