# SPDX-License-Identifier: GPL-3.0-or-later
"""The clean plate of a photo: the photo without the head, before which an avatar's head can be laid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..datasets.dataset import ENLARGED
from ..mattes.head_only import HeadOnly
from .inpainting import fill_behind

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..performances.performance import Crop, Performance


class Still:
    """A matting of one picture, whose matte is known."""

    def __init__(self, matte: Floats) -> None:
        self._matte = matte

    def __call__(self, _rgb: Image, /) -> Floats:
        """Return the matte `[S, S]`, 0 to 1."""
        return self._matte

    def close(self) -> None:
        """Nothing to free."""


def clean_plate(photo: Image, head: MorphableHead, still: Performance, matte: Floats) -> Image:
    """Return the photo `[H, W, 3]` with the head in-painted; shoulders and clothes stay.

    Args:
        photo: the whole picture.
        head, still: the head, and the one frame solved from the photo.
        matte: `[S, S]`, 0 to 1: the person in the enlarged window of `still.crop`.
    """
    assert still.crop is not None  # a solved photo has the window in which it was solved
    of_head = HeadOnly(Still(matte), head, still)(np.zeros((*matte.shape, 3), np.uint8))
    left, top, side = enlarged_window(still.crop)
    height, width = photo.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    hidden = cv2.resize(of_head, (side, side), interpolation=cv2.INTER_LINEAR)[
        y0 - top : y1 - top, x0 - left : x1 - left
    ]
    plate = photo.copy()
    plate[y0:y1, x0:x1] = fill_behind(photo[y0:y1, x0:x1], hidden)
    return plate


def enlarged_window(crop: Crop) -> tuple[int, int, int]:
    """Return left, top and side in whole pixels of the picture of the window that `crop.cut` cuts out."""
    side = round(crop.side * ENLARGED)
    return round(crop.x + (crop.side - side) / 2), round(crop.y + (crop.side - side) / 2), side
