# SPDX-License-Identifier: GPL-3.0-or-later
"""The Semblance render engine: the scene's heads become maps, the engine process turns maps into the render pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...common.errors import UserError
from ...common.progress import Cancelled
from ...tracking.performances.maps import MAP_SIZE
from ..access import camera_of, scene_of
from ..engine import frame_service
from ..preferences import engine_place
from . import pixels, scene_colours
from .evaluated_heads import EvaluatedHead, evaluated_heads, window_camera
from .gpu_maps import MapPainter
from .viewport import Viewport

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats


class SemblanceRenderEngine(bpy.types.RenderEngine):
    """Renders the scene's heads as their avatars."""

    bl_idname = "SEMBLANCE"
    bl_label = "Semblance"
    bl_use_gpu_context = True
    bl_use_eevee_viewport = True

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:  # type: ignore[override]
        """Render one frame into the Combined pass; what goes wrong is reported in one sentence."""
        try:
            self.write(self.picture(depsgraph), depsgraph)
        except UserError as error:
            self.report({"ERROR"}, str(error))
        except Cancelled:
            pass

    def picture(self, depsgraph: bpy.types.Depsgraph) -> Floats:
        """Return the frame, `[H, W, 4]` scene-linear premultiplied, row 0 on top.

        Raises:
            UserError: the scene cannot be rendered, or the engine process is in trouble.
            Cancelled: the artist broke off.
        """
        render, camera = scene_of(depsgraph).render, scene_camera(depsgraph)
        width, height = frame_size(render)
        world = np.array(camera.matrix_world, np.float64)
        heads = sorted(self.rendered_heads(depsgraph), key=lambda head: -head.distance(world))
        view = window_camera(camera_of(camera), MAP_SIZE)
        window = pixels.avatar_window(width, height, camera_of(camera).sensor_fit)
        linear, place, painter = scene_colours.linear_from_rec709(), engine_place(), MapPainter(MAP_SIZE)
        frame = np.zeros((height, width, 4), np.float32)
        for number, head in enumerate(heads):
            self.update_stats("", f"{head.name} as {head.avatar}")
            self.update_progress(number / len(heads))
            maps = painter.draw(head.map_vertices(world, view), head.triangles)
            picture = frame_service.avatar_picture(place, head.avatar, maps, head.look, self.test_break)
            fitted = pixels.fit_to_frame(picture, window, width, height)
            layer = pixels.scene_linear(fitted, linear, transparent=render.film_transparent or number > 0)
            frame = layer if number == 0 else pixels.over(layer, frame)
        return frame

    def rendered_heads(self, depsgraph: bpy.types.Depsgraph) -> list[EvaluatedHead]:
        """Return the visible heads that have an avatar; warn about the others.

        Raises:
            UserError: there is none that has one.
        """
        heads = evaluated_heads(depsgraph)
        if not heads:
            raise UserError("The scene has no Semblance head to render; make one with New Avatar.")
        ready = [head for head in heads if head.avatar]
        if not ready:
            raise UserError(f"{heads[0].name} has no avatar yet; press Build Avatar, or choose one in its panel.")
        for head in heads:
            if not head.avatar:
                self.report({"WARNING"}, f"{head.name} has no avatar yet and was left out.")
        return ready

    def write(self, picture: Floats, depsgraph: bpy.types.Depsgraph) -> None:
        """Write a frame `[H, W, 4]`, row 0 on top, into the Combined pass; only its border region when one is set."""
        left, top, right, bottom = border(scene_of(depsgraph).render, picture.shape[1], picture.shape[0])
        rows = picture[top:bottom, left:right][::-1]
        assert depsgraph.view_layer is not None
        result = self.begin_result(0, 0, right - left, bottom - top, layer=depsgraph.view_layer.name)
        rect: Any = result.layers[0].passes["Combined"].rect
        rect.foreach_set(np.ascontiguousarray(rows).ravel())
        self.end_result(result)

    def view_update(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph | None) -> None:
        """The scene changed: the viewport's picture is out of date."""
        self.viewport().changed = True

    def view_draw(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph | None) -> None:
        """Draw the newest neural picture in the camera's frame, and ask for a newer one without waiting for it."""
        assert depsgraph is not None
        self.bind_display_space_shader(scene_of(depsgraph))
        self.viewport().draw(context, depsgraph)
        self.unbind_display_space_shader()

    def viewport(self) -> Viewport:
        """What this engine shows in its viewport."""
        if not hasattr(self, "_viewport"):
            self._viewport = Viewport(engine_place())
        return self._viewport


def scene_camera(depsgraph: bpy.types.Depsgraph) -> bpy.types.Object:
    """Return the scene's evaluated camera. Raises UserError when there is none that a head can be seen through."""
    scene = depsgraph.scene_eval
    camera = scene.camera if scene else None
    if camera is None or camera.type != "CAMERA":
        raise UserError("The scene has no camera; add one, or make the head again with New Avatar.")
    if camera_of(camera).type != "PERSP":
        raise UserError(f"{camera.name} is not a perspective camera; set its lens type to Perspective.")
    return camera


def frame_size(render: bpy.types.RenderSettings) -> tuple[int, int]:
    """Return the width and height of the rendered frame in pixels."""
    scale = render.resolution_percentage / 100
    return max(1, int(render.resolution_x * scale)), max(1, int(render.resolution_y * scale))


def border(render: bpy.types.RenderSettings, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the region to render, in pixels from the top left corner."""
    if not render.use_border:
        return 0, 0, width, height
    left, right = int(render.border_min_x * width), int(render.border_max_x * width)
    low, high = int(render.border_min_y * height), int(render.border_max_y * height)
    return left, height - high, right, height - low
