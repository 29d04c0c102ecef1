# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixed light of the texture map: vertex normals and second-order spherical harmonics.

The coefficients are those of FaceVerse's renderer (formats.md, "Texture-map light"): ambient 0.8 + 0.1,
then -0.2, 0.2 and -0.1 at indices 1, 2 and 4, the same for red, green and blue. The basis is that of irradiance maps
(Ramamoorthi and Hanrahan 2001). The light stays with the camera, the head turns in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Floats, Integers

AMBIENT = 0.9 * np.sqrt(np.pi) / 2
"""Coefficient 0 times its basis function."""
FROM_ABOVE = FROM_FRONT = 0.2 * np.sqrt(np.pi)
"""Coefficients 1 and 2 times the scale of their basis functions."""
ACROSS = -0.1 * np.sqrt(15 * np.pi / 8)
"""Coefficient 4 times the scale of its basis function."""


def vertex_normals(vertices: Floats, triangles: Integers) -> Floats:
    """Return `[V, 3]` unit normals, each triangle counting by its area; zero for a vertex of no triangle.

    They point outward for heads whose triangles are wound as `MorphableHead.triangles` says.
    """
    corners = [np.ascontiguousarray(corner, np.intp) for corner in triangles.T]
    first, second, third = (np.take(vertices.T.astype(np.float64), corner, 1) for corner in corners)
    (ax, ay, az), (bx, by, bz) = second - first, third - first
    areas = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    sums = [[np.bincount(corner, area, len(vertices)) for corner in corners] for area in areas]
    normals = np.stack([one + two + three for one, two, three in sums])
    lengths = np.sqrt(np.square(normals).sum(0))
    units: Floats = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0).T.astype(np.float32)
    return units


def shade(colours: Floats, normals: Floats) -> Floats:
    """Return `[V, 3]`: sRGB `colours [V, 3]` (0 to 1) under the fixed light, clipped to 0 to 1.

    `normals [V, 3]` are outward unit normals in camera space (x right, y down, z forward).
    """
    x, y, z = normals.T
    light = AMBIENT - FROM_ABOVE * y - FROM_FRONT * z + ACROSS * x * y
    lit: Floats = np.clip(colours * light[:, None], 0, 1).astype(np.float32)
    return lit
