# SPDX-License-Identifier: GPL-3.0-or-later
"""Texture coefficients from the colours of one frame (Eq. 3 of Sec. 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ..heads.shading import vertex_normals

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image, Indices
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead

NOISE = 0.08
"""Deviation of colours, 0 to 1: shadows and lights that a texture does not explain."""
EVIDENCE = 400.0
"""As how many independent colours the visible vertices count."""
FACING = -0.35
"""A vertex is seen where its normal's z in camera space is below this; -1 looks into the camera."""
ROBUST_STEPS = 3
MOST_VERTICES = 1500
"""More vertices than these are thinned out: their colours say no more."""


def solve_texture(head: MorphableHead, camera_space_vertices: Floats, image: Image, camera: PinholeCamera) -> Floats:
    """Return texture coefficients `[K]` that match the colours of `image` at the visible vertices of the face.

    Arguments: vertices `[V, 3]` in camera space; an RGB picture and the camera in its pixels. The basis columns are
    taken to have unit deviation; colours far off (hair, hands, spectacles) lose their weight.
    """
    seen = visible_vertices(head, camera_space_vertices, image, camera)
    if len(seen) == 0 or len(head.texture_basis) == 0:
        return np.zeros(len(head.texture_basis), np.float32)
    x, y = (camera.project(camera_space_vertices[seen]) - 0.5).astype(np.float32).T
    colours = cv2.remap(image, x[None], y[None], cv2.INTER_LINEAR)[0].astype(np.float64) / 255
    basis = head.texture_basis[:, seen].reshape(len(head.texture_basis), -1).astype(np.float64)
    wanted = (colours - head.texture_mean[seen]).ravel()
    coefficients, weights = np.zeros(len(basis)), np.ones(len(wanted))
    for _ in range(ROBUST_STEPS):
        share = weights * EVIDENCE / len(wanted) / NOISE**2
        weighted = basis * share
        factor = cho_factor(weighted @ basis.T + np.eye(len(basis)))
        coefficients = cho_solve(factor, weighted @ wanted)
        misfit = np.abs(wanted - coefficients @ basis).reshape(-1, 3).max(1)
        weights = np.repeat(1 / (1 + (misfit / (2 * NOISE)) ** 2), 3)
    return coefficients.astype(np.float32)


def visible_vertices(head: MorphableHead, vertices: Floats, image: Image, camera: PinholeCamera) -> Indices:
    """Return `[N]`: the skin's vertices that face the camera and lie in `image [H, W, 3]`.

    `vertices [V, 3]` are in camera space, metres.
    """
    height, width = image.shape[:2]
    pixels = camera.project(vertices)
    inside = (pixels > 1).all(1) & (pixels[:, 0] < width - 1) & (pixels[:, 1] < height - 1)
    facing = vertex_normals(vertices, head.triangles)[:, 2] < FACING
    region = head.uv_mask > 0.5
    for name in ("eyes", "mouth"):
        region &= ~head.regions.get(name, np.zeros(len(vertices), bool))
    seen = np.flatnonzero(inside & facing & region)
    return seen[:: 1 + len(seen) // MOST_VERTICES]
