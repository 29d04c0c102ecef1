# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes of the head alone: clothes go, hair stays, the neck ends in a soft edge.

The tracked head says where the neck is cut; beside the neck the outline says where the shoulders begin: hair hangs
down, shoulders go out. Where a network has told hair from clothes, its word counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..datasets.dataset import ENLARGED
from ..heads.arrays import Floats, Image
from .head_view import MIDDLE, PER_METRE, SIDE, HeadView, PersonalHead

if TYPE_CHECKING:
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance
    from .matting import Matting

SOFTNESS = 0.012
"""Metres over which the neck fades out."""
SHOULDER_SLOPE = 1.0
"""An outline that goes out by more than this for each metre that it goes down is a shoulder's."""
SLOPE_OVER = 0.012
"""Metres of outline over which its slope is taken."""
SHOULDER_MARGIN = 0.01
"""Metres above a shoulder at which the head ends beside the neck."""
SHOULDER_MEMORY = 0.8
"""Share of the former frame in where the shoulders begin."""
COLLAR = 0.7
"""Share of the neck's half width from its middle, within which no collar hides it."""
NEAR = 0.012
"""Metres about the head's own outline in which soft pixels are the head's."""
PARSED_EVERY = 5
"""Frames for which a parsing holds."""


@dataclass(frozen=True)
class Parsing:
    """What a network tells apart in a picture: `hair` and `clothes`, `[h, w]`, 0 to 1."""

    hair: Floats
    clothes: Floats


Parser = Callable[[Image], Parsing]
"""Parses a picture `[H, W, 3]`."""


class HeadOnly:
    """A matting that leaves the head: it sees the enlarged window of each frame of a performance, in order."""

    def __init__(
        self, matting: Matting, head: MorphableHead, performance: Performance, parser: Parser | None = None
    ) -> None:
        """`matting` separates the person from the background; `parser` tells hair from clothes."""
        self._matting, self._performance, self._parser = matting, performance, parser
        self._person = PersonalHead.of(head, performance.identity)
        self._shoulders: Floats | None = None
        self._parsed: Parsing | None = None
        self._index = 0

    def __call__(self, rgb: Image, /) -> Floats:
        """Return the matte `[H, W]` of the head in a picture `[H, W, 3]`."""
        matte = self._matting(rgb)
        view = self._view(len(rgb))
        person = view.upright(matte)
        shoulders = np.array([shoulder_row(person, view.ears, side) for side in (-1, 1)], np.float32)
        if self._shoulders is not None:
            shoulders += SHOULDER_MEMORY * (self._shoulders - shoulders)
        self._shoulders = shoulders
        kept = above_cut(view, shoulders)
        if self._parser is not None:
            if self._parsed is None or self._index % PARSED_EVERY == 0:
                self._parsed = upright_parsing(self._parser(rgb), view)
            kept = np.maximum(kept, self._parsed.hair) * (1 - self._parsed.clothes)
        self._index += 1
        return matte * view.in_picture(kept * around_head(person * kept, view), len(rgb))

    def close(self) -> None:
        """Close the matting."""
        self._matting.close()

    def _view(self, side: int) -> HeadView:
        """The head in this frame's picture of `side` pixels square."""
        camera = self._performance.camera
        margin = round(camera.width * (ENLARGED - 1) / 2)
        camera = camera.padded(margin, margin, margin, margin).resized(side, side)
        return HeadView.of(self._person, self._performance, self._index, camera)


def above_cut(view: HeadView, shoulders: Floats) -> Floats:
    """Return 1 in what lies above the cut, and in the face: `[SIDE, SIDE]`.

    The cut follows the front of the neck, and to its sides rises to the rows of the shoulders (left and right in the
    picture) where they are higher: there a collar stands about the neck, and close to the face.
    """
    x, y = view.cut.T
    columns, rows = np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32)[:, None]
    cut = np.interp(columns, x, y)
    out = 2 * (columns - x.mean()) / (x[-1] - x[0])
    for side, shoulder in zip((-1, 1), shoulders, strict=True):
        cut += np.clip((side * out - COLLAR) / (1 - COLLAR), 0, 1) * np.minimum(shoulder - cut, 0)
    kept = np.clip(0.5 + (cut - rows) / (SOFTNESS * PER_METRE), 0, 1).astype(np.float32)
    face = np.where(rows < np.where(columns < MIDDLE, *shoulders), view.around, view.face)
    soft: Floats = cv2.blur(np.maximum(kept, face), (3, 3))
    return soft


def upright_parsing(parsing: Parsing, view: HeadView) -> Parsing:
    """Return what a network told, in the upright view, where it holds for some frames: hair moves with the head."""
    return Parsing(view.upright(parsing.hair), view.upright(parsing.clothes))


def shoulder_row(person: Floats, ears: float, side: int) -> float:
    """Return the row of an upright matte in which the shoulder begins below the row of the ears.

    `person [SIDE, SIDE]` is 0 to 1; `side` is -1 left, 1 right.
    """
    reach = ((person > 0.5) * side * (np.arange(SIDE) - MIDDLE)).max(1)
    step = round(SLOPE_OVER * PER_METRE)
    below = reach[round(ears) :]
    found = np.flatnonzero(below[step:] - below[:-step] > SHOULDER_SLOPE * step)
    return ears + float(found[0] if len(found) else len(below)) - SHOULDER_MARGIN * PER_METRE


def around_head(kept: Floats, view: HeadView) -> Floats:
    """Return `[SIDE, SIDE]`: 1 about those parts of an upright matte that hang together with the face, 0 elsewhere.

    `kept [SIDE, SIDE]` is the matte, 0 to 1. A raised hand does not hang together with the face.
    """
    labels = cv2.connectedComponents((kept > 0.3).astype(np.uint8))[1]
    own = np.unique(labels[(view.face > 0.5) & (labels > 0)])
    size = 2 * round(NEAR * PER_METRE) + 1
    soft: Floats = cv2.blur(cv2.dilate(np.isin(labels, own).astype(np.float32), np.ones((size, size))), (5, 5))
    return soft
