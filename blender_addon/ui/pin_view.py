# SPDX-License-Identifier: GPL-3.0-or-later
"""Where landmarks are in a 3D view that looks through the head's camera, and which is at the pointer. No bpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...tracking.heads.pin_points import PIN_POINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...tracking.heads.arrays import Booleans, Doubles, Numbers
    from ...tracking.heads.camera import PinholeCamera
    from ..scene.pin_record import Place

POINTS = np.array([point for part in PIN_POINTS.values() for point in part])
"""Numbers `[P]` of the landmarks that are shown."""
EARS = (234, 454)
LEAST_FACING = -0.25
"""How far a landmark may lie behind the head's outline and be shown, as a cosine."""
GRASP = 12.0
"""Pixels at scale 1 from the pointer within which a landmark is taken."""


@dataclass(frozen=True)
class CameraView:
    """A region that looks through a camera.

    Attributes:
        perspective: `[4, 4]`: the world to the view's clip coordinates.
        width, height: of the region, pixels.
        to_world: `[4, 4]`: the camera's own space (OpenCV's) to the world.
        camera: intrinsics of its window.
    """

    perspective: Doubles
    width: int
    height: int
    to_world: Doubles
    camera: PinholeCamera

    def from_window(self, places: Doubles) -> Doubles:
        """Return pixels `[N, 2]` of the region (y up) of places `[N, 2]` in the window."""
        x, y = (places * (self.camera.width, self.camera.height) - (self.camera.cx, self.camera.cy)).T
        rays = np.stack([x / self.camera.fx, y / self.camera.fy, np.ones(len(x)), np.ones(len(x))])
        clip = self.perspective @ self.to_world @ rays
        pixels: Doubles = ((clip[:2] / clip[3] + 1) / 2).T * (self.width, self.height)
        return pixels

    def to_window(self, pixel: tuple[float, float]) -> Place:
        """Return the place in the window of a pixel of the region."""
        inside = np.array([2 * pixel[0] / self.width - 1, 2 * pixel[1] / self.height - 1, -0.5, 1])
        point = np.linalg.inv(self.perspective @ self.to_world) @ inside
        x, y, z = point[:3] / point[3]
        camera = self.camera
        return (
            float((x / z * camera.fx + camera.cx) / camera.width),
            float((y / z * camera.fy + camera.cy) / camera.height),
        )


def facing(shape: Doubles, rotation: Doubles) -> Booleans:
    """Return `[P]`: which of the landmarks shown are on the side of the head that the camera sees.

    `shape [478, 3]` is in head space, `rotation [3, 3]` the head's in camera space.
    """
    outward = shape[POINTS] - shape[list(EARS)].mean(0)
    outward[:, 1] = 0
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    seen: Booleans = -(outward @ rotation.T)[:, 2] > LEAST_FACING
    return seen


def at_pointer(pixels: Mapping[int, Numbers], pointer: tuple[float, float], within: float) -> int | None:
    """Return the landmark nearest to the pointer, of those with `pixels [2]`; None where none is within so many."""
    away = {landmark: float(np.linalg.norm(each - np.array(pointer))) for landmark, each in pixels.items()}
    nearest = min(away, key=away.__getitem__, default=None)
    return nearest if nearest is not None and away[nearest] <= within else None
