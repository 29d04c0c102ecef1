# SPDX-License-Identifier: GPL-3.0-or-later
"""Where else new avatars begin than in the panel: File > Import, and the 3D view's Add menu."""

from __future__ import annotations

import bpy

from .carrying_operators import SEMBLANCE_OT_import_avatar
from .job_operators import SEMBLANCE_OT_new_avatar
from .scene_operators import SEMBLANCE_OT_add_avatar

VIDEO, PHOTO = "Semblance Avatar from Video", "Semblance Avatar from Photo"


class SEMBLANCE_MT_add(bpy.types.Menu):
    """New avatars, and those that the engine has."""

    bl_idname = "SEMBLANCE_MT_add"
    bl_label = "Semblance Avatar"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the menu."""
        layout = self.layout
        assert layout is not None
        layout.operator_context = "INVOKE_DEFAULT"
        draw_new(layout, "New from Video", "New from Photo")
        layout.separator()
        layout.operator(SEMBLANCE_OT_add_avatar.bl_idname, icon="OUTLINER_OB_ARMATURE")
        layout.operator(SEMBLANCE_OT_import_avatar.bl_idname, icon="IMPORT")


def draw_new(layout: bpy.types.UILayout, video: str, photo: str) -> None:
    """Draw the buttons for new avatars with these texts."""
    layout.operator(SEMBLANCE_OT_new_avatar.bl_idname, text=video, icon="FILE_MOVIE").kind = "VIDEO"
    layout.operator(SEMBLANCE_OT_new_avatar.bl_idname, text=photo, icon="IMAGE_DATA").kind = "PHOTO"


def draw_import(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """Draw into File > Import."""
    assert menu.layout is not None
    draw_new(menu.layout, VIDEO, PHOTO)


def draw_add(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Draw into the Add menu, which other modes have, too."""
    if context.mode == "OBJECT" and menu.layout is not None:
        menu.layout.menu(SEMBLANCE_MT_add.bl_idname, icon="MESH_MONKEY")


PLACES = (
    (bpy.types.TOPBAR_MT_file_import, draw_import),
    (bpy.types.VIEW3D_MT_add, draw_add),
)


def register() -> None:
    """Add to the menus."""
    bpy.utils.register_class(SEMBLANCE_MT_add)
    for menu, draw in PLACES:
        menu.append(draw)


def unregister() -> None:
    """Undo `register`."""
    for menu, draw in PLACES:
        menu.remove(draw)
    bpy.utils.unregister_class(SEMBLANCE_MT_add)
