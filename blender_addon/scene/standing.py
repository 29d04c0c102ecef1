# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a new head stands: at the world's origin, or beside the heads that are there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mathutils import Vector

from ..access import camera_of
from ..properties import head_settings
from .camera import window_camera

if TYPE_CHECKING:
    import bpy

ROOM = 2.0
"""What a head without a camera keeps free about itself, in its own diagonals."""


def heads_in(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The heads of a scene, seen or hidden, from left to right."""
    heads = [each for each in scene.objects if head_settings(each).is_head]
    return sorted(heads, key=lambda head: head.matrix_world.translation.x)


def stand_aside(made: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Move a head that has just been put at the world's origin, with its own camera, to the right of those that stand
    there: so far that no head is in the picture of another's camera. Nothing else moves.
    """
    place = Vector()
    for other in heads_in(scene):
        apart = (room_of(made) + room_of(other)) / 2
        there = other.matrix_world.translation
        if other != made and (place - there).length < apart:
            place = Vector((there.x + apart, 0, 0))
    for each in (made.parent, head_settings(made).camera):
        assert each is not None  # it was put there a moment ago
        each.location += place


def room_of(head: bpy.types.Object) -> float:
    """How broad the picture of a head's own camera is where the head is, in the scene's units."""
    camera = head_settings(head).camera
    if camera is None or camera.type != "CAMERA":
        return ROOM * head.dimensions.length
    distance = (camera.matrix_world.translation - head.matrix_world.translation).length
    return distance / window_camera(camera_of(camera), 1).fx
