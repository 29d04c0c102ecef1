# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that were made without a window: when first opened in one, they show their avatar and not an empty grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent

from ..access import windows
from ..properties import chosen_head, head_settings
from ..render.render_engine import SemblanceRenderEngine
from .panels import SemblancePanel
from .showing import SECONDS_TO_DRAW, look_through_camera

if TYPE_CHECKING:
    from collections.abc import Iterator

UNSEEN = "semblance_unseen"
"""Custom property of scenes that no window has shown yet."""


def mark_unseen(scene: bpy.types.Scene) -> None:
    """Note that a scene was made without a window."""
    scene[UNSEEN] = True


def head_to_show(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The head that was chosen, else the scene's first; None where it has none."""
    return chosen_head(scene) or next((each for each in scene.objects if head_settings(each).is_head), None)


@persistent  # type: ignore[untyped-decorator]
def after_loading(*_: object) -> None:
    """Show what was never seen, once the windows are there."""
    if any(each.get(UNSEEN) for each in bpy.data.scenes) and not bpy.app.background:
        bpy.app.timers.register(let_draw, first_interval=SECONDS_TO_DRAW)


def let_draw() -> None:
    """Let Blender draw once more: on a slow computer the first time may not be over."""
    bpy.app.timers.register(show_unseen, first_interval=SECONDS_TO_DRAW)


def show_unseen() -> None:
    """Show the head of each window's scene through its camera, drawn by whatever renders it, beside our tab."""
    for window in windows():
        head = head_to_show(window.scene) if window.scene.pop(UNSEEN, False) else None
        if head is None:
            continue
        with bpy.context.temp_override(window=window):
            look_through_camera(head)
        for _, space in views(window):
            space.show_region_ui = True
            if window.scene.render.engine == SemblanceRenderEngine.bl_idname:
                space.shading.type = "RENDERED"
        bpy.app.timers.register(open_tab, first_interval=SECONDS_TO_DRAW)


def open_tab() -> None:
    """Turn the side bars to our tab, where this Blender lets add-ons do that."""
    for window in windows():
        for area, _ in views(window):
            for region in area.regions:
                if region.type == "UI" and not bpy.types.Region.bl_rna.properties["active_panel_category"].is_readonly:
                    region.active_panel_category = SemblancePanel.bl_category  # type: ignore[assignment]  # made as the tabs are


def views(window: bpy.types.Window) -> Iterator[tuple[bpy.types.Area, bpy.types.SpaceView3D]]:
    """Yield a window's 3D views."""
    for area in window.screen.areas if window.screen else ():
        space = area.spaces.active
        if isinstance(space, bpy.types.SpaceView3D):
            yield area, space


def register() -> None:
    """Look at files as they are opened."""
    bpy.app.handlers.load_post.append(after_loading)


def unregister() -> None:
    """Undo `register`."""
    bpy.app.handlers.load_post.remove(after_loading)
    for timer in (let_draw, show_unseen, open_tab):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
