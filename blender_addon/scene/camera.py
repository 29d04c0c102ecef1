# SPDX-License-Identifier: GPL-3.0-or-later
"""The matched camera: sees the head as the footage did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Matrix

from ...tracking.heads.camera import NEAR, PinholeCamera

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Doubles

SENSOR = 36.0
"""Sensor width in millimetres that the focal length is told for: full frame, which photographers know."""


@dataclass(frozen=True)
class Lens:
    """A Blender lens: focal length in millimetres, shifts in widths of the picture, picture size in pixels."""

    millimetres: float
    shift_x: float
    shift_y: float
    width: int
    height: int


def lens_of(camera: PinholeCamera) -> Lens:
    """Return the Blender lens of a pinhole camera with square pixels."""
    larger = max(camera.width, camera.height)
    return Lens(
        millimetres=camera.fx / larger * SENSOR,
        shift_x=(camera.width / 2 - camera.cx) / larger,
        shift_y=(camera.cy - camera.height / 2) / larger,
        width=camera.width,
        height=camera.height,
    )


def pinhole_of(lens: Lens) -> PinholeCamera:
    """Return the pinhole camera of a Blender lens: the inverse of `lens_of`."""
    larger = max(lens.width, lens.height)
    focal = lens.millimetres / SENSOR * larger
    cx, cy = lens.width / 2 - lens.shift_x * larger, lens.height / 2 + lens.shift_y * larger
    return PinholeCamera(focal, focal, cx, cy, lens.width, lens.height)


def window_camera(camera: bpy.types.Camera, size: int, shift: float = 0.0) -> PinholeCamera:
    """Return the intrinsics of a camera's square window (see `pixels.avatar_window`) on `size` x `size` pixels.

    `shift` is what an eye in stereo adds to the lens's own.
    """
    sensor = camera.sensor_height if camera.sensor_fit == "VERTICAL" else camera.sensor_width
    return pinhole_of(Lens(camera.lens * SENSOR / sensor, camera.shift_x + shift, camera.shift_y, size, size))


def set_lens(data: bpy.types.Camera, lens: Lens) -> None:
    """Give a camera a lens."""
    data.sensor_fit, data.sensor_width = "AUTO", SENSOR
    data.lens, data.shift_x, data.shift_y = lens.millimetres, lens.shift_x, lens.shift_y


def make_camera(lens: Lens, world: Doubles, name: str) -> bpy.types.Object:
    """Return a new camera object with this lens at the world matrix `[4, 4]`, not yet in any collection."""
    data = bpy.data.cameras.new(f"{name} Camera")
    set_lens(data, lens)
    data.clip_start, data.display_size = NEAR, 0.1
    data.passepartout_alpha = 0.7
    made = bpy.data.objects.new(f"{name} Camera", data)
    made.matrix_world = Matrix(np.asarray(world).tolist())
    return made


def frame_scene(scene: bpy.types.Scene, camera: bpy.types.Object, width: int, height: int) -> None:
    """Make the scene render what the camera sees, in pictures of `width` x `height` square pixels."""
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
