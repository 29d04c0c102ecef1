# SPDX-License-Identifier: GPL-3.0-or-later
"""The outline of a posed head in a picture, without most of its neck."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .scene import PosedHead, RadianceScene

ABOVE_NECK = 0.92
"""Share of a head's vertices, from the top, that are above its chin."""


def outline_of(
    scene: RadianceScene,
    head: PosedHead,
    *,
    shrunk: float = 0,
    grown: float = 0,
    only: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Return `[H, W]`: the pixels within the outline, made smaller or larger by some pixels.

    `only [T]` are the triangles that count.
    """
    rest = scene.surface.rest
    above = rest[:, 1] < np.quantile(rest[:, 1], ABOVE_NECK)
    corners = scene.camera.project(head.vertices.cpu().numpy())[scene.surface.triangles]
    counted = above[scene.surface.triangles].all(1) & (True if only is None else only)
    triangles = np.round(corners[counted]).astype(np.int32)
    outline = np.zeros((scene.camera.height, scene.camera.width), np.uint8)
    for triangle in triangles:
        cv2.fillConvexPoly(outline, triangle, 1)
    for change, pixels in ((cv2.erode, shrunk), (cv2.dilate, grown)):
        side = 2 * round(pixels) + 1
        outline = change(outline, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return outline > 0
