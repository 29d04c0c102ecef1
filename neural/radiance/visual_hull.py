# SPDX-License-Identifier: GPL-3.0-or-later
"""What frames show at a height above a head's triangles: the person, or another thing beside her."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from ...tracking.heads.arrays import Floats
    from .scene import View

FRAMES = 16
"""Of a scene, at most, to find what an avatar begins with."""
WITHIN = 0.4
"""Alpha above which a place is within an outline."""


def some_of(frames: Sequence[int]) -> list[int]:
    """Return up to 16 of the frames, evenly apart."""
    chosen = sorted({int(place) for place in np.linspace(0, len(frames) - 1, FRAMES)})
    return [int(frames[place]) for place in chosen]


def tops_of(within: NDArray[np.bool_], heights: Floats) -> Floats:
    """Return `[N]`: the last of `heights [H]`, from the skin up, before the first that is not `within [H, N]`."""
    tops: Floats = heights[np.maximum(within.cumprod(0).sum(0) - 1, 0)]
    return tops


def beside_head(view: View, corners: Tensor, weights: Tensor, height: float) -> Tensor:
    """Return `[N]` bool: the picture shows another thing at `height` over the triangles `corners [N, 3]`."""
    seen, rows, columns = pixels_above(view, corners, weights, height)
    return seen & (view.alpha[rows, columns] < WITHIN) & (view.weight[rows, columns] > 0)


def pixels_above(view: View, corners: Tensor, weights: Tensor, height: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return whether a view has what is at `height` over places on triangles, its row and its column, `[N]` each.

    `corners [N, 3]` are the triangles' vertices, `weights [N, 3, 1]` barycentric.
    """
    triangles = view.head.vertices[corners]
    a, b, c = triangles.unbind(1)
    normals = F.normalize(torch.linalg.cross(b - a, c - a), dim=-1)
    x, y, z = ((triangles * weights).sum(1) + height * normals).unbind(-1)
    camera = view.camera
    columns, rows = (camera.fx * x / z + camera.cx).floor().long(), (camera.fy * y / z + camera.cy).floor().long()
    seen = (columns >= 0) & (columns < camera.width) & (rows >= 0) & (rows < camera.height)
    return seen, rows.clamp(0, camera.height - 1), columns.clamp(0, camera.width - 1)
