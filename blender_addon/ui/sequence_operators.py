# SPDX-License-Identifier: GPL-3.0-or-later
"""Send to Sequencer: its operator and its panel."""

from __future__ import annotations

import bpy

from .. import compat
from ..access import registration_of, scene_of
from ..operators import Outcome, SemblanceOperator
from ..properties import active_head, head_settings
from ..render.render_engine import SemblanceRenderEngine
from ..scene.plate_camera import shoot_plate, why_no_plate
from ..sequence import sequence_scene
from ..sequence.frame_check import make_transparent, rendered_frames, why_not_transparent
from ..sequence.matching import match_plate
from ..words import translated
from . import sequence_view
from .panels import SemblancePanel, button


class SEMBLANCE_OT_send_to_sequencer(SemblanceOperator):
    """Lay the rendered frames over the original footage, with the sound of the video that drives the avatar"""

    bl_idname = "semblance.send_to_sequencer"
    bl_label = "Send to Sequencer"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why nothing can be sent now."""
        if active_head(context) is None:
            return "There is no head yet: make one with New Avatar."
        return why_not_transparent(scene_of(context))

    def run(self, context: bpy.types.Context) -> Outcome:
        """Make the sequence and show it in the sequencer."""
        scene, head = scene_of(context), active_head(context)
        assert head is not None  # else the operator is disabled
        sequence = sequence_scene.send_to_sequencer(scene, head, rendered_frames(scene, head))
        sequence_view.show(context, sequence)
        count = sequence.frame_end - sequence.frame_start + 1
        said = (
            "Sent {count} frames to the sequencer; render the scene {scene!r} to make the movie."
            if count > 1
            else "Sent one frame to the sequencer; render the scene {scene!r} to make the movie."
        )
        self.report({"INFO"}, translated(said, count=count, scene=sequence.name))
        return {"FINISHED"}


class SEMBLANCE_OT_frame_the_plate(SemblanceOperator):
    """Render all of the footage's picture, at its size, with the avatar in its place there"""

    bl_idname = "semblance.frame_the_plate"
    bl_label = "Frame the Plate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is no plate to frame."""
        head = active_head(context)
        return why_no_plate(head) if head else "There is no head yet: make one with New Avatar."

    def run(self, context: bpy.types.Context) -> Outcome:
        """Give the scene the plate's camera and size."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        shoot_plate(scene_of(context), head)
        return {"FINISHED"}


class SEMBLANCE_OT_render_transparent(SemblanceOperator):
    """Render PNG pictures with transparency, which can lie over the footage"""

    bl_idname = "semblance.render_transparent"
    bl_label = "Render Transparent PNG"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why nothing has to be changed."""
        return "" if why_not_transparent(scene_of(context)) else "The frames are transparent already."

    def run(self, context: bpy.types.Context) -> Outcome:
        """Change the scene's output."""
        make_transparent(scene_of(context))
        return {"FINISHED"}


class SEMBLANCE_OT_match_plate(SemblanceOperator):
    """Shrink and soften the avatar's edge in the sequence, with values for its light and color, to fit the footage"""

    bl_idname = "semblance.match_plate"
    bl_label = "Match Edge and Color"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to match."""
        if reason := compat.why_no_compositor_modifier():
            return reason
        return "" if sequence_scene.found_sequence(scene_of(context)) else "Press Send to Sequencer first."

    def run(self, context: bpy.types.Context) -> Outcome:
        """Add the modifier."""
        sequence = sequence_scene.found_sequence(scene_of(context))
        assert sequence is not None  # else the operator is disabled
        match_plate(sequence)
        self.report(
            {"INFO"},
            translated(
                "The modifiers of the avatar's strip in {sequence} have the values of its edge.", sequence=sequence.name
            ),
        )
        return {"FINISHED"}


class SEMBLANCE_PT_output(SemblancePanel):
    """From frames to a movie"""

    bl_idname = "SEMBLANCE_PT_output"
    bl_label = "Render"
    bl_order = 10

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is an avatar to render."""
        head = active_head(context)
        return head is not None and bool(head_settings(head).avatar)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what an artist does in order: choose the renderer, render, send."""
        column = self.layout.column()
        if scene_of(context).render.engine != SemblanceRenderEngine.bl_idname:
            column.operator("semblance.use_renderer", icon="RESTRICT_RENDER_OFF")
        else:
            column.operator("render.render", text="Render Image", icon="RENDER_STILL")
            column.operator("render.render", text="Render Animation", icon="RENDER_ANIMATION").animation = True
        head = active_head(context)
        if head and scene_of(context).camera != head_settings(head).plate_camera:
            button(column, context, SEMBLANCE_OT_frame_the_plate, icon="FULLSCREEN_ENTER")
        column.separator()
        button(column, context, SEMBLANCE_OT_send_to_sequencer, icon="SEQUENCE")
        if why_not_transparent(scene_of(context)):
            column.operator(SEMBLANCE_OT_render_transparent.bl_idname, icon="IMAGE_ALPHA")
        if sequence_scene.found_sequence(scene_of(context)):
            button(column, context, SEMBLANCE_OT_match_plate, icon="MODIFIER")


CLASSES = (
    SEMBLANCE_OT_frame_the_plate,
    SEMBLANCE_OT_render_transparent,
    SEMBLANCE_OT_match_plate,
    SEMBLANCE_OT_send_to_sequencer,
    SEMBLANCE_PT_output,
)

register, unregister = registration_of(CLASSES)
