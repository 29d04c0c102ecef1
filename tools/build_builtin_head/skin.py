# SPDX-License-Identifier: GPL-3.0-or-later
"""The skin: MediaPipe's face refined, and behind it the cranium and the neck, in one surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from .topology import CONTROL, FACE_OVAL, border_loop, control_triangles, refine

MILLIMETRE = 0.001

OVER_THE_HEAD = (
    (-119, -60), (-140, -22), (-146, 14), (-134, 60), (-98, 95), (-45, 109), (0, 99), (38, 82), (75, 74), (118, 78),
)  # fmt: skip
"""Millimetres y, z of the median outline of a bald adult head, from behind the forehead to the nape and the neck."""

UNDER_THE_CHIN = (
    (85, -50),
    (88, -36),
    (91, -23),
    (96, -11),
    (103, -3),
    (109, 1),
    (114, 3),
    (119, 5),
    (125, 6),
    (131, 8),
)
"""The same from behind the chin to the throat and the neck."""

HALF_WIDTHS = (70, 71.5, 73, 74, 73, 69, 63, 59, 57, 58)
"""Half the breadth of the head, millimetres, along these outlines."""

RINGS, FIRST_RING = 18, 0.09
EVENING = 0.12


@dataclass(frozen=True)
class Skin:
    """Vertices `[V, 3]` in metres and triangles; the first `face` vertices are the refined face, `weights` makes them.

    Attributes:
        weights: sparse `[face, 468]`: refined face from control points.
        face: number of vertices of the refined face.
        vertices: `[V, 3]`.
        triangles: `[T, 3]`.
        face_triangles: how many of these belong to the face; they come first.
    """

    weights: csr_matrix
    face: int
    vertices: np.ndarray
    triangles: np.ndarray
    face_triangles: int


def build_skin(control: np.ndarray, mirror: np.ndarray) -> Skin:
    """Refine `control [468, 3]` twice and close it with a cranium and a neck. `mirror [468]` pairs left and right."""
    refined = refine(symmetric_triangles(control, mirror), CONTROL, 2)
    face = refined.weights @ control
    loop = border_loop(refined.triangles, FACE_OVAL[0], FACE_OVAL[1])
    rings = head_rings(face[loop])
    vertices = np.concatenate([face, rings.reshape(-1, 3)])
    ring_triangles = stitched(loop, len(face), rings.shape[1])
    triangles = np.concatenate([refined.triangles, ring_triangles])
    vertices = faired(vertices, triangles, len(face), (rings.shape[0], rings.shape[1]))
    return Skin(refined.weights, len(face), vertices, triangles, len(refined.triangles))


def symmetric_triangles(control: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Return MediaPipe's triangles with the right side's replaced by the mirror image of the left side's.

    Twelve of them are cut along the other diagonal on one side.
    """
    triangles = control_triangles()
    side = np.where(mirror == np.arange(len(mirror)), 0, np.sign(control[:, 0]))[triangles]
    left = triangles[(side.max(1) > 0) & (side.min(1) >= 0)]
    across = triangles[(side.max(1) > 0) == (side.min(1) < 0)]
    return np.concatenate([left, mirror[left][:, ::-1], across])


def head_rings(oval: np.ndarray) -> np.ndarray:
    """Return `[RINGS, len(oval) / 2, 3]`: cross-sections of the head from behind the face to the end of the neck.

    A cross-section runs through a point of the outline over the head and one of the outline under the chin. Its form
    goes over from that of the `oval [B, 3]`, which starts at the top and goes down the left side, to an ellipse that is
    broader above, as skulls are.
    """
    top, bottom = oval[0, 1:], oval[len(oval) // 2, 1:]
    width = np.abs(oval[:, 0]).max()
    knots = np.linspace(0, 1, len(HALF_WIDTHS) + 1)
    over = CubicSpline(knots, np.vstack([top, np.array(OVER_THE_HEAD) * MILLIMETRE]))
    under = CubicSpline(knots, np.vstack([bottom, np.array(UNDER_THE_CHIN) * MILLIMETRE]))
    widths = CubicSpline(knots, np.concatenate([[width], np.array(HALF_WIDTHS) * MILLIMETRE]))

    middle, half = (top + bottom) / 2, (top - bottom) / 2
    along = (oval[:, 1:] - middle) @ half / (half @ half)
    off_plane = oval[:, 1:] - middle - along[:, None] * half
    across = oval[:, 0] / width
    angle = np.unwrap(np.arctan2(across, along))
    rings, before = [], oval[::2]
    for s in np.linspace(FIRST_RING, 1, RINGS):
        w = smoothstep(s / 0.55)
        middle, half = (over(s) + under(s)) / 2, (over(s) - under(s)) / 2
        boxy = 1 - 0.3 * smoothstep(s / 0.3) * smoothstep((0.95 - s) / 0.4) * (np.cos(angle) > 0) * np.abs(
            np.sin(2 * angle)
        )
        a = (1 - w) * along + w * np.cos(angle)
        b = np.sign(across) * np.abs((1 - w) * across + w * np.sin(angle)) ** boxy
        yz = middle + a[:, None] * half + (1 - w) ** 2 * off_plane
        before = straight_on(np.column_stack([b * widths(s), yz]), before)
        rings.append(before)
    return np.array(rings)


def straight_on(outline: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return `[N, 3]` points on a cross-section's `outline [2N, 3]` that lie straight behind those `before [N, 3]`.

    They are drawn a little towards even steps, so that they do not crowd as they go from ring to ring.
    """
    half = len(before) // 2
    fine = np.linspace(0, len(before), 16 * len(before) + 1)
    side = np.column_stack([np.interp(fine, np.arange(len(outline)), outline[:, k]) for k in range(3)])
    nearest = fine[cKDTree(side).query(before[1:half])[1]]
    even = 2.0 * np.arange(1, half)
    place = EVENING * even + (1 - EVENING) * nearest
    steps = np.maximum(np.diff(np.concatenate([[0], place, [2 * half]])), 0.4)
    place = (np.cumsum(steps) / steps.sum() * 2 * half)[:-1]
    left = np.column_stack([np.interp(place, fine, side[:, k]) for k in range(3)])
    return np.concatenate([side[:1], left, side[-1:], left[::-1] * [-1, 1, 1]])


def stitched(loop: np.ndarray, start: int, width: int) -> np.ndarray:
    """Return triangles that join the border `loop [2 * width]` to the first ring, and the rings to one another."""

    def ring(k: int) -> np.ndarray:
        return start + k * width + np.arange(width)

    a0, a1, a2 = loop[::2], loop[1::2], np.roll(loop[::2], -1)
    first, following = ring(0), np.roll(ring(0), -1)
    parts = [np.stack(t, 1) for t in ((a0, a1, first), (a1, a2, following), (a1, following, first))]
    left = np.arange(width) < width // 2
    for k in range(RINGS - 1):
        a, b = ring(k), ring(k + 1)
        a_next, b_next = np.roll(a, -1), np.roll(b, -1)
        leaning = np.stack([a, a_next, b], 1), np.stack([a_next, b_next, b], 1)
        mirrored = np.stack([a, a_next, b_next], 1), np.stack([a, b_next, b], 1)
        parts += [np.where(left[:, None], one, other) for one, other in zip(leaning, mirrored, strict=True)]
    return np.concatenate(parts)


def faired(vertices: np.ndarray, triangles: np.ndarray, face: int, rings: tuple[int, int]) -> np.ndarray:
    """Let the first rings find the smoothest way from the fixed face to the last rings, which hold their place."""
    stiffness = bending(vertices, triangles)
    hold = np.zeros(len(vertices))
    hold[face:] = np.repeat(np.clip((np.arange(rings[0]) - 2) / 9, 0, 1) ** 3, rings[1])
    free = np.arange(face, len(vertices))
    scale = stiffness[free][:, free].diagonal().mean()
    system = stiffness[free][:, free] + diags(hold[free] * scale * 0.02)
    right = diags(hold[free] * scale * 0.02) @ vertices[free] - stiffness[free][:, :face] @ vertices[:face]
    result = vertices.copy()
    result[free] = splu(system.tocsc()).solve(right)
    return result


def bending(vertices: np.ndarray, triangles: np.ndarray) -> csr_matrix:
    """Return `[V, V]`: the bending energy of the mesh (squared Laplacian over areas), symmetric."""
    laplacian, area = cotangent_laplacian(vertices, triangles)
    return (laplacian.T @ diags(1 / area) @ laplacian).tocsr()


def cotangent_laplacian(vertices: np.ndarray, triangles: np.ndarray) -> tuple[csr_matrix, np.ndarray]:
    """Return the cotangent Laplacian `[V, V]` (rows sum to 0) and the area `[V]` around each vertex."""
    rows, columns, values = [], [], []
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    doubled = np.maximum(np.linalg.norm(np.cross(b - a, c - a), axis=1), 1e-12)
    for i in range(3):
        o, p, q = triangles[:, i], triangles[:, (i + 1) % 3], triangles[:, (i + 2) % 3]
        cot = ((vertices[p] - vertices[o]) * (vertices[q] - vertices[o])).sum(1) / doubled
        cot = np.clip(cot, -1, 5) / 2
        rows += [p, q]
        columns += [q, p]
        values += [cot, cot]
    count = len(vertices)
    off = coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (count, count)).tocsr()
    area = np.bincount(triangles.ravel(), np.repeat(doubled / 6, 3), minlength=count)
    return off - diags(np.asarray(off.sum(1)).ravel()), np.maximum(area, 1e-9)


def smoothstep(t: np.ndarray | float) -> np.ndarray:
    """0 below 0, 1 above 1, smooth between."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)
