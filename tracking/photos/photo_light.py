# SPDX-License-Identifier: GPL-3.0-or-later
"""The light of a photo, estimated from its skin, and how a face changes in it when it turns.

Irradiance of low-order spherical harmonics (Ramamoorthi and Hanrahan 2001): a constant and the three linear terms,
which hold most of the light of a diffuse surface. Skin is taken to have one colour, so that what varies with the normal
is light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats

GAMMA = 2.2
"""Exponent from sRGB to light, near enough for ratios."""

ROUNDS, OUTLYING = 3, 2.0
"""Rounds of the fit, and deviations from which on a place is a shadow, a highlight, a brow or a beard."""

PRIOR = 0.02
"""How much the linear terms are drawn to zero, for each skin vertex."""

STRENGTH = 0.5
"""Share of the change of light that is shown: where the estimate is wrong it shows less."""

LEAST, MOST = 0.8, 1.18
"""Bounds of the change of colour."""

DARKEST = 0.25
"""Light, of the mean, below which nothing falls: what is turned away is lit by the room."""


@dataclass(frozen=True)
class PhotoLight:
    """Light from all around: `1 + linear [3] . normal`, for normals in camera space."""

    linear: Floats

    @classmethod
    def of(cls, colours: Floats, normals: Floats) -> PhotoLight:
        """Estimate the light from skin: `colours [N, 3]`, 0 to 255, with unit `normals [N, 3]` in camera space."""
        if len(colours) < 20:
            return cls(np.zeros(3, np.float32))
        bright = (np.maximum(colours, 1).mean(-1) / 255) ** GAMMA
        terms = np.column_stack([np.ones(len(normals)), normals]).astype(np.float64)
        prior = PRIOR * len(bright) * np.diag([0, 1, 1, 1])
        weight = np.ones(len(bright))
        for _ in range(ROUNDS):
            weighted = terms * weight[:, None]
            found = np.linalg.solve(weighted.T @ terms + prior, weighted.T @ bright)
            missed = np.abs(bright - terms @ found)
            weight = (missed < OUTLYING * 1.48 * np.median(missed) + 1e-6).astype(np.float64)
        return cls((found[1:] / max(float(found[0]), 1e-3)).astype(np.float32))

    def change(self, before: Floats, after: Floats) -> Floats:
        """Return `[...]`: by how much sRGB colours grow where normals `[..., 3]` turn from `before` to `after`."""
        light = [np.maximum(1 + normals @ self.linear, DARKEST) for normals in (before, after)]
        grown: Floats = np.clip((light[1] / light[0]) ** (STRENGTH / GAMMA), LEAST, MOST).astype(np.float32)
        return grown
