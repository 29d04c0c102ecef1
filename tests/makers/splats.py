# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats that nobody trained. NumPy only: scripts in Blender make them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from semblance.protocol.splats import Gaussians, SplatCloud, unit

if TYPE_CHECKING:
    from semblance.tracking.heads.arrays import Floats, Integers


def random_gaussians(count: int, seed: int = 0, reach: float = 0.3) -> Gaussians:
    """So many splats within `reach` metres of the origin."""
    draws = np.random.default_rng(seed)
    return Gaussians(
        draws.uniform(-reach, reach, (count, 3)).astype(np.float32),
        unit(draws.normal(size=(count, 4)).astype(np.float32), (1, 0, 0, 0)),
        np.exp(draws.uniform(-9, -4, (count, 3))).astype(np.float32),
        draws.uniform(0.01, 0.99, count).astype(np.float32),
        draws.uniform(-1.7, 1.7, (count, 3)).astype(np.float32),
    )


def random_cloud(rest: Floats, triangles: Integers, count: int, seed: int = 0) -> SplatCloud:
    """So many splats anywhere on a head, the surface of which is displaced by a millimetre or so."""
    draws, made = np.random.default_rng(seed), random_gaussians(count, seed)
    return SplatCloud(
        rest=np.asarray(rest, np.float32),
        triangles=np.asarray(triangles, np.int32),
        displacements=draws.normal(0, 1e-3, rest.shape).astype(np.float32),
        corners=np.asarray(triangles, np.int32)[draws.integers(len(triangles), size=count)],
        barycentric=draws.dirichlet([2, 2, 2], count).astype(np.float32),
        offsets=draws.normal(0, 2e-3, (count, 3)).astype(np.float32),
        scales=made.scales,
        rotations=made.rotations,
        opacities=made.opacities,
        harmonics=made.harmonics,
    )
