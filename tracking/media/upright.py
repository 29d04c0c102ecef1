# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoded frames as they are meant to be seen: turned and mirrored by their display matrix, with square pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from av.sidedata.sidedata import SideDataContainer

from .colour import rgb_of

if TYPE_CHECKING:
    import av

    from ..heads.arrays import Image

SAME_SHAPE = 0.01
"""Pictures whose proportions differ by a smaller share are scaled; others keep theirs, within bars."""


@dataclass(frozen=True)
class Turn:
    """What is done to a stored picture, in this order: rows and columns swap places, it is mirrored, it is flipped."""

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    def of(self, image: Image) -> Image:
        """The picture `[H, W, 3]` as it is shown."""
        image = image.swapaxes(0, 1) if self.transposed else image
        image = image[:, ::-1] if self.mirrored else image
        return np.ascontiguousarray(image[::-1] if self.flipped else image)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as they are shown; the same way back."""
        return (height, width) if self.transposed else (width, height)


def turn_of(frame: av.VideoFrame) -> Turn:
    """What the frame's display matrix asks for, to the nearest quarter turn; nothing where it has none."""
    # A frame keeps its own `side_data`, which keeps the frame: seconds of pictures would stay in memory.
    side_data: Any = SideDataContainer(frame)  # type: ignore[call-arg]  # PyAV's types are wrong here
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Turn()
    x_to_x, x_to_y, _, y_to_x, y_to_y = struct.unpack_from("=5i", matrix)
    if abs(x_to_x) + abs(y_to_y) >= abs(x_to_y) + abs(y_to_x):
        return Turn(False, x_to_x < 0, y_to_y < 0)
    return Turn(True, y_to_x < 0, x_to_y < 0)


def shown_size(frame: av.VideoFrame, aspect: float) -> tuple[int, int]:
    """Width and height of a frame, whose pixels are `aspect` times as wide as high, as it is meant to be seen."""
    return turn_of(frame).size(round(frame.width * aspect), frame.height)


def upright(frame: av.VideoFrame, aspect: float, size: tuple[int, int]) -> Image:
    """Return a frame as it is meant to be seen, as RGB `[H, W, 3]` of just this `size` (width, height).

    A picture of other proportions is fitted in, black around.
    """
    turn, (width, height) = turn_of(frame), size
    own_width, own_height = turn.size(round(frame.width * aspect), frame.height)
    fit = min(width / own_width, height / own_height)
    if abs(own_width / own_height / (width / height) - 1) < SAME_SHAPE:
        return turn.of(rgb_of(frame, *turn.size(width, height)))
    inner = min(width, round(own_width * fit)), min(height, round(own_height * fit))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    framed = np.zeros((height, width, 3), np.uint8)
    framed[top : top + inner[1], left : left + inner[0]] = turn.of(rgb_of(frame, *turn.size(*inner)))
    return framed
