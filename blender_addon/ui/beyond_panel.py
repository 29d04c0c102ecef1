# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel that tells where a head goes beyond its avatar's training, and the buttons that go there."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty

from ..access import registration_of, scene_of
from ..operators import Outcome, SemblanceOperator
from ..properties import head_settings
from ..words import translated
from .beyond_watch import check_at_once, head_to_warn_of, jump_target, reasons_now, runs_of
from .panels import SemblancePanel, sentence

NO_RANGE = "Build the avatar again: its file does not tell what it was trained on."


class SEMBLANCE_OT_jump_beyond(SemblanceOperator):
    """Go to where this head next leaves what its avatar was trained on"""

    bl_idname = "semblance.jump_beyond"
    bl_label = "Jump to Frames Beyond Training"
    bl_options = {"UNDO"}

    direction: EnumProperty(
        name="Direction",
        items=(("NEXT", "Next", "The next such frames"), ("PREVIOUS", "Previous", "The previous such frames")),
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is nowhere to go."""
        return "" if head_to_warn_of(context) else NO_RANGE

    def run(self, context: bpy.types.Context) -> Outcome:
        """Go there."""
        scene, head = scene_of(context), head_to_warn_of(context)
        assert head is not None  # else the operator is disabled
        if bpy.app.background:
            check_at_once(scene, head)
        frame = jump_target(runs_of(head), scene.frame_current, 1 if self.direction == "NEXT" else -1)
        if frame is None:
            later = self.direction == "NEXT"
            self.report(
                {"INFO"}, "No later frames go beyond training." if later else "No earlier frames go beyond training."
            )
            return {"CANCELLED"}
        scene.frame_set(frame)
        return {"FINISHED"}


class SEMBLANCE_PT_beyond(SemblancePanel):
    """Where the active head goes beyond what its avatar was trained on"""

    bl_idname = "SEMBLANCE_PT_beyond"
    bl_label = "Beyond Training"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where it is known."""
        return head_to_warn_of(context) is not None

    def draw_header(self, context: bpy.types.Context) -> None:
        """Warn also where the panel is closed."""
        head = head_to_warn_of(context)
        assert head is not None  # else the panel is not shown
        self.layout.label(text="", icon="ERROR" if runs_of(head) else "CHECKMARK")

    def draw(self, context: bpy.types.Context) -> None:
        """Say what is beyond it in this frame, and how many frames are."""
        layout, head = self.layout, head_to_warn_of(context)
        assert head is not None  # else the panel is not shown
        reasons = reasons_now(head, scene_of(context), context.evaluated_depsgraph_get())
        column = layout.column(align=True)
        for reason in reasons or ["This frame is within its training."]:
            sentence(column, context, reason, icon="ERROR" if reasons else "CHECKMARK")
        frames = sum(last - first + 1 for first, last in runs_of(head))
        row = layout.row(align=True)
        row.label(text=translated("{frames} frames beyond", frames=frames) if frames != 1 else "1 frame beyond")
        jump = SEMBLANCE_OT_jump_beyond.bl_idname
        row.operator(jump, text="", icon="PREV_KEYFRAME").direction = "PREVIOUS"
        row.operator(jump, text="", icon="NEXT_KEYFRAME").direction = "NEXT"
        layout.prop(head_settings(head), "warns")


CLASSES = (SEMBLANCE_OT_jump_beyond, SEMBLANCE_PT_beyond)

register, unregister = registration_of(CLASSES)
