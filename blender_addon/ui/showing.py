# SPDX-License-Identifier: GPL-3.0-or-later
"""How a head that has just arrived is shown, and the window that it takes to put it into a scene."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import bpy

from ..access import mesh_of, view_layer, windows
from ..properties import head_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS_TO_DRAW = 0.3
"""Until a window or workspace that has opened is drawn, or a side bar has its tabs: before, Blender crashes at changes
of them.
"""


@contextmanager
def working_in(scene: bpy.types.Scene) -> Iterator[bool]:
    """Let Blender work in a scene: its operators change what a window shows, so that one shows the scene meanwhile.

    Yields whether a window showed it before.
    """
    manager = bpy.context.window_manager
    opened = list(manager.windows) if manager else []
    if bpy.context.scene == scene or not opened:
        yield True
        return
    window = next((each for each in opened if each.scene == scene), opened[0])
    before = window.scene
    if before != scene:
        window.scene = scene
    try:
        with bpy.context.temp_override(window=window):
            yield before == scene
    finally:
        if before != scene:
            window.scene = before


def hide_startup_cube(scene: bpy.types.Scene) -> None:
    """Hide the cube that every new Blender file begins with: two metres wide, it would swallow the head."""
    cube = scene.objects.get("Cube")
    if cube and cube.type == "MESH" and len(mesh_of(cube).vertices) == 8 and tuple(cube.dimensions) == (2.0, 2.0, 2.0):
        cube.hide_viewport = cube.hide_render = True


def look_through_camera(made: bpy.types.Object) -> None:
    """Show the new head in every 3D view, in its colours, with nothing else selected; through its camera where that is
    the scene's.
    """
    for each in view_layer().objects:
        each.select_set(False)
    made.select_set(True)
    view_layer().objects.active = made
    for window in windows():
        for area in window.screen.areas:
            space = area.spaces.active
            if isinstance(space, bpy.types.SpaceView3D) and space.region_3d:
                space.shading.color_type = "VERTEX"
                if window.scene.camera == head_settings(made).camera:
                    space.region_3d.view_perspective = "CAMERA"
