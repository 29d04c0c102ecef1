# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar's window in the whole picture: where a plate is clean, and what of it lies behind the avatar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..datasets.dataset import ENLARGED
from ..media.crop import resampled

if TYPE_CHECKING:
    from ..heads.arrays import Image
    from ..performances.performance import Crop

MARGIN = 0.003
"""Of the window's side: so far inside the avatar's window a plate is not clean yet. The avatar's edge, which scaling
softens, lies over what is around the window: else a line of background would cross a person who reaches past it."""


def enlarged_window(crop: Crop) -> tuple[int, int, int]:
    """Return left, top and side in whole pixels of the picture of the window that `crop.cut` cuts out."""
    side = round(crop.side * ENLARGED)
    return round(crop.x + (crop.side - side) / 2), round(crop.y + (crop.side - side) / 2), side


def enlarged_slices(crop: Crop, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return which rows and columns of a whole picture of `shape` (H, W, ...) the enlarged window shows."""
    left, top, side = enlarged_window(crop)
    return slice(max(top, 0), min(top + side, shape[0])), slice(max(left, 0), min(left + side, shape[1]))


def pasted_inside(around: Image, inside: Image, crop: Crop) -> Image:
    """Return the picture `around [H, W, 3]` with the central window of `inside [H, W, 3]`."""
    margin = max(1.0, MARGIN * crop.side)
    rows, columns = (
        slice(max(0, int(np.ceil(start + margin))), max(0, int(start + crop.side - margin)))
        for start in (crop.y, crop.x)
    )
    result = around.copy()
    result[rows, columns] = inside[rows, columns]
    return result


def behind(plate: Image, crop: Crop, size: int) -> Image:
    """Return what of a plate `[H, W, 3]` lies behind an avatar of `size` pixels: `[size, size, 3]`."""
    step = crop.side / size
    if step > 1:  # averaged first: a plate is often several times as fine
        plate = cv2.GaussianBlur(plate, (0, 0), 0.35 * step)
    return resampled(plate, crop, 1.0, size)
