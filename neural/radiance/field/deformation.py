# SPDX-License-Identifier: GPL-3.0-or-later
"""From a posed head to the canonical one: what lies near a triangle moves as the triangle does.

Each triangle has a deformation gradient, from its edges and normal in both poses; each vertex has the mean of its
triangles'. Within a triangle they are blended by barycentric coordinates, so that space is mapped without steps from a
triangle to its neighbours (INSTA blends neighbours too, Sec. 3.2; there by distance).
"""

from __future__ import annotations

import torch
from torch import Tensor


class Deformation:
    """Maps places about a posed head to canonical space."""

    def __init__(self, canonical: Tensor, triangles: Tensor) -> None:
        """The canonical head: `canonical [V, 3]` metres, `triangles [T, 3]`."""
        self.canonical = canonical
        self._corners = triangles.long()
        self._frames = frames_of(canonical, self._corners)
        counts = torch.bincount(self._corners.view(-1), minlength=len(canonical))
        self._shares = 1 / counts.clamp(min=1)[:, None].float()

    def gradients(self, vertices: Tensor) -> Tensor:
        """Return `[V, 3, 3]`: how space about each vertex of a posed head `[V, 3]` turns and stretches."""
        by_triangle = self._frames @ torch.linalg.inv(frames_of(vertices, self._corners))
        total = torch.zeros(len(vertices), 9, device=vertices.device)
        for corner in self._corners.unbind(1):
            total.index_add_(0, corner, by_triangle.view(-1, 9))
        return (total * self._shares).view(-1, 3, 3)

    def to_canonical(
        self, points: Tensor, triangles: Tensor, barycentric: Tensor, vertices: Tensor, gradients: Tensor
    ) -> Tensor:
        """Return `[P, 3]`: `points [P, 3]`, whose nearest places are given, in canonical space."""
        corners, weights = self._corners[triangles.long()], barycentric[..., None]
        away = points - (vertices[corners] * weights).sum(1)
        turned = (gradients[corners] * weights[..., None]).sum(1) @ away[..., None]
        return (self.canonical[corners] * weights).sum(1) + turned[..., 0]


def frames_of(vertices: Tensor, corners: Tensor) -> Tensor:
    """Return `[T, 3, 3]`, columns: two edges, and the normal as long as the triangle is large."""
    a, b, c = vertices[corners].unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    return torch.stack([b - a, c - a, normal / normal.norm(dim=1, keepdim=True).clamp(min=1e-12).sqrt()], -1)
