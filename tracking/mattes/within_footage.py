# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes of windows that reach past the footage, whose edge is repeated there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image, Numbers
    from .matting import Matting

Sides = tuple[int, ...]
"""Top, bottom, left, right."""

STEP = 4
"""Pixels to which the footage's edge is found."""
REPEATED = 4
"""Steps without any change that a repeated edge has at least; fewer may be chance."""
CONTEXT = 40
"""Pixels of the repeated edge that the matting is shown, so that little of the footage lies at its picture's edge."""


class WithinFootage:
    """A matting that sees little more of a window than is footage.

    A network would take the streaks beyond it for clothes or for the room, as chance will have it. Beside and above
    the footage is background; below it the person goes on as the streaks do.
    """

    def __init__(self, matting: Matting) -> None:
        """`matting` starts anew when the size of its picture changes."""
        self._matting = matting
        self._beyond: Sides | None = None

    def __call__(self, rgb: Image, /) -> Floats:
        """Return the matte `[H, W]` of a window `[H, W, 3]`; all windows have the same size."""
        beyond = repeated_edges(rgb)
        if self._beyond is not None:
            beyond = least(beyond, self._beyond)
        self._beyond = beyond
        context = tuple(min(CONTEXT, side) for side in beyond)
        seen = without(rgb, tuple(side - kept for side, kept in zip(beyond, context, strict=True)))
        matte = without(self._matting(np.ascontiguousarray(seen)), context)
        return set_in(matte, beyond) if any(beyond) else matte

    def close(self) -> None:
        """Close the matting."""
        self._matting.close()


def set_in(matte: Floats, beyond: Sides) -> Floats:
    """Return a matte `[H, W]` with so many pixels more at each side: background, but below what its last row says."""
    top, bottom, left, right = beyond
    height, width = matte.shape
    result = np.zeros((top + height + bottom, left + width + right), np.float32)
    result[top : top + height, left : left + width] = matte
    result[top + height :] = result[top + height - 1]
    return result


def without(picture: Numbers, sides: Sides) -> Numbers:
    """Return a picture `[H, W, ...]` without so many pixels at each side."""
    top, bottom, left, right = sides
    return picture[top : len(picture) - bottom, left : picture.shape[1] - right]


def repeated_edges(rgb: Image) -> Sides:
    """Return how many pixels at each side of a picture `[H, W, 3]` repeat a row or column of it."""
    rows = np.ascontiguousarray(rgb[::STEP, ::STEP])
    columns = np.ascontiguousarray(rows.transpose(1, 0, 2))
    return repeated_rows(rows), repeated_rows(rows[::-1]), repeated_rows(columns), repeated_rows(columns[::-1])


def repeated_rows(picture: Image) -> int:
    """Return the pixels, in steps' length, by which the first row of a thinned picture `[h, w, 3]` is repeated."""
    if not np.array_equal(picture[0], picture[min(REPEATED, len(picture) - 1)]):
        return 0
    differs = (picture != picture[0]).reshape(len(picture), -1).any(1)
    return STEP * max(0, int(differs.argmax()) - 1)


def least(one: Sides, other: Sides) -> Sides:
    """Return the lesser of each: what was footage once is footage always."""
    return tuple(map(min, one, other))
