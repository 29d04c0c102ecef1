# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in head's eyeballs, for a head that has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .correspondence import FACE_LANDMARKS, Correspondence
from .head import Eyeball

if TYPE_CHECKING:
    from .arrays import Floats, Integers

LIDS = ((263, 362, 386, 374), (33, 133, 159, 145))
"""Landmarks about the left and the right eye, with which the eyeball moves from person to person."""


@dataclass(frozen=True)
class BorrowedEyes:
    """Two eyeballs of B vertices that follow the V vertices of another head.

    Attributes:
        vertices: `[B, 3]`; triangles: `[U, 3]`, counted from V; colours: `[B, 3]`.
        eyeballs: left, right.
        landmarks: `[10]` their vertices at the landmarks of the irises.
        lids: for each eyeball the other head's vertices about it.
    """

    vertices: Floats
    triangles: Integers
    colours: Floats
    eyeballs: tuple[Eyeball, Eyeball]
    landmarks: Integers
    lids: tuple[Integers, Integers]

    def moved_by(self, basis: Floats) -> Floats:
        """Return `[K, B, 3]`: how the eyeballs move as a whole where `basis [K, V, 3]` moves what is about them."""
        moves = [basis[:, lids].mean(1, keepdims=True) for lids in self.lids]
        sizes = [eye.stop - eye.start for eye in self.eyeballs]
        return np.concatenate([np.repeat(move, size, 1) for move, size in zip(moves, sizes, strict=True)], 1)


def borrow_eyes(face: Correspondence, vertices: int) -> BorrowedEyes:
    """Return the built-in eyeballs where the bent built-in head has them, to follow the `vertices` of another head."""
    builtin = face.builtin
    spans = [np.arange(eye.start, eye.stop) for eye in builtin.eyeballs]
    placed = [builtin.mean[span] + (face.bent[span] - builtin.mean[span]).mean(0) for span in spans]
    chosen = np.concatenate(spans)
    number = np.full(len(builtin.mean), -1, np.int32)
    number[chosen] = vertices + np.arange(len(chosen))
    whole = (number[builtin.triangles] >= 0).all(1)
    middle = vertices + len(spans[0])
    left, right = builtin.eyeballs
    return BorrowedEyes(
        vertices=np.concatenate(placed).astype(np.float32),
        triangles=number[builtin.triangles[whole]],
        colours=builtin.texture_mean[chosen],
        eyeballs=(
            Eyeball(vertices, middle, left.pivot_offset),
            Eyeball(middle, vertices + len(chosen), right.pivot_offset),
        ),
        landmarks=number[builtin.landmarks[FACE_LANDMARKS:]],
        lids=(face.landmarks[list(LIDS[0])], face.landmarks[list(LIDS[1])]),
    )
