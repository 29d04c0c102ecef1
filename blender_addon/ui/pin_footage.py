# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets 3D views show the footage, and no head before it, while landmarks are pinned. Undo knows nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..access import windows

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_THE_WAY = ("show_object_viewport_mesh", "show_object_viewport_armature", "show_object_viewport_pointcloud")
"""What a view shows of a head: its mesh, its bones, its splats."""

_before: dict[int, dict[str, bool]] = {}
"""What each view, by its address, showed before."""


def uncover() -> None:
    """Let every 3D view look through the scene's camera, at the footage."""
    for space in views():
        if space.region_3d:
            space.region_3d.view_perspective = "CAMERA"
        _before[space.as_pointer()] = {name: getattr(space, name) for name in IN_THE_WAY}
        for name in IN_THE_WAY:
            setattr(space, name, False)


def cover() -> None:
    """Let the views that there still are show what they showed before."""
    for space in views():
        for name, shown in _before.get(space.as_pointer(), {}).items():
            setattr(space, name, shown)
    _before.clear()


def views() -> Iterator[bpy.types.SpaceView3D]:
    """Yield the 3D views of all windows."""
    for window in windows():
        for area in window.screen.areas:
            space = area.spaces.active
            if isinstance(space, bpy.types.SpaceView3D):
                yield space
