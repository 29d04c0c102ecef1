# SPDX-License-Identifier: GPL-3.0-or-later
"""How a head's surface changed between two poses: as a whole, and about each vertex."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....tracking.detection.landmarks import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS

if TYPE_CHECKING:
    from ....tracking.heads.arrays import Booleans, Floats, Integers
    from ....tracking.heads.head import MorphableHead

REFITS = 3
"""Times that the turn is found anew."""
EYES = (*LEFT_EYE_CORNERS, *RIGHT_EYE_CORNERS)


class Stretch:
    """Tells how much the triangles about each vertex changed their shape from one pose on."""

    def __init__(self, vertices: Floats, triangles: Integers) -> None:
        """`vertices [V, 3]` are the pose to compare with."""
        self._triangles = triangles
        self._shapes = np.linalg.inv(in_plane(vertices, triangles))
        self._count = len(vertices)

    def to(self, vertices: Floats) -> Floats:
        """Return `[V]` of another pose `[V, 3]`: 0 where it was only turned and moved.

        Of a triangle it is the absolute logarithms of its two principal stretches, added; of a vertex, the largest of
        its triangles'.
        """
        gradient = in_plane(vertices, self._triangles) @ self._shapes
        size = (gradient**2).sum((1, 2))
        area = np.abs(np.linalg.det(gradient))
        apart = np.sqrt(np.maximum(size**2 - 4 * area**2, 0))
        large, small = ((size + apart) / 2, np.maximum((size - apart) / 2, 1e-12))
        change = (np.abs(np.log(large)) + np.abs(np.log(small))) / 2
        most = np.zeros(self._count, np.float32)
        np.maximum.at(most, self._triangles.ravel(), np.repeat(change, 3).astype(np.float32))
        return most


def in_plane(vertices: Floats, triangles: Integers) -> Floats:
    """Return `[T, 2, 2]`: two edges of each triangle, as columns, in a frame of its own plane."""
    corners = vertices[triangles].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.maximum(np.linalg.norm(first, axis=-1), 1e-9)
    along = np.einsum("ta,ta->t", first, second) / length
    across = np.maximum(np.linalg.norm(np.cross(first, second), axis=-1) / length, 1e-9)
    edges: Floats = np.stack([np.stack([length, along], -1), np.stack([np.zeros_like(length), across], -1)], 1)
    return edges


def turn_between(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the rotation `[3, 3]` and the translation `[3]` from `before` to `after`, points `[N, 3]` of a skull.

    The half of the points that fits best decides, so that brows that rise do not turn the head.
    """
    fitting = np.ones(len(before), bool)
    for _ in range(REFITS):
        rotation, translation = best_turn(before[fitting], after[fitting])
        missed = np.linalg.norm(before @ rotation.T + translation - after, axis=-1)
        fitting = missed <= np.median(missed)
    return rotation, translation


def best_turn(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the rotation `[3, 3]` and the translation `[3]` that bring `before [N, 3]` nearest to `after [N, 3]`, by
    squares (Kabsch).
    """
    middle, target = before.mean(0), after.mean(0)
    left, _, right = np.linalg.svd((before - middle).T.astype(np.float64) @ (after - target))
    mirrored = np.sign(np.linalg.det(left @ right))
    rotation: Floats = ((left * [1, 1, mirrored]) @ right).T
    return rotation, target - rotation @ middle


def skull(head: MorphableHead) -> Booleans:
    """Return `[V]`: the vertices above the eyes, which no jaw moves."""
    above: Booleans = head.mean[:, 1] < head.mean[head.landmarks[list(EYES)], 1].min()
    return above
