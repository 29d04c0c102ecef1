# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's face mesh as a control mesh: its triangles, its left-right symmetry, and their refinement.

The topology is read from the MediaPipe wheel (Apache-2.0): the list of edges names each triangle by its three
edges in a row. Left and right are the subject's; landmark 33 is the outer corner of the right eye.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

import numpy as np
from mediapipe.python.solutions import face_mesh_connections
from scipy.sparse import coo_matrix, csr_matrix, diags, identity
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

CONTROL = 468
"""Landmarks of the skin; the ten that follow are the irises."""

RIGHT_EYE_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
RIGHT_EYE_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
LEFT_EYE_UPPER = (263, 466, 388, 387, 386, 385, 384, 398, 362)
LEFT_EYE_LOWER = (263, 249, 390, 373, 374, 380, 381, 382, 362)
"""The margins of the lids, from the outer corner to the inner one."""

INNER_LIP_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LIP_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OUTER_LIP_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LIP_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
"""The lips, from the right corner to the left one."""

FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The rim of the control mesh: from the top of the forehead down the left side, the chin, and up the right side."""


def control_triangles() -> np.ndarray:
    """Return `[852, 3]`: MediaPipe's triangles, with holes for the eyes and the mouth."""
    source = inspect.getsource(face_mesh_connections)
    listed = source[source.index("FACEMESH_TESSELATION") :]
    listed = listed[: listed.index("])")]
    starts = [int(start) for start, _ in re.findall(r"\((\d+),\s*(\d+)\)", listed)]
    return np.array(starts).reshape(-1, 3)


def neighbour_average() -> csr_matrix:
    """Return `[468, 468]`: the mean of each landmark's neighbours in MediaPipe's mesh."""
    corners = control_triangles()[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    both = np.unique(np.concatenate([corners, corners[:, ::-1]]), axis=0)
    beside = csr_matrix((np.ones(len(both)), both.T), (CONTROL, CONTROL))
    return diags(1 / np.asarray(beside.sum(1)).ravel()) @ beside


def mirror_of(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Return `[V]`: for each of `points [V, 3]`, which one lies at its mirror image in x.

    Raises:
        ValueError: the points do not pair up within `tolerance`.
    """
    distance, partner = cKDTree(points).query(points * [-1, 1, 1])
    if distance.max() > tolerance or not (partner[partner] == np.arange(len(points))).all():
        raise ValueError(f"the points do not pair up: {distance.max():.4f} apart at most")
    return partner


@dataclass(frozen=True)
class Refined:
    """A control mesh refined by Loop's rule so that its surface passes through the control points.

    Attributes:
        weights: sparse `[V, C]`; refined positions are `weights @ control`. The first C rows are the identity.
        triangles: `[T, 3]`.
    """

    weights: csr_matrix
    triangles: np.ndarray


def refine(triangles: np.ndarray, count: int, levels: int) -> Refined:
    """Refine a mesh of `count` vertices `levels` times (Loop 1987), then make it interpolate its control points."""
    weights = identity(count, format="csr")
    for _ in range(levels):
        step, triangles = loop_step(triangles, weights.shape[0])
        weights = step @ weights
    at_control = splu(weights[:count].tocsc())
    inverse = at_control.solve(np.eye(count))
    inverse[np.abs(inverse) < 1e-7] = 0
    dense = weights @ inverse
    dense[np.abs(dense) < 1e-6] = 0
    return Refined(csr_matrix(dense), triangles)


def loop_step(triangles: np.ndarray, count: int) -> tuple[csr_matrix, np.ndarray]:
    """One step of Loop subdivision: weights `[count + edges, count]` and the four times as many triangles."""
    corners = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    opposite = triangles[:, [2, 0, 1]].reshape(-1)
    edges, edge_of, uses = np.unique(np.sort(corners, 1), axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.reshape(-1)
    border = uses == 1
    rows, columns, values = [], [], []

    def put(row: np.ndarray, column: np.ndarray, value: np.ndarray | float) -> None:
        rows.append(row)
        columns.append(column)
        values.append(np.broadcast_to(value, row.shape))

    new = count + np.arange(len(edges))
    end_weight = np.where(border, 1 / 2, 3 / 8)
    put(new, edges[:, 0], end_weight)
    put(new, edges[:, 1], end_weight)
    put(count + edge_of, opposite, np.where(border[edge_of], 0, 1 / 8))

    on_border = np.zeros(count, bool)
    on_border[edges[border]] = True
    valence = np.bincount(edges.ravel(), minlength=count)
    beta = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / np.maximum(valence, 1)) / 4) ** 2) / np.maximum(valence, 1)
    old = np.arange(count)
    put(old, old, np.where(on_border, 3 / 4, 1 - valence * beta))
    for a, b in ((0, 1), (1, 0)):
        put(edges[:, a], edges[:, b], np.where(on_border[edges[:, a]], np.where(border, 1 / 8, 0), beta[edges[:, a]]))
    step = coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))))

    middle = count + edge_of.reshape(-1, 3)
    a, b, c = triangles.T
    ab, bc, ca = middle.T
    finer = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return csr_matrix(step), finer


def border_loop(triangles: np.ndarray, start: int, second: int | None = None) -> np.ndarray:
    """Return the vertices of the border through `start` in order; towards `second` when it is given."""
    corners = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges, uses = np.unique(np.sort(corners, 1), axis=0, return_counts=True)
    beside: dict[int, list[int]] = {}
    for a, b in edges[uses == 1]:
        beside.setdefault(int(a), []).append(int(b))
        beside.setdefault(int(b), []).append(int(a))
    loop = [start, beside[start][0]]
    while loop[-1] != start:
        a, b = beside[loop[-1]]
        loop.append(b if a == loop[-2] else a)
    ring = np.array(loop[:-1])
    if second is not None and np.flatnonzero(ring == second)[0] > len(ring) / 2:
        ring = np.roll(ring[::-1], 1)
    return ring
