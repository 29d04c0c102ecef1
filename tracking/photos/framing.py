# SPDX-License-Identifier: GPL-3.0-or-later
"""The square in which a network sees a face: cut out of a picture, and put back into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..detection.landmarks import LEFT_BROW, LIPS, OVAL, RIGHT_BROW
from ..media.crop import SHRUNK_MUCH, with_edges

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image

BELOW_FOREHEAD = (*OVAL[7:30], *LEFT_BROW, *RIGHT_BROW, *LIPS)
"""Landmarks whose box other detectors' landmarks have, too: from the brows to the chin."""
FEATHER = 0.08
"""Share of a square's side over which it fades into the picture around it."""


@dataclass(frozen=True)
class Framing:
    """How a network wants to see a face.

    Attributes:
        scale: the square's side over the larger side of the face's box, brows to chin.
        raised: how far its middle lies above that of the box, as a share of the square's side.
    """

    scale: float
    raised: float

    def square(self, landmarks: Floats) -> Square:
        """Return one square for all frames, `landmarks [T, 478, 2]` (or 3) in pixels: the median of what each asks."""
        box = landmarks[:, BELOW_FOREHEAD, :2]
        least, most = box.min(1), box.max(1)
        side = self.scale * float(np.median((most - least).max(1)))
        x, y = np.median((least + most) / 2, 0)
        return Square(round(x - side / 2), round(y - side / 2 - self.raised * side), max(1, round(side)))


@dataclass(frozen=True)
class Square:
    """A square of a picture, in pixels; it may reach past the picture."""

    left: int
    top: int
    side: int

    def cut(self, picture: Image, size: int) -> Image:
        """Return what it holds of a picture `[H, W, 3]`, as `[size, size, 3]`; the picture's edge goes on outside."""
        return resized(with_edges(picture, self.left, self.top, self.side), size)

    def pasted(self, square: Image, picture: Image) -> Image:
        """Return a picture `[H, W, 3]` with this `square [s, s, 3]`, of any size, laid over it with a soft edge."""
        height, width = picture.shape[:2]
        x, y = (slice(max(0, first), min(end, first + self.side)) for first, end in self._ends(width, height))
        within = slice(y.start - self.top, y.stop - self.top), slice(x.start - self.left, x.stop - self.left)
        share = faded(self.side)[within][..., None]
        under = picture[y, x].astype(np.float32)
        laid = under + share * (resized(square, self.side)[within] - under)
        result = picture.copy()
        result[y, x] = np.clip(laid + 0.5, 0, 255).astype(np.uint8)
        return result

    def _ends(self, width: int, height: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where it begins and where the picture ends, across and down."""
        return (self.left, width), (self.top, height)


def resized(picture: Image, size: int) -> Image:
    """Return a square picture as `[size, size, 3]`."""
    averaged = len(picture) > size * SHRUNK_MUCH
    scaled: Image = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if averaged else cv2.INTER_CUBIC)
    return scaled


def faded(side: int) -> Floats:
    """Return `[side, side]`: 1 in the middle, 0 at the edge."""
    ticks = (np.arange(side, dtype=np.float32) + 0.5) / side
    line = np.clip(np.minimum(ticks, 1 - ticks) / FEATHER, 0, 1)
    line = line * line * (3 - 2 * line)
    square: Floats = line[:, None] * line[None]
    return square
