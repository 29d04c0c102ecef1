# SPDX-License-Identifier: GPL-3.0-or-later
"""Thin-plate splines: the smoothest way through scattered values in the plane (Bookstein 1989)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats


def spline(controls: Floats, points: Floats, softness: float) -> Floats:
    """Return `[N, K]`: values at `points [N, 2]` are this times values at `controls [K, 2]`.

    Coordinates are of order 1. `softness` is how far the spline may miss the values to stay smooth; 0 for not at all.
    """
    count = len(controls)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = bending(controls, controls) + softness * np.eye(count)
    system[:count, count:] = np.column_stack([np.ones(count), controls])
    system[count:, :count] = system[:count, count:].T
    weights = np.linalg.solve(system, np.eye(count + 3, count))
    at_points = np.column_stack([bending(points, controls), np.ones(len(points)), points])
    values_there: Floats = (at_points @ weights).astype(np.float32)
    return values_there


def bending(points: Floats, controls: Floats) -> Floats:
    """Return `[N, K]`: r^2 log r between points and controls."""
    squared = ((points[:, None].astype(np.float64) - controls[None]) ** 2).sum(-1)
    energy: Floats = 0.5 * squared * np.log(np.maximum(squared, 1e-12))
    return energy
