# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera that sees a head as its footage did, and where its window lies in what a camera beside it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from ...tracking.heads.camera import PinholeCamera
from ...tracking.performances.maps import MAP_SIZE
from ..access import camera_of
from ..scene.camera import window_camera
from .pixels import Window, avatar_window

if TYPE_CHECKING:
    import bpy

    from ...tracking.heads.arrays import Doubles

BESIDE = 1e-4
"""How far apart, in the scene's units and in radians, two cameras at the same place may be."""
SAME = 1e-3
"""How far apart, in pixels, intrinsics of one lens may be."""


@dataclass(frozen=True, eq=False)
class OwnCamera:
    """A head's own camera.

    Attributes:
        world: `[4, 4]` its world matrix, without scale.
        window: intrinsics of its window on `MAP_SIZE` x `MAP_SIZE` pixels.
    """

    world: Doubles
    window: PinholeCamera

    @classmethod
    def read(cls, camera: bpy.types.Object | None) -> Self | None:
        """Return an evaluated camera object's; None where there is none that a head can be seen through."""
        if camera is None or camera.type != "CAMERA" or camera_of(camera).type != "PERSP":
            return None
        world = np.array(camera.matrix_world.normalized(), np.float64)
        return cls(world, window_camera(camera_of(camera), MAP_SIZE))

    def is_beside(self, world: Doubles) -> bool:
        """Tell whether a camera with the world matrix `[4, 4]` sees from the same place in the same direction."""
        return bool(np.allclose(self.world, world, rtol=BESIDE, atol=BESIDE))


def same_lens(one: PinholeCamera, other: PinholeCamera) -> bool:
    """Tell whether two windows of as many pixels have the same intrinsics."""
    return all(abs(value - vars(other)[name]) <= SAME for name, value in vars(one).items())


def part_seen(window: PinholeCamera, frame: PinholeCamera) -> Window:
    """Return where the window of a camera lies in the frame of another one at its place, in that frame's pixels."""
    across, down = frame.fx / window.fx, frame.fy / window.fy
    return Window(
        left=frame.cx - window.cx * across,
        top=frame.cy - window.cy * down,
        width=window.width * across,
        height=window.height * down,
    )


def frame_camera(camera: bpy.types.Camera, width: int, height: int, pixel_aspect: float = 1.0) -> PinholeCamera:
    """Return the intrinsics of a camera's whole frame of `width` x `height` pixels, so much taller than wide."""
    square, window = avatar_window(width, height, camera.sensor_fit, pixel_aspect), window_camera(camera, MAP_SIZE)
    across, down = square.width / MAP_SIZE, square.height / MAP_SIZE
    return PinholeCamera(
        fx=window.fx * across,
        fy=window.fy * down,
        cx=window.cx * across + square.left,
        cy=window.cy * down + square.top,
        width=width,
        height=height,
    )
