# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel *Landmark Pins* of a head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..access import registration_of, scene_of
from ..animation_properties import animation_settings
from ..properties import active_head
from ..scene import pinning, takes
from ..words import translated
from . import pin_session
from .panels import SEMBLANCE_PT_head, SemblancePanel, button, sentence
from .pin_operators import SEMBLANCE_OT_remove_pins
from .pin_pointer import SEMBLANCE_OT_pin_landmarks

if TYPE_CHECKING:
    import bpy

IN_THE_ANIMATION = "Pins correct this head's animation. Build Avatar learns from the footage as it was tracked."


class SEMBLANCE_PT_pins(SemblancePanel):
    """Where tracking is corrected by hand"""

    bl_idname = "SEMBLANCE_PT_pins"
    bl_label = "Landmark Pins"
    bl_parent_id = SEMBLANCE_PT_head.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only for a head that performs something."""
        head = active_head(context)
        return head is not None and takes.take_of(head) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, head = self.layout, active_head(context)
        assert head is not None  # else the panel is not shown
        if pin_session.current():
            layout.operator(SEMBLANCE_OT_pin_landmarks.bl_idname, text="Leave Pins", icon="X", depress=True)
        else:
            button(layout, context, SEMBLANCE_OT_pin_landmarks, icon="PINNED")
        row = layout.row()
        row.use_property_split, row.use_property_decorate = True, False
        row.prop(animation_settings(head), "pin_reach")
        frames = pinning.record_of(head).frames
        if frames:
            here = frames.get(scene_of(context).frame_current)
            pins_here = len(here.pins) if here else 0
            counts = translated("Pinned frames: {frames}, pins here: {here}", frames=len(frames), here=pins_here)
            layout.label(text=counts, translate=False)
            layout.operator(SEMBLANCE_OT_remove_pins.bl_idname, icon="TRASH")
        sentence(layout.column(align=True), context, IN_THE_ANIMATION, icon="INFO")


CLASSES = (SEMBLANCE_PT_pins,)

register, unregister = registration_of(CLASSES)
