# SPDX-License-Identifier: GPL-3.0-or-later
"""How the light of footage changes: a smooth gain between two pictures, from the background that both show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image

SIDE = 48
"""Pixels of the longer side of the pictures that are compared."""
SMOOTH = 0.2
"""Share of that side over which the gain is smooth."""
MOST = 1.6
"""A gain above this, or below its inverse, is no change of light."""
DARK = 12.0
"""Levels of 255: what is as dark counts half."""
SAME = 0.003
"""A gain as near to 1 changes less than a level."""
TOWARDS_ONE = 0.02
"""Weight of no change, against that of a background seen all around."""


def gain(picture: Image, plate: Image, seen: Floats) -> Floats:
    """Return `[h, w, 3]`, small: by what the `plate [H, W, 3]` is multiplied to be lit like the `picture [H, W, 3]`.

    `seen [H, W]` is 1 where the picture shows the background. Where it does not, the gain goes on smoothly.
    """
    scale = SIDE / max(picture.shape[:2])
    size = max(2, round(picture.shape[1] * scale)), max(2, round(picture.shape[0] * scale))
    share = (seen > 0.99).astype(np.float32)
    weight = cv2.resize(share, size, interpolation=cv2.INTER_AREA)
    ours, theirs = (
        cv2.resize(each * share[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-3)[..., None]
        for each in (picture.astype(np.float32), plate.astype(np.float32))
    )
    ratio = np.log((ours + 1) / (theirs + 1))
    level = theirs.mean(-1)
    weight = weight * level / (level + DARK) * (np.abs(ratio).max(-1) < np.log(MOST))
    sigma = SMOOTH * SIDE
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    smooth = cv2.GaussianBlur(ratio * weight[..., None], (0, 0), sigma) / (total + TOWARDS_ONE)[..., None]
    gains: Floats = np.exp(smooth).astype(np.float32)
    return gains


def lit(plate: Image, gains: Floats) -> Image:
    """Return a plate `[H, W, 3]` times a smooth gain `[h, w, 3]` of the same view."""
    if np.abs(gains - 1).max() < SAME:
        return plate
    height, width = plate.shape[:2]
    whole = cv2.resize(gains, (width, height), interpolation=cv2.INTER_CUBIC)
    result: Image = np.clip(plate * whole + 0.5, 0, 255).astype(np.uint8)
    return result
