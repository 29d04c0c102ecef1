# SPDX-License-Identifier: GPL-3.0-or-later
"""The Semblance tab of the 3D view's side bar: from top to bottom what an artist does, and why a button is grey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from ...protocol.look import CONTROLS
from .. import preferences
from ..access import preferences_of, registration_of, scene_of
from ..engine.installing import State, state_of
from ..engine.process import why_no_engine
from ..properties import active_head, choice_properties, chosen_head, head_settings, scene_settings
from ..render.kinds import kind_of
from ..render.render_engine import SemblanceRenderEngine
from ..words import CONTEXT, translated, wrapped
from . import activity, setup_card
from .bake_operators import SEMBLANCE_OT_bake_to_portrait
from .carrying_operators import (
    SEMBLANCE_OT_export_avatar,
    SEMBLANCE_OT_import_avatar,
    SEMBLANCE_OT_relink,
    SEMBLANCE_OT_remove_avatar,
)
from .engine_operators import SEMBLANCE_OT_set_up_engine
from .expected import SEMBLANCE_OT_measure, expected
from .job_operators import (
    SEMBLANCE_OT_build_avatar,
    SEMBLANCE_OT_drive_from_video,
    SEMBLANCE_OT_new_avatar,
)
from .lacks import lacks_of
from .long_task import engine_reason
from .remedies import draw_remedies
from .scene_operators import SEMBLANCE_OT_add_avatar, SEMBLANCE_OT_load_performance, SEMBLANCE_OT_use_its_camera
from .splat_operators import SEMBLANCE_OT_to_gaussian_splats, may_have_splats

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems

    from ..operators import SemblanceOperator

LETTER_WIDTH = 7.2
"""Pixels of a letter at scale 1: panels do not break lines, so long sentences are broken here."""


RELINK = {
    "AVATAR": "Relink Avatar",
    "DATASET": "Relink Dataset",
    "PERFORMANCE": "Relink Performance",
    "HEAD": "Relink Head",
}
"""The button for each kind of file that a head may lack."""


class SemblancePanel(bpy.types.Panel):
    """What the panels share."""

    if TYPE_CHECKING:
        layout: bpy.types.UILayout  # there while a panel is drawn, which is when ours use it

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Semblance"
    bl_translation_context = CONTEXT


class SEMBLANCE_PT_avatar(SemblancePanel):
    """The engine and the running task, then making and building avatars."""

    bl_idname = "SEMBLANCE_PT_avatar"
    bl_label = "Avatar"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        draw_message(layout, context)
        draw_activities(layout)
        if why_no_engine(preferences.engine_place()):
            draw_setup(layout, context)
            return
        draw_update(layout, context)
        draw_new_avatar(layout, context)


class SEMBLANCE_PT_head(SemblancePanel):
    """The active head: its avatar, its motion."""

    bl_idname = "SEMBLANCE_PT_head"
    bl_label = "Head"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is a head."""
        return active_head(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, head = self.layout, active_head(context)
        assert head is not None  # else the panel is not shown
        row = layout.row(align=True)
        if head == chosen_head(scene_of(context)):
            row.prop(scene_settings(scene_of(context)), "head", text="")
        else:
            row.label(text=head.name, icon="MESH_MONKEY")
        row.menu(SEMBLANCE_MT_head.bl_idname, text="", icon="DOWNARROW_HLT")
        draw_lacks(layout, context, head)
        settings = head_settings(head)
        built = settings.avatar
        column = layout.column()
        column.label(
            text=translated("Avatar: {avatar}", avatar=built) if built else "Not built yet",
            icon="CHECKMARK" if built else "DOT",
        )
        if built and scene_of(context).render.engine != SemblanceRenderEngine.bl_idname:
            column.operator("semblance.use_renderer", icon="RESTRICT_RENDER_OFF")
        button(column, context, SEMBLANCE_OT_build_avatar, text="Build Again" if built else "", icon="PLAY")
        if settings.camera and scene_of(context).camera != settings.camera:
            button(column, context, SEMBLANCE_OT_use_its_camera, icon="CAMERA_DATA")
        column.separator()
        button(column, context, SEMBLANCE_OT_drive_from_video, icon="FILE_MOVIE")
        button(column, context, SEMBLANCE_OT_load_performance, icon="ACTION")
        if may_have_splats(head):
            button(column, context, SEMBLANCE_OT_to_gaussian_splats, icon="OUTLINER_OB_POINTCLOUD")
            button(column, context, SEMBLANCE_OT_bake_to_portrait, icon="IMAGE_DATA")
        if built:
            draw_look(column, context, head)


class SEMBLANCE_MT_head(bpy.types.Menu):
    """What is done seldom with a head."""

    bl_idname = "SEMBLANCE_MT_head"
    bl_label = "More for This Head"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the menu."""
        layout = self.layout
        assert layout is not None
        layout.operator(SEMBLANCE_OT_export_avatar.bl_idname, icon="EXPORT")
        layout.operator_menu_enum(SEMBLANCE_OT_relink.bl_idname, "kind", text="Relink", icon="FILE_FOLDER")
        layout.separator()
        layout.operator(SEMBLANCE_OT_remove_avatar.bl_idname, icon="TRASH")


def draw_lacks(layout: bpy.types.UILayout, context: bpy.types.Context, head: bpy.types.Object) -> None:
    """Draw what this computer does not have of a head, each with the button that gets it."""
    for lack in lacks_of(head):
        column = layout.column(align=True)
        sentence(column, context, lack.sentence, icon="ERROR")
        layout.operator(
            SEMBLANCE_OT_relink.bl_idname,
            text=RELINK[lack.kind],
            icon="FILE_FOLDER",
        ).kind = lack.kind


def draw_look(column: bpy.types.UILayout, context: bpy.types.Context, head: bpy.types.Object) -> None:
    """Draw the controls of a head's look, or why they mean nothing to its kind of avatar."""
    try:
        why_none = kind_of(head).no_look
    except UserError as error:
        why_none = str(error)
    if why_none:
        sentence(column.column(align=True), context, why_none, icon="INFO")
        return
    for name in CONTROLS:
        column.prop(head_settings(head), name)


def draw_message(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw how the last task ended."""
    said = activity.message()
    if said is None:
        return
    row = layout.box().row()
    sentence(row.column(align=True), context, said.text, icon="ERROR" if said.problem else "INFO", margin=70)
    row.operator("semblance.dismiss", text="", icon="X", emboss=False)
    if said.job:
        layout.operator("semblance.add_result", icon="IMPORT").job = said.job
    if said.problem:
        draw_remedies(layout.column(align=True), said.text)


def draw_activities(layout: bpy.types.UILayout) -> None:
    """Draw the running tasks, each with its title above its bar: both do not fit into one line of the side bar."""
    for current in activity.running():
        column = layout.column(align=True)
        column.label(text=current.called, translate=False)
        row = column.row(align=True)
        row.progress(text=current.bar.text, factor=current.bar.factor)
        row.operator("semblance.cancel", text="", icon="X").number = current.number


def draw_setup(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw what is missing before the first avatar, and what it takes."""
    place = preferences.engine_place()
    sentence(layout.column(align=True), context, why_no_engine(place), icon="INFO")
    if place.remote or place.python:
        return
    outlook = setup_card.outlook(place, preferences.wishes())
    if outlook:
        for text in filter(None, (outlook.machine, outlook.sizes)):
            sentence(layout.column(align=True), context, text, icon="BLANK1")
    button(layout, context, SEMBLANCE_OT_set_up_engine, text=state_of(place).value, icon="IMPORT")
    setup_card.draw_log(layout, place)


def draw_update(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw that the extension is newer than the engine it set up."""
    place = preferences.engine_place()
    if place.remote or place.python or state_of(place) is not State.OUTDATED:
        return
    sentence(layout.column(align=True), context, setup_card.SENTENCES[State.OUTDATED], icon="INFO")
    button(layout, context, SEMBLANCE_OT_set_up_engine, text=State.OUTDATED.value, icon="FILE_REFRESH")


def draw_new_avatar(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the choices for new avatars and the buttons that make them."""
    chosen = scene_settings(scene_of(context))
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    for choice in choice_properties():
        column.prop(chosen, choice.identifier)
    draw_expected(layout, context)
    reason = SEMBLANCE_OT_new_avatar.disabled_reason(context)
    row = layout.column(align=True)
    row.scale_y = 1.3
    row.operator(SEMBLANCE_OT_new_avatar.bl_idname, text="New Avatar from Video", icon="FILE_MOVIE").kind = "VIDEO"
    row.operator(SEMBLANCE_OT_new_avatar.bl_idname, text="New Avatar from Photo", icon="IMAGE_DATA").kind = "PHOTO"
    if reason:
        sentence(layout.column(align=True), context, reason, icon="INFO")
    button(layout, context, SEMBLANCE_OT_add_avatar, icon="OUTLINER_OB_ARMATURE")
    button(layout, context, SEMBLANCE_OT_import_avatar, icon="IMPORT")


def draw_expected(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw how long a build takes on this computer, or what finds that out."""
    if said := expected(context):
        sentence(layout.column(align=True), context, said.sentence, icon="TIME" if said.is_enough else "ERROR")
        if said.steps and not said.rate:
            button(layout, context, SEMBLANCE_OT_measure, icon="DRIVER_DISTANCE")


def button(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    operator: type[SemblanceOperator],
    *,
    text: str = "",
    icon: IconItems = "NONE",
) -> None:
    """Draw an operator's button and, when it is grey, why, unless the panel's top says so already."""
    layout.operator(operator.bl_idname, text=text or operator.bl_label, icon=icon)
    reason = operator.disabled_reason(context)
    if reason and reason != engine_reason():
        sentence(layout.column(align=True), context, reason, icon="INFO")


def sentence(
    layout: bpy.types.UILayout, context: bpy.types.Context, text: str, *, icon: IconItems = "NONE", margin: int = 50
) -> None:
    """Draw a sentence over as many lines as the panel's width asks for."""
    scale = preferences_of(context).system.ui_scale
    width = context.region.width / scale - margin if context.region else 200
    layout.scale_y = 0.8
    for number, line in enumerate(wrapped(translated(text), max(16, int(width / LETTER_WIDTH)))):
        layout.label(text=line, translate=False, icon="BLANK1" if number else icon)


CLASSES = (SEMBLANCE_MT_head, SEMBLANCE_PT_avatar, SEMBLANCE_PT_head)

register, unregister = registration_of(CLASSES)
