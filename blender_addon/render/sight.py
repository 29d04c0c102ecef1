# SPDX-License-Identifier: GPL-3.0-or-later
"""Who looks at the scene, from where and through which lens: the scene's camera, or a view of the 3D viewport."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...common.errors import UserError
from ...tracking.heads.camera import PinholeCamera
from ..access import camera_of
from ..scene.axes import world_to_camera
from ..words import translated
from . import pixels

if TYPE_CHECKING:
    from mathutils import Matrix

    from ...tracking.heads.arrays import Doubles


HAIR = 0.6
"""Room for hair about a head, in parts of its height."""


@dataclass(frozen=True, eq=False)
class Sight:
    """How the scene is seen.

    Attributes:
        world: `[4, 4]` a Blender camera's world matrix, without scale: looks along its own -z, y up.
        camera: of the whole picture.
        lens: the camera whose frame the picture is; None in a view from elsewhere.
        lens_shift: what an eye in stereo adds to the shift of that lens, in Blender's lengths.
        pixel_aspect: how much taller than wide a pixel of the picture is.
    """

    world: Doubles
    camera: PinholeCamera
    lens: bpy.types.Camera | None = None
    lens_shift: float = 0.0
    pixel_aspect: float = 1.0


def sight_of_camera(depsgraph: bpy.types.Depsgraph, width: int, height: int, engine: bpy.types.RenderEngine) -> Sight:
    """Return how the scene's camera sees a frame of `width` x `height` pixels: any lens, sensor, shift, pixel aspect,
    from where the eye is whose view the render engine has active.

    Raises:
        UserError: there is no camera through which heads can be seen.
    """
    scene = depsgraph.scene_eval
    assert scene is not None
    camera = scene_camera(scene)
    aspect = {"scale_x": scene.render.pixel_aspect_x, "scale_y": scene.render.pixel_aspect_y}
    projection = camera.calc_matrix_camera(depsgraph, x=width, y=height, **aspect)
    seen_from: Matrix = engine.camera_model_matrix(camera)
    world = np.array(seen_from.normalized(), np.float64)
    lens = camera_of(camera)
    extra = engine.camera_shift_x(camera) - lens.shift_x
    seen = pinhole_of_projection(projection, width, height)
    pixel_aspect = aspect["scale_y"] / aspect["scale_x"]
    side = pixels.fitted_length(lens.sensor_fit, width, height * pixel_aspect)
    return Sight(world, replace(seen, cx=seen.cx - extra * side), lens, extra, pixel_aspect)


def scene_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    """Return an evaluated scene's camera. Raises UserError when there is none that a head can be seen through."""
    camera = scene.camera
    if camera is None or camera.type != "CAMERA":
        raise UserError("The scene has no camera; add one, or make the head again with New Avatar.")
    if camera_of(camera).type != "PERSP":
        raise UserError(
            translated("{camera} is not a perspective camera; set its lens type to Perspective.", camera=camera.name)
        )
    return camera


def sight_of_view(view: bpy.types.RegionView3D, width: int, height: int) -> Sight | None:
    """Return how a view of the 3D viewport sees its region of `width` x `height` pixels; None for one without
    perspective, in which no head can be seen.
    """
    if not view.is_perspective:
        return None
    world = np.array(view.view_matrix.inverted_safe().normalized(), np.float64)
    return Sight(world, pinhole_of_projection(view.window_matrix, width, height))


def pinhole_of_projection(projection: Matrix, width: int, height: int) -> PinholeCamera:
    """Return the pinhole camera of OpenGL's perspective matrix `[4, 4]` on a picture of `width` x `height` pixels."""
    matrix = np.array(projection, np.float64)
    return PinholeCamera(
        fx=float(matrix[0, 0] * width / 2),
        fy=float(matrix[1, 1] * height / 2),
        cx=float((1 - matrix[0, 2]) * width / 2),
        cy=float((1 + matrix[1, 2]) * height / 2),
        width=width,
        height=height,
    )


@dataclass(frozen=True)
class Part:
    """A part of a picture, in its pixels from the top left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def rows(self) -> slice:
        """Its rows, where it lies on whole pixels."""
        return slice(round(self.top), round(self.top + self.height))

    @property
    def columns(self) -> slice:
        """Its columns."""
        return slice(round(self.left), round(self.left + self.width))


def part_with(points: Doubles, sight: Sight) -> Part | None:
    """Return the part of a picture, in whole pixels, in which heads of the vertices `[V, 3]` (world space) are with
    their hair; None when nothing of them is in the picture.
    """
    seen = world_to_camera(points, sight.world)
    nearest = float(seen[:, 2].min())
    if nearest <= 0:
        return None
    projected = sight.camera.project(seen)
    around = HAIR * np.ptp(points, 0).max() / nearest * np.array([sight.camera.fx, sight.camera.fy])
    frame = np.array([sight.camera.width, sight.camera.height])
    low = np.clip(np.floor(projected.min(0) - around), 0, frame)
    high = np.clip(np.ceil(projected.max(0) + around), 0, frame)
    if (high - low).min() < 1:
        return None
    return Part(*low.tolist(), *(high - low).tolist())


def part_of(sight: Sight, part: Part, most: int | None = None) -> Sight:
    """Return how a part of a picture is seen, its longer side on at most so many pixels."""
    scale = min(1.0, most / max(part.width, part.height)) if most else 1.0
    width, height = max(1, round(part.width * scale)), max(1, round(part.height * scale))
    x, y = width / part.width, height / part.height
    camera = PinholeCamera(
        fx=sight.camera.fx * x,
        fy=sight.camera.fy * y,
        cx=(sight.camera.cx - part.left) * x,
        cy=(sight.camera.cy - part.top) * y,
        width=width,
        height=height,
    )
    return replace(sight, camera=camera)
