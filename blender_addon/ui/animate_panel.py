# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels *Face* (sliders by region) and *Takes* of the Semblance tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..access import mesh_of, pose_of, registration_of
from ..animation_properties import FOLLOWING, animation_settings
from ..properties import active_head
from ..scene import takes
from ..scene.controls import LOOK_AT, has_controls
from ..scene.face_regions import SLIDERS, TITLES, Slider
from ..scene.rig import LOOK_BONE
from ..words import translated
from .animate_operators import (
    SEMBLANCE_OT_add_controls,
    SEMBLANCE_OT_drive_again,
    SEMBLANCE_OT_key_expressions,
    SEMBLANCE_OT_push_down,
    SEMBLANCE_OT_reduce_keys,
    SEMBLANCE_OT_relax_face,
    SEMBLANCE_OT_use_take,
)
from .key_baking import SEMBLANCE_OT_bake_to_shape_keys
from .panels import SemblancePanel, button
from .pose_operators import SEMBLANCE_OT_make_pose_library

if TYPE_CHECKING:
    from bpy.types import UILayout

TITLE_SHARE = 0.44
"""Of a table's width for its rows' titles: “Cheeks and Nose” fits."""


class HeadPanel(SemblancePanel):
    """A panel that is there where there is a head."""

    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is a head with its rig and shape keys."""
        head = active_head(context)
        return head is not None and head.parent is not None and mesh_of(head).shape_keys is not None


class SEMBLANCE_PT_face(HeadPanel):
    """What belongs to the whole face; its regions are panels in this one."""

    bl_idname = "SEMBLANCE_PT_face"
    bl_label = "Face"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        head = active_head(context)
        assert head is not None  # else the panel is not shown
        layout = self.layout
        layout.prop(animation_settings(head), "symmetry", icon="MOD_MIRROR", toggle=True)
        row = layout.row(align=True)
        row.operator(SEMBLANCE_OT_key_expressions.bl_idname, text="Key", icon="KEY_HLT").names = ""
        row.operator(SEMBLANCE_OT_relax_face.bl_idname, text="Relax", icon="LOOP_BACK")
        rig = head.parent
        assert rig is not None
        if has_controls(rig):
            look: Any = pose_of(rig).bones[LOOK_BONE]
            layout.prop(look, f'["{LOOK_AT}"]', text="Look at Target", slider=True)
        else:
            button(layout, context, SEMBLANCE_OT_add_controls, icon="BONE_DATA")
        button(layout, context, SEMBLANCE_OT_make_pose_library, icon="ASSET_MANAGER")


class RegionPanel(HeadPanel):
    """The sliders of one region."""

    bl_parent_id = SEMBLANCE_PT_face.bl_idname
    region = ""

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        head = active_head(context)
        assert head is not None  # else the panel is not shown
        column = self.layout.column(align=True)
        for each in SLIDERS[self.region]:
            draw_slider(column, head, each)


def draw_slider(column: UILayout, head: bpy.types.Object, slider: Slider) -> None:
    """Draw an expression's slider: of a pair one for both sides where the head is moved alike on both, else two."""
    keys, settings = mesh_of(head).shape_keys, animation_settings(head)
    assert keys is not None
    row = column.row(align=True)
    if slider.mirrored and settings.symmetry:
        row.prop(settings, slider.stem, slider=True)
        row.operator(SEMBLANCE_OT_key_expressions.bl_idname, text="", icon="KEYFRAME").names = ",".join(slider.names)
        return
    sides = (" L", " R") if slider.mirrored else ("",)
    for name, side in zip(slider.names, sides, strict=True):
        key = keys.key_blocks.get(name)
        if key:
            row.prop(key, "value", text=f"{translated(slider.label)}{side}", translate=False, slider=True)


def region_panel(region: str) -> type[RegionPanel]:
    """Return the panel of a region."""
    name = f"SEMBLANCE_PT_face_{region}"
    return type(name, (RegionPanel,), {"bl_idname": name, "bl_label": TITLES[region], "region": region})


class SEMBLANCE_PT_takes(HeadPanel):
    """What the head does: which take, how it follows a performance, and what can be made of its keys."""

    bl_idname = "SEMBLANCE_PT_takes"
    bl_label = "Takes"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        head = active_head(context)
        assert head is not None  # else the panel is not shown
        layout = self.layout
        take = takes.take_of(head)
        layout.operator_menu_enum(
            SEMBLANCE_OT_use_take.bl_idname, "take", text=take.name if take else "No Take", icon="ACTION"
        )
        column = layout.column()
        button(column, context, SEMBLANCE_OT_push_down, icon="NLA_PUSHDOWN")
        button(column, context, SEMBLANCE_OT_reduce_keys, icon="IPO_BEZIER")
        button(column, context, SEMBLANCE_OT_bake_to_shape_keys, icon="SHAPEKEY_DATA")


class SEMBLANCE_PT_driving(HeadPanel):
    """How this head follows performances."""

    bl_idname = "SEMBLANCE_PT_driving"
    bl_label = "Driving"
    bl_parent_id = SEMBLANCE_PT_takes.bl_idname

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        head = active_head(context)
        assert head is not None  # else the panel is not shown
        layout, settings = self.layout, animation_settings(head)
        layout.use_property_decorate = False
        column = layout.column(align=True)  # beside each other, longer languages do not fit
        column.prop(settings, "offset")
        column.prop(settings, "speed")
        grid = layout.column(align=True)
        heading = grid.split(factor=TITLE_SHARE)
        for text in ("", "Strength", "Smoothing"):
            heading.label(text=text)
        for region, title in FOLLOWING.items():
            row = grid.split(factor=TITLE_SHARE)
            row.label(text=title)
            row.prop(settings, f"strength_{region}", text="")
            row.prop(settings, f"smoothing_{region}", text="")
        button(layout, context, SEMBLANCE_OT_drive_again, icon="FILE_REFRESH")


REGION_PANELS: list[type[RegionPanel]] = [region_panel(region) for region in TITLES]
CLASSES: list[type] = [SEMBLANCE_PT_face, *REGION_PANELS, SEMBLANCE_PT_takes, SEMBLANCE_PT_driving]

register, unregister = registration_of(CLASSES)
