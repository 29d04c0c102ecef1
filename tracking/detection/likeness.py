# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two faces look alike: the light and dark of their skin, brows, eyes and lips, compared landmark by landmark.

Landmarks carry the comparison over turns and expressions; what counts is the correlation, so that brightness does not.
On footage of eight people, frames of one person are alike by 0.86 (their hundredth part) to 1; two people by 0.5
usually, and by more than 0.85 in a twentieth of the cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .landmarks import (
    IRISES_START,
    LEFT_BROW,
    LEFT_EYE,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    Landmarks,
    face_width,
)

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image

SAMPLED_WIDTH = 40
"""Pixels of a face's width when it is sampled: brows and lips are seen, pores and noise are not."""
KEPT = 24
"""Looks of a person that are remembered."""
NEW, LEARNT = 0.93, 0.7
"""A look that is less like the remembered ones than the first is remembered too, unless it is less than the second."""
EVEN = 2.0
"""Grey levels; a face with less contrast is a blur and like nobody."""

ONE_SIDE = OVAL + LEFT_EYE + RIGHT_EYE + LEFT_BROW + RIGHT_BROW
OTHER_SIDE = (OVAL[0], *OVAL[:0:-1], *RIGHT_EYE, *LEFT_EYE, *RIGHT_BROW, *LEFT_BROW)
"""Landmarks, and those that take their place in a mirror."""


def appearance(rgb: Image, face: Landmarks) -> Floats:
    """Return `[468]`: how light the face `[478, 3]` in a picture `[H, W, 3]` is at its landmarks.

    The mean is 0 and the length 1; where the face has no contrast or is outside the picture it is all 0.
    """
    points = face[:IRISES_START, :2]
    margin = 0.1 * face_width(face)
    height, width = rgb.shape[:2]
    left, top = np.clip(np.floor(points.min(0) - margin), 0, (width - 2, height - 2)).astype(int)
    right, bottom = np.clip(np.ceil(points.max(0) + margin), (left + 2, top + 2), (width, height)).astype(int)
    part = rgb[top:bottom, left:right]
    scale = min(1.0, SAMPLED_WIDTH / face_width(face))
    size = max(2, round(part.shape[1] * scale)), max(2, round(part.shape[0] * scale))
    small = cv2.resize(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 1.0)
    places = ((points - (left, top)) * (size[0] / part.shape[1], size[1] / part.shape[0]) - 0.5).astype(np.float32)
    seen = cv2.remap(soft, places[None], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    centred: Floats = seen.astype(np.float32) - seen.mean(dtype=np.float32)
    return centred / np.linalg.norm(centred) if centred.std() >= EVEN else np.zeros_like(centred)


class Acquaintance:
    """A person as seen so far: a few appearances that differ, by turns, light and expression."""

    def __init__(self, first: Floats) -> None:
        """Meet a person whose appearance is `first [468]`."""
        self._looks = [first]

    def likeness(self, seen: Floats) -> float:
        """Return how like this person an appearance `[468]` is, -1 to 1: by the remembered look most like it."""
        return max(float(look @ seen) for look in self._looks)

    def is_mirrored(self, seen: Floats) -> bool:
        """Tell whether an appearance `[468]` is more like this person's mirror image."""
        looks = [look[list(ONE_SIDE)] for look in self._looks]
        centred = [look - look.mean() for look in looks]
        straight, turned = (max(float(look @ seen[list(side)]) for look in centred) for side in (ONE_SIDE, OTHER_SIDE))
        return turned > straight

    def learn(self, seen: Floats, certainly: bool = False) -> None:
        """Remember an appearance `[468]` of the person when it is new; `certainly` however new it is."""
        likeness = self.likeness(seen)
        if likeness < NEW and (certainly or likeness >= LEARNT):
            self._looks.append(seen)
            if len(self._looks) > KEPT:
                del self._looks[1]
