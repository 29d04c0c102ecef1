# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that fill another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Image


def filled(picture: Image, height: int, width: int) -> Image:
    """Return a picture `[H, W, 3]` as `[height, width, 3]`: it fills it, and what does not fit is cut off evenly."""
    tall, wide = picture.shape[:2]
    scale = max(height / tall, width / wide)
    size = max(width, round(wide * scale)), max(height, round(tall * scale))
    large: Image = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    return large[top : top + height, left : left + width]
