# SPDX-License-Identifier: GPL-3.0-or-later
"""The render engine's place in Blender: its registration, its panel, and the settings that it wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..access import scene_of
from ..engine import frame_service, presence
from . import passes, scene_colours
from .render_engine import SemblanceRenderEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..operators import Outcome

NOT_FOR_US = {"VIEWLAYER_PT_filter", "VIEWLAYER_PT_layer_passes", "RENDER_PT_simplify", "RENDER_PT_gpencil"}
"""Panels for every engine that show what Semblance does not heed."""


class SEMBLANCE_OT_use_renderer(bpy.types.Operator):
    """Render this scene with Semblance, with the colors that the avatar learned"""

    bl_idname = "semblance.use_renderer"
    bl_label = "Render with Semblance"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Change the scene's settings, and show the avatar in the 3D view where the button was pressed."""
        use_renderer(scene_of(context))
        if isinstance(context.space_data, bpy.types.SpaceView3D):
            context.space_data.shading.type = "RENDERED"
        return {"FINISHED"}


class SEMBLANCE_PT_render(bpy.types.Panel):
    """What the Semblance render engine can be told"""

    bl_label = "Semblance"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    COMPAT_ENGINES = {SemblanceRenderEngine.bl_idname}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether Semblance renders the scene."""
        return context.engine in cls.COMPAT_ENGINES

    def draw(self, context: bpy.types.Context) -> None:
        """Show the choices of background and passes, and a way out when colours would change."""
        layout, scene = self.layout, scene_of(context)
        assert layout is not None
        layout.use_property_split = True
        layout.prop(scene.render, "film_transparent", text="Transparent Background")
        if context.view_layer is not None:
            layout.prop(context.view_layer, "use_pass_z", text="Depth Pass")
            layout.prop(context.view_layer, "use_pass_uv", text="UV Pass")
            for name in ("texture", "matte"):
                layout.prop(context.view_layer.semblance, name)  # type: ignore[attr-defined]  # ours: see passes.py
        if scene_colours.changes_colours(scene):
            box = layout.box()
            box.label(text="Color Management changes the avatar's colors.", icon="ERROR")
            box.operator(SEMBLANCE_OT_use_renderer.bl_idname, text="Keep Its Colors", icon="COLOR")


def use_renderer(scene: bpy.types.Scene) -> None:
    """Render a scene with Semblance, its colours unchanged, the person alone on a transparent film."""
    scene.render.engine = SemblanceRenderEngine.bl_idname  # type: ignore[assignment]  # not one of Blender's own
    scene.render.film_transparent = True
    scene_colours.keep_colours(scene)


def engines_of_shared_panels() -> Iterator[set[str]]:
    """Yield, for each of Blender's own panels that make sense for any render engine (camera, output, colour management,
    ...), the names of the engines that show it.
    """
    for panel in bpy.types.Panel.__subclasses__():
        engines: set[str] = getattr(panel, "COMPAT_ENGINES", set())
        if "BLENDER_RENDER" in engines and panel.__name__ not in NOT_FOR_US:
            yield engines


CLASSES = (SEMBLANCE_OT_use_renderer, SEMBLANCE_PT_render)


def register() -> None:
    """Register the render engine and its panels."""
    passes.register()
    bpy.utils.register_class(SemblanceRenderEngine)
    for each in CLASSES:
        bpy.utils.register_class(each)
    for engines in engines_of_shared_panels():
        engines.add(SemblanceRenderEngine.bl_idname)


def unregister() -> None:
    """Undo `register`."""
    for engines in engines_of_shared_panels():
        engines.discard(SemblanceRenderEngine.bl_idname)
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
    bpy.utils.unregister_class(SemblanceRenderEngine)
    passes.unregister()
    frame_service.forget_all()
    presence.leave_all()
