# SPDX-License-Identifier: GPL-3.0-or-later
"""The clean plates of a photo: without the person, before whom a portrait is laid, and without the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from .inpainting import fill_behind
from .of_footage import Plates, head_mattes
from .windows import enlarged_slices, enlarged_window, pasted_inside

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..performances.performance import Crop, Performance


def plates_of_photo(photo: Image, head: MorphableHead, still: Performance, matte: Floats) -> Plates:
    """Return the photo `[H, W, 3]` without the person (in the avatar's window), and without the head alone.

    Args:
        photo: the whole picture.
        head, still: the head, and the one frame solved from the photo.
        matte: `[S, S]`, 0 to 1: the person in the enlarged window of `still.crop`.
    """
    assert still.crop is not None  # a solved photo has the window in which it was solved
    (of_head,) = head_mattes(head, still, [matte])
    clean = pasted_inside(photo, without(photo, matte, still.crop), still.crop)
    return Plates(clean, without(photo, of_head, still.crop))


def without(photo: Image, matte: Floats, crop: Crop) -> Image:
    """Return the photo `[H, W, 3]` with what the matte `[S, S]` of the enlarged window of `crop` shows in-painted."""
    left, top, side = enlarged_window(crop)
    rows, columns = inside = enlarged_slices(crop, photo.shape)
    hidden = cv2.resize(matte, (side, side), interpolation=cv2.INTER_LINEAR)
    plate = photo.copy()
    plate[inside] = fill_behind(
        photo[inside], hidden[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    )
    return plate
