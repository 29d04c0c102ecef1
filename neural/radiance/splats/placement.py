# SPDX-License-Identifier: GPL-3.0-or-later
"""Where splats begin: on every triangle, more on the larger ones, and in a shell about the scalp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....tracking.heads.arrays import Floats, Integers
    from ..scene import HeadSurface

SHELL_SHARE = 0.3
"""Of the splats beyond one a triangle and of all, those that hair gets where there is a scalp."""
LOWEST, HIGHEST = 0.002, 0.025
"""Metres above the scalp."""
LAYERS = 1.5
"""Times that the hair's splats cover the scalp."""
SPREAD = 0.55
"""Tangential standard deviation of a splat, by the side of the square that it has to cover."""
FLATNESS = 0.3
"""Its standard deviation along the normal, by the tangential one."""
SMALLEST, LARGEST = 2e-4, 5e-3
"""Metres of a standard deviation."""


@dataclass(frozen=True)
class Placement:
    """Splats at rest.

    Attributes:
        corners: `[N, 3]` vertices of each splat's triangle; barycentric: `[N, 3]`.
        heights: `[N]` metres above it; sizes: `[N, 3]` metres: along its tangent, bitangent, normal.
        on_shell: `[N]` bool, hair; beside: `[N]` bool, what no frame shows as the head's, and begins transparent.
    """

    corners: Integers
    barycentric: Floats
    heights: Floats
    sizes: Floats
    on_shell: NDArray[np.bool_]
    beside: NDArray[np.bool_]


def place_splats(surface: HeadSurface, count: int, seed: int = 0) -> Placement:
    """Place about `count` splats, at least one a triangle."""
    draws = np.random.default_rng(seed)
    areas = triangle_areas(surface.rest, surface.triangles)
    on_scalp = surface.scalp[surface.triangles].all(1)
    shell = round(SHELL_SHARE * count) if on_scalp.any() else 0
    spare = max(0, count - shell - len(areas))
    per_triangle = 1 + draws.multinomial(spare, areas / areas.sum())
    skin = np.repeat(np.arange(len(areas)), per_triangle)
    hair = draws.choice(len(areas), shell, p=areas * on_scalp / (areas * on_scalp).sum()) if shell else skin[:0]
    chosen = np.concatenate([skin, hair])
    on_shell = np.arange(len(chosen)) >= len(skin)
    barycentric = draws.dirichlet([2, 2, 2], len(chosen)).astype(np.float32)
    barycentric[: len(skin)][per_triangle[skin] == 1] = 1 / 3
    heights = np.where(on_shell, draws.uniform(LOWEST, HIGHEST, len(chosen)), 0).astype(np.float32)
    covered = np.concatenate(
        [areas[skin] / per_triangle[skin], np.full(shell, (areas * on_scalp).sum() / max(1, shell) * LAYERS)]
    )
    across = np.clip(SPREAD * np.sqrt(covered), SMALLEST, LARGEST)
    along = np.maximum(np.where(on_shell, across, FLATNESS * across), SMALLEST)
    sizes = np.stack([across, across, along], -1).astype(np.float32)
    return Placement(
        surface.triangles[chosen].astype(np.int32), barycentric, heights, sizes, on_shell, np.zeros_like(on_shell)
    )


def triangle_areas(vertices: Floats, triangles: Integers) -> Floats:
    """Return `[T]` square metres."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    areas: Floats = np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 2
    return areas
