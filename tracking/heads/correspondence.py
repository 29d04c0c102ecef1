# SPDX-License-Identifier: GPL-3.0-or-later
"""Which vertex of the built-in head lies where on another head.

A foreign model has few landmarks, no regions and often no colours. The built-in head is bent onto it, first by the
landmarks that are known, then by its surface, and what the model lacks is looked up there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .builtin import load_builtin
from .head import ARKIT_NAMES, Eyeball, MorphableHead
from .shading import vertex_normals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .arrays import Doubles, Floats, Indices, Integers

IBUG: tuple[int, ...] = (
    127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""The MediaPipe landmark of each of the 68 of iBUG (300-W); those of the jaw's contour only roughly."""
JAW = tuple(number for number in range(17) if number != 8)
"""Landmarks of iBUG on the contour, which are not the same point of the skin in the two schemes; the chin is."""

FACE_LANDMARKS = 468
"""Landmarks on the skin; the others are on the irises."""
PARTED = 0.1
"""How far the built-in head opens its jaw to be bent: lips that touch could not be moved to lips that do not."""
ROUNDS = 4
SOFTNESS = 1e-3
"""How far (of its own scale) the bend may miss surface points to stay smooth."""
NORMAL_LENGTH = 0.004
"""Metres by which two points count as apart for each unit between their normals: lips that touch stay two lips."""
NEIGHBOURS = 4
CLOSE = 2e-4
"""Metres within which a vertex counts as the point itself."""
BLOCK = 1000


@dataclass(frozen=True)
class Correspondence:
    """The built-in head bent onto another head of V vertices.

    Attributes:
        builtin: the built-in head of W vertices.
        bent: `[W, 3]` where its vertices lie on the other head.
        normals: `[W, 3]` normals there.
        landmarks: `[478]` the other head's vertex at each MediaPipe landmark; `[468]` for a head without eyeballs.
    """

    builtin: MorphableHead
    bent: Floats
    normals: Floats
    landmarks: Integers

    def nearest(self, points: Floats, normals: Floats, regions: tuple[str, ...] = ()) -> Lookup:
        """Return what lies about points `[N, 3]` of the other head, by place and normal `[N, 3]`.

        With `regions` only vertices of these regions count.
        """
        everywhere = np.ones(len(self.bent), bool)
        chosen = np.any([self.builtin.regions[name] for name in regions], 0) if regions else everywhere
        found = nearest_vertices(points, normals, self.bent[chosen], self.normals[chosen], NEIGHBOURS)
        vertices = np.flatnonzero(chosen)[found].astype(np.int32)
        weights = 1 / (np.linalg.norm(self.bent[vertices] - points[:, None], axis=-1) + CLOSE) ** 2
        return Lookup(vertices, (weights / weights.sum(1, keepdims=True)).astype(np.float32))

    def nearest_on_eyes(self, vertices: Floats, eyeballs: tuple[Eyeball, Eyeball]) -> tuple[Lookup, Lookup]:
        """Return what lies in the same directions on the built-in eyeballs, for `eyeballs` of `vertices [V, 3]`."""
        found = []
        for own, other in zip(self.builtin.eyeballs, eyeballs, strict=True):
            offered = unit(self.builtin.mean[own.start : own.stop] - centre(self.builtin.mean, own))
            wanted = unit(vertices[other.start : other.stop] - centre(vertices, other))
            nearest = own.start + (wanted @ offered.T).argmax(1).astype(np.int32)
            first = np.eye(1, NEIGHBOURS, dtype=np.float32)
            found.append(Lookup(np.repeat(nearest[:, None], NEIGHBOURS, 1), np.repeat(first, len(nearest), 0)))
        return found[0], found[1]


@dataclass(frozen=True)
class Lookup:
    """For each of N points some built-in vertices `[N, K]`, the nearest first, and how much each counts `[N, K]`."""

    vertices: Integers
    weights: Floats

    def of(self, values: Floats) -> Floats:
        """Return `[..., N, C]` at the points of `values [..., W, C]` at the built-in vertices."""
        values_there: Floats = np.einsum(
            "...nkc,nk->...nc", values[..., self.vertices, :], self.weights, dtype=np.float32
        )
        return values_there

    @classmethod
    def joined(cls, parts: Iterable[Lookup]) -> Lookup:
        """Return the lookup of the points of all `parts`, one after the other."""
        vertices, weights = zip(*((part.vertices, part.weights) for part in parts), strict=True)
        return cls(np.concatenate(vertices), np.concatenate(weights))


def correspond(
    mean: Floats, triangles: Integers, anchors: Mapping[int, int], eyeballs: tuple[Eyeball, Eyeball] | None
) -> Correspondence:
    """Bend the built-in head onto another one.

    Arguments: the other head's `mean [V, 3]` in head space (about metres), its outward `triangles [T, 3]` (those of the
    face are enough), `anchors` from MediaPipe landmarks to its vertices, and its eyeballs where it has some.

    Raises:
        UserError: the built-in head is damaged.
    """
    builtin = load_builtin()
    face = np.unique(triangles)
    normals = vertex_normals(mean, triangles)
    known = np.fromiter(anchors, np.int64)
    source = builtin.mean + PARTED * builtin.expression_basis[ARKIT_NAMES.index("jawOpen")]
    controls = source[builtin.landmarks[known]]
    goals = mean[np.fromiter(anchors.values(), np.int64)]
    if eyeballs:
        controls = np.concatenate([controls, [centre(builtin.mean, eye) for eye in builtin.eyeballs]])
        goals = np.concatenate([goals, [centre(mean, eye) for eye in eyeballs]])
    others = np.setdiff1d(np.arange(FACE_LANDMARKS), known)
    skin = source[builtin.landmarks[others]]
    bent = bend(source, controls, goals, 0)
    for _ in range(ROUNDS):
        bent_normals = vertex_normals(bent, builtin.triangles)
        places, directions = (array[builtin.landmarks[others]] for array in (bent, bent_normals))
        nearest = face[nearest_vertices(places, directions, mean[face], normals[face])[:, 0]]
        gap = np.einsum("na,na->n", mean[nearest] - places, normals[nearest])
        on_surface = places + gap[:, None] * normals[nearest]
        softness = np.repeat(np.array([0, SOFTNESS]), [len(controls), len(others)])
        bent = bend(source, np.concatenate([controls, skin]), np.concatenate([goals, on_surface]), softness)
    bent_normals = vertex_normals(bent, builtin.triangles)
    spots = builtin.landmarks[:FACE_LANDMARKS]
    nearest = nearest_vertices(bent[spots], bent_normals[spots], mean[face], normals[face])[:, 0]
    landmarks = face[nearest].astype(np.int32)
    landmarks[known] = np.fromiter(anchors.values(), np.int64)
    if eyeballs:
        landmarks = np.concatenate([landmarks, iris_landmarks(builtin, mean, eyeballs)])
    return Correspondence(builtin, bent, bent_normals, landmarks)


def ibug_anchors(vertices: Iterable[int], numbers: Iterable[int] = range(68)) -> dict[int, int]:
    """Return MediaPipe landmark to vertex for the vertices of iBUG's landmarks `numbers`, without the jaw's contour."""
    return {IBUG[n]: int(vertex) for n, vertex in zip(numbers, vertices, strict=True) if n not in JAW}


def centre(vertices: Floats, eyeball: Eyeball) -> Floats:
    """Return `[3]`: the centre of rotation of an eyeball of `vertices [V, 3]`."""
    middle: Floats = vertices[eyeball.start : eyeball.stop].mean(0) + np.asarray(eyeball.pivot_offset, np.float32)
    return middle


def eyeball_about(middle: Floats, vertices: Floats, start: int, stop: int) -> Eyeball:
    """Return the eyeball of the run `start` to `stop` of `vertices [V, 3]` that turns about `middle [3]`."""
    x, y, z = (float(offset) for offset in middle - vertices[start:stop].mean(0))
    return Eyeball(start, stop, (x, y, z))


def sphere_centre(points: Floats) -> Floats:
    """Return `[3]`: the centre of the sphere on which `points [N, 3]` lie best."""
    own = points.astype(np.float64) - points.mean(0)
    solution = np.linalg.lstsq(np.column_stack([2 * own, np.ones(len(own))]), (own**2).sum(1), rcond=None)[0]
    middle: Floats = (points.mean(0) + solution[:3]).astype(np.float32)
    return middle


def iris_landmarks(builtin: MorphableHead, mean: Floats, eyeballs: tuple[Eyeball, Eyeball]) -> Integers:
    """Return `[10]`: the vertices of another head's eyeballs that lie in the directions of the irises' landmarks."""
    found = []
    for landmark in builtin.landmarks[FACE_LANDMARKS:]:
        side = 0 if builtin.eyeballs[0].start <= landmark < builtin.eyeballs[0].stop else 1
        direction = unit(builtin.mean[landmark] - centre(builtin.mean, builtin.eyeballs[side]))
        ball = eyeballs[side]
        directions = unit(mean[ball.start : ball.stop] - centre(mean, ball))
        found.append(ball.start + int((directions @ direction).argmax()))
    return np.array(found, np.int32)


def unit(vectors: Floats) -> Floats:
    """Return vectors `[..., 3]` of length 1."""
    directions: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return directions


def bend(points: Floats, controls: Floats, goals: Floats, softness: float | Doubles) -> Floats:
    """Return `[N, 3]`: `points` moved as smoothly as `controls [K, 3]` move to `goals [K, 3]` (biharmonic spline).

    `softness` is how far a control may be missed, in its own length of about a head; 0 for not at all.
    """
    count = len(controls)
    origin, scale = controls.mean(0), np.abs(controls - controls.mean(0)).max()
    own, other = ((each.astype(np.float64) - origin) / scale for each in (controls, points))
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = distances(own, own) - np.diag(np.broadcast_to(softness, count))
    system[:count, count:] = np.column_stack([np.ones(count), own])
    system[count:, :count] = system[:count, count:].T
    weights = np.linalg.solve(system, np.concatenate([goals - controls, np.zeros((4, 3))]))
    moved = distances(other, own) @ weights[:count] + np.column_stack([np.ones(len(other)), other]) @ weights[count:]
    bent: Floats = (points + moved).astype(np.float32)
    return bent


def distances(first: Doubles, second: Doubles) -> Doubles:
    """Return `[N, K]`: the distances between points."""
    squared = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    apart: Doubles = np.sqrt(np.maximum(squared, 0))
    return apart


def nearest_vertices(
    points: Floats, normals: Floats, vertices: Floats, vertex_normals: Floats, count: int = 1
) -> Indices:
    """Return `[N, count]`: for each of `points` the nearest `vertices`, nearest first; normals count too."""
    wanted = np.concatenate([points, normals * NORMAL_LENGTH], 1, dtype=np.float32)
    offered = np.concatenate([vertices, vertex_normals * NORMAL_LENGTH], 1, dtype=np.float32)
    shift = offered.mean(0)
    wanted, offered = wanted - shift, offered - shift
    lengths = (offered**2).sum(1)
    found = []
    for start in range(0, len(wanted), BLOCK):
        score = lengths - 2 * wanted[start : start + BLOCK] @ offered.T
        if count == 1:
            found.append(score.argmin(1)[:, None])
            continue
        best = np.argpartition(score, count, 1)[:, :count]
        order = np.take_along_axis(score, best, 1).argsort(1)
        found.append(np.take_along_axis(best, order, 1))
    return np.concatenate(found)
