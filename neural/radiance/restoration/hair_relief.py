# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo's hair as a relief that turns with the head: a grid over what lies beyond the face and over the scalp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from ....tracking.datasets.rasteriser import PlainRasteriser
from ....tracking.photos.photo_surface import sampled, smooth

if TYPE_CHECKING:
    from ....tracking.heads.arrays import Booleans, Floats, Integers
    from .posed_photo import PosedPhoto

CELLS = 96
"""Cells of the grid along the window's side."""
LIFT = 0.008
"""Metres by which hair lies before the head's surface."""
STRAND, SMOOTH = 0.015, 0.01
"""Half the width of what is too thin to be carried along, and how far depth is evened, against the window's side."""
FOLD = 0.03
"""Metres of depth between a cell's corners from which it is a fold and is left out."""
CHIN, MOUTH = 152, (13, 14)
"""MediaPipe landmarks. Below the middle between them nothing is hair: the body does not turn with the head."""
SURELY_PERSON = 0.9
"""Matte from which a pixel of the photo is the person's."""


@dataclass(frozen=True)
class HairRelief:
    """Hair, and whatever else of the person the head's face does not cover, in a photo.

    Attributes:
        vertices: `[N, 3]` metres in camera space; triangles: `[M, 3]`.
        pixels: `[N, 2]` where the photo shows them; seen: `[N]` 0 to 1, how far they are the person's.
    """

    vertices: Floats
    triangles: Integers
    pixels: Floats
    seen: Floats


def hair_relief(photo: PosedPhoto) -> HairRelief:
    """Raise a photo's hair to the depth of the head beneath, or of the head's outline beside it.

    Raises:
        UserError: this machine has no OpenGL 3.3 without a window.
    """
    depth, face = head_beneath(photo)
    ticks = np.linspace(0.5, len(depth) - 0.5, CELLS + 1).astype(np.float32)
    pixels = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    column, row = np.minimum(pixels.astype(int), len(depth) - 1).T
    seen = smooth(sampled(without_strands(photo.matte), pixels), 0.5, SURELY_PERSON)
    is_hair = (seen > 0) & ~face[row, column] & (pixels[:, 1] < body_line(photo))
    away = depth[row, column] - LIFT
    camera = photo.camera
    x, y = ((pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy)).T * away
    vertices = np.stack([x, y, away], -1).astype(np.float32)
    triangles = cells()
    flat = np.ptp(away[triangles], axis=1) < FOLD
    return HairRelief(vertices, triangles[is_hair[triangles].all(1) & flat], pixels, seen)


def head_beneath(photo: PosedPhoto) -> tuple[Floats, Booleans]:
    """Return the head's depth in the photo `[S, S]`, beyond its outline that of the nearest point of it, and where its
    face is, `[S, S]`.
    """
    values = np.zeros((len(photo.vertices), 8), np.float32)
    values[:, 0], values[:, 1] = photo.vertices[:, 2], photo.head.uv_mask
    with PlainRasteriser(photo.camera.width) as rasteriser:
        drawn = rasteriser.draw(photo.camera.clip(photo.vertices), values, photo.head.triangles)[0]
    nearest = distance_transform_edt(drawn[..., 0] == 0, return_distances=False, return_indices=True)
    depth = drawn[..., 0][tuple(nearest)]
    return cv2.GaussianBlur(depth, (0, 0), SMOOTH * len(depth)), drawn[..., 1] > 0.5


def without_strands(matte: Floats) -> Floats:
    """Return a matte `[S, S]` without what is thin: lone strands hang where no relief knows."""
    side = 2 * round(STRAND * len(matte)) + 1
    solid: Floats = cv2.morphologyEx(matte, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return solid


def body_line(photo: PosedPhoto) -> float:
    """Return the row of the photo below which nothing turns with the head but the head itself."""
    marks = photo.pixels[photo.head.landmarks]
    return float((marks[CHIN, 1] + marks[list(MOUTH), 1].mean()) / 2)


def cells() -> Integers:
    """Return `[2 CELLS^2, 3]`: the triangles of the grid."""
    count = CELLS + 1
    corner = (np.arange(CELLS)[:, None] * count + np.arange(CELLS)).ravel()
    lower = np.stack([corner, corner + 1, corner + count], -1)
    upper = np.stack([corner + 1, corner + count + 1, corner + count], -1)
    triangles: Integers = np.concatenate([lower, upper]).astype(np.int32)
    return triangles
