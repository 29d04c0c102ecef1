# SPDX-License-Identifier: GPL-3.0-or-later
"""One UV a vertex: meshes whose UVs have triangles of their own are cut open along their seams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Floats, Integers


@dataclass(frozen=True)
class CutMesh:
    """A mesh in which each vertex has one UV.

    Attributes:
        origin: `[V]` the vertex of the uncut mesh; rising, so that runs of vertices stay runs.
        triangles: `[T, 3]`.
        uvs: `[V, 2]`.
    """

    origin: Integers
    triangles: Integers
    uvs: Floats

    def place(self, vertices: Integers) -> Integers:
        """Return `[N]`: where `vertices [N]` of the uncut mesh are now, the first of those that came of each."""
        return np.searchsorted(self.origin, vertices).astype(np.int32)


def cut_at_seams(triangles: Integers, uv_triangles: Integers, uvs: Floats, vertices: int) -> CutMesh:
    """Cut a mesh of so many `vertices`: `triangles [T, 3]` name them and `uv_triangles [T, 3]` rows of `uvs [U, 2]`.

    A vertex of no triangle keeps its place, with the UV (0, 0).
    """
    loose = np.setdiff1d(np.arange(vertices), triangles)
    shown = np.vstack([np.zeros(2, np.float32), uvs]).astype(np.float32)
    corners = np.column_stack([triangles.ravel(), uv_triangles.ravel() + 1])
    pairs, number = np.unique(
        np.concatenate([corners, np.column_stack([loose, np.zeros_like(loose)])]), axis=0, return_inverse=True
    )
    cut = number.ravel()[: triangles.size].reshape(-1, 3)
    return CutMesh(pairs[:, 0].astype(np.int32), cut.astype(np.int32), shown[pairs[:, 1]])


def cylindrical_uvs(mean: Floats) -> Floats:
    """Return `[V, 2]`, 0 to 1: the head unrolled about its vertical axis, with the face in the middle.

    Triangles across the back are squeezed; they lie outside the face region, which is all that is drawn.
    """
    x, y, z = (mean - (mean.min(0) + mean.max(0)) / 2).T
    u = 0.5 + np.arctan2(x, -z) / (2 * np.pi)
    v = (y - y.min()) / max(float(np.ptp(y)), 1e-9)
    return np.column_stack([u, v]).astype(np.float32)
