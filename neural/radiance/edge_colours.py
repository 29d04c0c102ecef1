# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's own colours where footage mixes them with what is behind: at soft edges and between strands of hair.

A head is shown before other backgrounds than the one it was filmed before, of which it would carry a rim along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...tracking.photos.inpainting import push_pull

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats, Image

AROUND = 0.03
"""Share of the picture's side about a person in which a pixel may hold some of their colours."""
NOTHING, ALL = 0.04, 0.98
"""Mattes up to which a pixel is the background's, and from which it is the person's alone."""
LEAST = 0.3
"""Matte below which the person's part of a pixel cannot be told: the colours beside it go on."""


def own_colours(picture: Image, matte: Floats) -> Image:
    """Return a picture `[H, W, 3]` with the person's colours alone where `matte [H, W]`, 0 to 1, says that it is mixed.

    The background behind such pixels is guessed from that around the person.
    """
    side = 2 * max(1, round(AROUND * max(matte.shape))) + 1
    person = cv2.dilate((matte > NOTHING).astype(np.float32), np.ones((side, side), np.uint8))
    if person.all() or not person.any():
        return picture
    seen = picture.astype(np.float32)
    behind = push_pull(seen, 1 - person)
    share = np.maximum(matte, LEAST)[..., None]
    own = np.clip((seen - (1 - share) * behind) / share, 0, 255)
    sure = np.square(np.clip((matte - LEAST) / (ALL - LEAST), 0, 1)).astype(np.float32)
    mixed = ((matte > 0) & (matte < ALL))[..., None]
    return np.where(mixed, np.clip(push_pull(own, sure) + 0.5, 0, 255), seen).astype(np.uint8)
