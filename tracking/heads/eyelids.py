# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyelids that meet for everyone: what a head's blink lacks in a person whose eyes open more or less than the mean's.

A head's blink is one field for all people, made so that the lids of its mean shape meet. By how much a person's eye is
opened wider than the mean's, its lids would stay apart; by how much it is narrower, they would pass each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .arrays import Floats, Integers

CORNERS = ((263, 362), (33, 133))
"""Landmarks of the left and the right eye: outer, inner corner."""
UPPER_RIMS = ((466, 388, 387, 386, 385, 384, 398), (246, 161, 160, 159, 158, 157, 173))
LOWER_RIMS = ((249, 390, 373, 374, 380, 381, 382), (7, 163, 144, 145, 153, 154, 155))
"""Landmarks of the lids between the corners, from the outer one on; each lies opposite the one of the other lid."""


@dataclass(frozen=True)
class LidClosure:
    """How the lids of one eye are brought together.

    Attributes:
        column: the expression that closes the eye.
        upper, lower: `[7]` vertices of the rims, opposite each other.
        usual: `[7, 3]` metres from the upper to the lower rim of the open eye in the mean shape.
        vertices: `[N]` those that the blink moves.
        shares: `[N, 7]` by which share of what a pair of the rims lacks each of them moves besides.
    """

    column: int
    upper: Integers
    lower: Integers
    usual: Floats
    vertices: Integers
    shares: Floats

    def lacking(self, neutral: Floats) -> Floats:
        """Return `[N, 3]` metres: what is added to the blink of a person, `neutral [V, 3]`."""
        return self.shares @ (neutral[self.lower] - neutral[self.upper] - self.usual)


def lid_closures(mean: Floats, blinks: Floats, columns: tuple[int, int], landmarks: Integers) -> Iterator[LidClosure]:
    """Yield the closure of the left and of the right eye; none of an eye whose lids do not come nearer by blinking.

    Args:
        mean: `[V, 3]` the head's mean shape.
        blinks: `[2, V, 3]` the expressions that close the left and the right eye; columns: which ones they are.
        landmarks: `[478]` vertex of each landmark.
    """
    for eye, blink in enumerate(blinks):
        upper, lower = (landmarks[list(rims[eye])] for rims in (UPPER_RIMS, LOWER_RIMS))
        if (blink[upper, 1] > 0).all():
            corners = landmarks[list(CORNERS[eye])]
            vertices, shares = shares_of_lids(mean, blink[:, 1], upper, lower, corners)
            yield LidClosure(columns[eye], upper, lower, mean[lower] - mean[upper], vertices, shares)


def shares_of_lids(
    mean: Floats, sinking: Floats, upper: Integers, lower: Integers, corners: Integers
) -> tuple[Integers, Floats]:
    """Return the vertices `[N]` that close an eye, and `[N, 7]`, by how much of what a pair of the rims lacks.

    The rims share it as they share the way of the blink, by which all vertices sink (`[V]`, the lower lid's rise); what
    lies above or below them goes along as it does in the blink. From pair to pair, and to the corners, where nothing is
    lacking, it is interpolated along x.
    """
    outer, inner = mean[corners]
    middles = np.stack([outer, *(mean[upper] + mean[lower]) / 2, inner])
    is_upper = mean[:, 1] < along(mean[:, 0], middles[:, 0], middles[:, 1])
    way = np.maximum(np.where(is_upper, sinking, -sinking), 0)
    shares = np.zeros((len(mean), len(upper)), np.float32)
    for rim, side, sign in ((upper, is_upper, 1), (lower, ~is_upper, -1)):
        own = np.flatnonzero(side & (way > 0))
        x, stops = mean[own, 0], np.array([outer[0], *mean[rim, 0], inner[0]])
        follows = way[own] / np.maximum(along(x, stops, np.pad(way[rim], 1)), way[own])
        part = sign * way[rim] / (way[upper] + way[lower])
        for pair, weights in enumerate(np.diag(part)):
            shares[own, pair] = follows * along(x, stops, np.pad(weights, 1))
    vertices = np.flatnonzero(shares.any(1))
    return vertices.astype(np.int32), shares[vertices]


def along(x: Floats, places: Floats, values: Floats) -> Floats:
    """Interpolate to `x [N]` the `values [9]` at places between the corners of an eye, in any order."""
    order = np.argsort(places)
    return np.interp(x, places[order], values[order])
