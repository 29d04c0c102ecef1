# SPDX-License-Identifier: GPL-3.0-or-later
"""The neural picture in a viewport: drawn in the camera's frame, brought by a timer, never waited for."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import blf
import bpy
import gpu
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from gpu_extras.presets import draw_texture_2d

from ...common.errors import UserError
from ...tracking.performances.maps import MAP_SIZE
from ..access import camera_of, preferences_of, scene_of, windows
from ..engine.picture_feed import PictureFeed, Wish
from . import pixels, scene_colours
from .gpu_maps import MapPainter
from .kinds import evaluated_heads
from .portraits import window_camera

if TYPE_CHECKING:
    from ..engine.process import EnginePlace

SECONDS_BETWEEN_LOOKS = 0.02
LOOK_THROUGH_CAMERA = "Look through the camera (numpad 0) to see the avatar"

_viewports: weakref.WeakSet[Viewport] = weakref.WeakSet()


class Viewport:
    """What one rendered viewport shows. The timer works for it as long as it lives."""

    def __init__(self, place: EnginePlace) -> None:
        self.changed = True
        self.feed = PictureFeed(place)
        self._painter: MapPainter | None = None
        self._shown: pixels.Image | None = None
        self._texture: gpu.types.GPUTexture | None = None
        _viewports.add(self)
        if not bpy.app.timers.is_registered(look_after_viewports):
            bpy.app.timers.register(look_after_viewports)

    def __del__(self) -> None:
        self.feed.close()

    def draw(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Draw what there is; wish for a new picture when the scene has changed."""
        camera = viewport_camera(context)
        if camera is None or camera_of(camera).type != "PERSP":
            draw_text(context, LOOK_THROUGH_CAMERA)
            return
        camera = camera.evaluated_get(depsgraph)
        if self.changed and not self.feed.wanting:
            self.wish(camera, depsgraph)
        self.draw_picture(context, camera, scene_of(depsgraph))
        if self.feed.text:
            draw_text(context, self.feed.text)

    def wish(self, camera: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
        """Draw the maps of the scene's head (the nearest that has an avatar) and wish for its picture."""
        self.changed = False
        world = np.array(camera.matrix_world, np.float64)
        try:
            heads = [head for head in evaluated_heads(depsgraph) if head.avatar]
        except UserError as error:
            self.feed.text = str(error)
            return
        if not heads:
            self.feed.picture, self.feed.text = None, "No head in this scene has an avatar yet"
            return
        head = min(heads, key=lambda head: head.distance(world))
        self._painter = self._painter or MapPainter(MAP_SIZE)
        maps = self._painter.draw(head.map_vertices(world, window_camera(camera_of(camera), MAP_SIZE)), head.triangles)
        self.feed.want(Wish(head.avatar, maps, head.look))

    def draw_picture(self, context: bpy.types.Context, camera: bpy.types.Object, scene: bpy.types.Scene) -> None:
        """Draw the newest picture where the final render will have it."""
        picture = self.feed.picture
        if picture is None:
            return
        if picture is not self._shown:
            self._texture, self._shown = texture_of(picture, scene.render.film_transparent), picture
        left, bottom, width, height = camera_frame(context, camera, scene)
        window = pixels.avatar_window(width, height, camera_of(camera).sensor_fit)
        gpu.state.blend_set("ALPHA_PREMULT")
        draw_texture_2d(
            self._texture,
            (left + window.left, bottom + height - window.top - window.side),
            window.side,
            window.side,
        )
        gpu.state.blend_set("NONE")


def look_after_viewports() -> float | None:
    """Step every viewport's feed, and have the viewports drawn that have something new; ends when there are none."""
    if not _viewports:
        return None
    stepped = [viewport.feed.step() for viewport in _viewports]
    if any(stepped):
        for window in windows():
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()
    return SECONDS_BETWEEN_LOOKS


def viewport_camera(context: bpy.types.Context) -> bpy.types.Object | None:
    """Return the camera that a viewport looks through; None when it looks from elsewhere."""
    space = context.space_data
    if not isinstance(space, bpy.types.SpaceView3D) or context.region_data is None:
        return None
    if context.region_data.view_perspective != "CAMERA":
        return None
    camera = space.camera if space.use_local_camera else scene_of(context).camera
    return camera if camera is not None and camera.type == "CAMERA" else None


def camera_frame(
    context: bpy.types.Context, camera: bpy.types.Object, scene: bpy.types.Scene
) -> tuple[float, float, float, float]:
    """Return left, bottom, width, height of the camera's frame in the viewport, in pixels of its region."""
    corners = [camera.matrix_world @ corner for corner in camera_of(camera).view_frame(scene=scene)]
    region, view = context.region, context.region_data
    assert region is not None
    assert view is not None
    places = np.array([location_3d_to_region_2d(region, view, corner) for corner in corners])
    (left, bottom), (right, top) = places.min(0), places.max(0)
    return left, bottom, right - left, top - bottom


def texture_of(picture: pixels.Image, transparent: bool) -> gpu.types.GPUTexture:
    """Return a scene-linear texture of `picture [R, R, 4]` (uint8, straight alpha)."""
    rows = pixels.scene_linear(picture[::-1].astype(np.float32) / 255, scene_colours.linear_from_rec709(), transparent)
    height, width = rows.shape[:2]
    data = gpu.types.Buffer("FLOAT", rows.size, np.ascontiguousarray(rows).ravel())
    return gpu.types.GPUTexture((width, height), format="RGBA16F", data=data)


def draw_text(context: bpy.types.Context, text: str) -> None:
    """Write a line near the bottom of a viewport, on a dark ground that keeps it readable before any picture."""
    assert context.region is not None
    scale = preferences_of(context).system.ui_scale
    blf.size(0, 14 * scale)
    width, height = blf.dimensions(0, text)
    left, bottom = (context.region.width - width) / 2, 48 * scale
    margin = 10 * scale
    ground = [(left - margin, bottom - margin), (left + width + margin, bottom - margin)]
    ground += [(x, bottom + height + margin) for x, _ in ground]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", (0.02, 0.02, 0.02, 0.8))
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, "TRI_STRIP", {"pos": ground}).draw(shader)
    blf.color(0, 1.0, 1.0, 1.0, 1.0)
    blf.position(0, left, bottom, 0)
    blf.draw(0, text)
    gpu.state.blend_set("NONE")
