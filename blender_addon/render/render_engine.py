# SPDX-License-Identifier: GPL-3.0-or-later
"""The Semblance render engine: the engine process paints the scene's heads, which are laid together by their depth."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...common.errors import UserError
from ...common.failures import mendable, sentence_about
from ...common.progress import Cancelled
from ..access import scene_of
from ..engine import frame_service
from ..preferences import engine_place
from ..properties import head_settings
from ..words import translated
from . import scene_colours
from .frame_record import FIELD, record_of_render
from .gpu_smoothing import smooth_layer
from .kinds import evaluated_heads
from .layers import NOTHING, Layer, composite, on_backdrop
from .other_objects import other_objects
from .painters import Painters
from .passes import DEPTH, TEXTURE, UV, Surfaces, values_of_passes, wanted_passes
from .sight import sight_of_camera
from .viewport import Viewport

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats
    from .evaluated_heads import EvaluatedHead
    from .sight import Sight

SOURCE_FIELD = "Iptc4xmpExt:DigitalSourceType"
"""IPTC's field for how a picture was made."""
SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""Its term for what a trained model made."""


class SemblanceRenderEngine(bpy.types.RenderEngine):
    """Renders the scene's heads as their avatars."""

    bl_idname = "SEMBLANCE"
    bl_label = "Semblance"
    bl_use_gpu_context = True
    bl_use_eevee_viewport = True

    def update_render_passes(
        self, scene: bpy.types.Scene | None = None, renderlayer: bpy.types.ViewLayer | None = None
    ) -> None:
        """Tell Blender which passes there are."""
        assert scene is not None
        assert renderlayer is not None
        self.register_pass(scene, renderlayer, "Combined", 4, "RGBA", "COLOR")
        for each in wanted_passes(renderlayer):
            self.register_pass(scene, renderlayer, each.name, each.channels, each.letters, each.kind)

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:  # type: ignore[override]
        """Render one frame into its passes, for each eye in stereo.

        What goes wrong is reported in one sentence, which ends the render: without a window, Blender then exits with 1.
        A fault of ours, too: Blender would go on with empty frames and call that a success.
        """
        try:
            heads = self.rendered_heads(depsgraph)
            for view in views_of(scene_of(depsgraph).render):
                self.active_view_set(view)
                self.write(self.picture(depsgraph, heads), depsgraph, view, synthetic=bool(heads))
        except Cancelled:
            pass
        except Exception as error:
            if mendable(error) is None:
                traceback.print_exc()
            self.report({"ERROR"}, sentence_about(error, "the text in the system console"))

    def picture(self, depsgraph: bpy.types.Depsgraph, seen: list[EvaluatedHead]) -> dict[str, Floats]:
        """Return the passes of the active view, `[H, W]` or `[H, W, C]`, row 0 on top, with the heads `seen`.

        Raises:
            UserError: the scene cannot be rendered, or the engine process is in trouble.
            Cancelled: the artist broke off.
        """
        render, painters = scene_of(depsgraph).render, Painters()
        if render.use_motion_blur:
            raise UserError("Heads cannot be rendered with motion blur yet; turn off Motion Blur in Render Properties.")
        sight = sight_of_camera(depsgraph, self.resolution_x, self.resolution_y, self)
        heads = sorted(seen, key=lambda head: -head.distance(sight.world))
        layers = [self.layer_of(head, sight, painters, number / len(heads)) for number, head in enumerate(heads)]
        backdrop = next((layer.backdrop for layer in layers if layer.backdrop), None)
        objects = objects_layer(depsgraph, sight, painters) if any(head.in_space for head in heads) else None
        frame = composite([*layers, objects] if objects else layers or [empty_layer(sight)])
        if not render.film_transparent:
            frame = on_backdrop(frame, backdrop() if backdrop else world_colour(depsgraph))
        plain = {"Combined": frame.colour, DEPTH.name: frame.depth}
        return {**plain, **self.other_passes(depsgraph, sight, painters, layers, objects)}

    def other_passes(
        self,
        depsgraph: bpy.types.Depsgraph,
        sight: Sight,
        painters: Painters,
        layers: list[Layer],
        objects: Layer | None,
    ) -> dict[str, Floats]:
        """Return the passes that the view layer asks for beside the picture."""
        assert depsgraph.view_layer is not None
        wanted = wanted_passes(depsgraph.view_layer)
        surfaces = None
        if {UV, TEXTURE} & set(wanted):
            surfaces = Surfaces(depsgraph, sight, painters, scene_colours.linear_from_rec709())
        return dict(values_of_passes(wanted, layers, objects, surfaces, (sight.camera.height, sight.camera.width)))

    def layer_of(self, head: EvaluatedHead, sight: Sight, painters: Painters, done: float) -> Layer:
        """Have the engine process paint a head; `done` is the share of the frame that is ready.

        Raises:
            UserError: the engine process is in trouble. Cancelled: the artist broke off.
        """
        self.update_stats("", translated("{head} as {avatar}", head=head.name, avatar=head.avatar))
        self.update_progress(done)
        inputs = head.inputs(sight, painters)
        painted = frame_service.avatar_pictures(engine_place(), head.avatar, inputs, head.look, self.test_break)
        return head.layer(painted, sight, scene_colours.linear_from_rec709())

    def rendered_heads(self, depsgraph: bpy.types.Depsgraph) -> list[EvaluatedHead]:
        """Return the visible heads that have an avatar; warn about the others. A view layer may have none.

        Raises:
            UserError: there is none that has one.
        """
        heads = evaluated_heads(depsgraph)
        if not heads:
            if any(head_settings(each).is_head for each in scene_of(depsgraph).objects):
                return []
            raise UserError("The scene has no Semblance head to render; make one with New Avatar.")
        ready = [head for head in heads if head.avatar]
        if not ready:
            raise UserError(
                translated(
                    "{head} has no avatar yet; press Build Avatar, or choose one in its panel.", head=heads[0].name
                )
            )
        for head in heads:
            if not head.avatar:
                self.report({"WARNING"}, translated("{head} has no avatar yet and was left out.", head=head.name))
        return ready

    def write(self, passes: dict[str, Floats], depsgraph: bpy.types.Depsgraph, view: str, *, synthetic: bool) -> None:
        """Write a view's passes, row 0 on top; only its border region when one is set.

        A `synthetic` one, in which there are heads, says so in the metadata of PNG, JPEG and OpenEXR files, and what
        it was made of.
        """
        height, width = passes["Combined"].shape[:2]
        left, top, right, bottom = border(scene_of(depsgraph).render, width, height)
        assert depsgraph.view_layer is not None
        result = self.begin_result(0, 0, right - left, bottom - top, layer=depsgraph.view_layer.name, view=view)
        for name, values in passes.items():
            if name in result.layers[0].passes:
                rect: Any = result.layers[0].passes[name].rect
                rect.foreach_set(np.ascontiguousarray(values[top:bottom, left:right][::-1], np.float32).ravel())
        if synthetic:
            whole = self.get_result()  # what is added to that of a layer is not written
            whole.stamp_data_add_field(SOURCE_FIELD, SYNTHETIC)
            self._record = record_of_render(depsgraph).with_layer(getattr(self, "_record", None))
            whole.stamp_data_add_field(FIELD, self._record.text())
        self.end_result(result)

    def view_update(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph | None) -> None:
        """The scene changed: the viewport's picture is out of date."""
        self.viewport().changed = True

    def view_draw(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph | None) -> None:
        """Draw the newest neural picture, and ask for a newer one without waiting for it."""
        assert depsgraph is not None
        self.bind_display_space_shader(scene_of(depsgraph))
        self.viewport().draw(context, depsgraph)
        self.unbind_display_space_shader()

    def viewport(self) -> Viewport:
        """What this engine shows in its viewport."""
        if not hasattr(self, "_viewport"):
            self._viewport = Viewport(engine_place())
        return self._viewport


def objects_layer(depsgraph: bpy.types.Depsgraph, sight: Sight, painters: Painters) -> Layer | None:
    """Draw the scene's other objects; None when there are none."""
    objects = other_objects(depsgraph)
    if not len(objects.positions):
        return None
    width, height = sight.camera.width, sight.camera.height
    return smooth_layer(painters.meshes.draw(objects, sight, 2 * width, 2 * height))


def world_colour(depsgraph: bpy.types.Depsgraph) -> Floats:
    """Return `[4]`: the viewport colour of the scene's world, black without one, opaque."""
    world = scene_of(depsgraph).world
    return np.array([*(world.color[:] if world else (0, 0, 0)), 1], np.float32)


def views_of(render: bpy.types.RenderSettings) -> list[str]:
    """Return the names of the views to render: the eyes in stereo; one without a name else."""
    return [each.name for each in render.views if each.use] if render.use_multiview else [""]


def empty_layer(sight: Sight) -> Layer:
    """Return what is seen where nothing is."""
    height, width = sight.camera.height, sight.camera.width
    return Layer(np.zeros((height, width, 4), np.float32), np.full((height, width), NOTHING, np.float32))


def border(render: bpy.types.RenderSettings, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the region to render, in pixels from the top left corner.

    Blender multiplies in single precision and cuts off: its own sizes come out only so.
    """
    if not render.use_border:
        return 0, 0, width, height
    across = np.array([render.border_min_x, render.border_max_x], np.float32) * np.float32(width)
    up = np.array([render.border_min_y, render.border_max_y], np.float32) * np.float32(height)
    (left, right), (low, high) = across.astype(int).tolist(), up.astype(int).tolist()
    return left, height - high, right, height - low
