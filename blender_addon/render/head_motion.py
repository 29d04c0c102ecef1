# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's motion as a performance has it, seen by a camera: now, as Blender evaluates it, or over frames by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...tracking.heads.head import ARKIT_NAMES
from ...tracking.heads.rotations import from_angles, to_angles
from .. import compat
from ..access import mesh_of, pose_of
from ..properties import head_settings
from ..scene.axes import TO_BLENDER, camera_from_world, nearest_rotations, rigid
from ..scene.controls import expression_of
from ..scene.rig import EYE_BONES, HEAD_BONE, HEAD_REST
from .heads_in_space import placement_of

if TYPE_CHECKING:
    from collections.abc import Generator

    import bpy
    from mathutils import Matrix

    from ...tracking.heads.arrays import Doubles

Motion = dict[str, "Doubles"]
"""`[T, C]` by parameter, as `trained_range.motion_of` gives them."""


def motion_now(head: bpy.types.Object, camera: bpy.types.Object) -> Motion:
    """Return the motion of an evaluated head, one frame, as an evaluated camera sees it."""
    world = np.array(head.matrix_world, np.float64)
    return {
        "expression": expression_of(head).astype(np.float64)[None],
        **pose_of_placed(placement_of(head, world)[None], camera),
        "gaze": gaze_of(head)[None],
    }


def pose_of_placed(placed: Doubles, camera: bpy.types.Object) -> Motion:
    """Return `rotation` and `translation`, `[T, 3]`, of heads that `placed [T, 4, 4]` puts into the world."""
    seen = camera_from_world(np.array(camera.matrix_world.normalized(), np.float64)) @ placed
    size = np.cbrt(np.abs(np.linalg.det(seen[:, :3, :3])))
    return {
        "rotation": to_angles(nearest_rotations(seen[:, :3, :3] @ TO_BLENDER)),
        "translation": seen[:, :3, 3] / np.where(size > 0, size, 1)[:, None],
    }


def gaze_of(head: bpy.types.Object) -> Doubles:
    """Return `[4]`: pitch and yaw of the left eye, then the right one, of an evaluated head; constraints count."""
    rig = head.parent
    gaze = np.zeros(4)
    if rig is None or rig.type != "ARMATURE":
        return gaze
    for eye, name in enumerate(EYE_BONES):
        if (bone := pose_of(rig).bones.get(name)) and bone.parent:
            rest = bone.parent.bone.matrix_local.inverted() @ bone.bone.matrix_local
            turned: Matrix = rest.inverted() @ bone.parent.matrix.inverted() @ bone.matrix
            angles = turned.to_euler("XYZ")
            gaze[2 * eye : 2 * eye + 2] = -angles.x, -angles.z
    return gaze


def motion_over(head: bpy.types.Object, camera: bpy.types.Object, frames: Doubles) -> Generator[None, None, Motion]:
    """Return the motion of a head at `frames [T]` by the keys of its shape keys and bones, without evaluating the
    scene; yields after each channel.

    What drivers, constraints or other actions move stands as it is now: such frames are known once they were shown.
    """
    rig, keys = head.parent, mesh_of(head).shape_keys
    expression = np.zeros((len(frames), len(ARKIT_NAMES)))
    curves = {each.data_path: each for each in compat.channels_there(keys)} if keys else {}
    for column, name in enumerate(ARKIT_NAMES):
        key = keys.key_blocks.get(name) if keys else None
        if key and not key.mute:
            expression[:, column] = sampled(curves.get(f'key_blocks["{name}"].value'), key.value, frames)
            yield
    placed = np.tile(np.array(head.matrix_world, np.float64), (len(frames), 1, 1))
    gaze = np.zeros((len(frames), 4))
    if rig and rig.type == "ARMATURE" and HEAD_BONE in pose_of(rig).bones:
        location = yield from bone_channel(rig, HEAD_BONE, "location", frames)
        angles = yield from bone_channel(rig, HEAD_BONE, "rotation_euler", frames)
        rest = HEAD_REST.astype(np.float64)
        moved = rigid(rest @ from_angles(angles) @ rest.T, location @ rest.T)
        base = np.array(rig.matrix_world, np.float64)
        placed = base @ moved @ np.linalg.pinv(base) @ placed
        for eye, name in enumerate(EYE_BONES):
            if name in pose_of(rig).bones:
                turned = yield from bone_channel(rig, name, "rotation_euler", frames)
                gaze[:, 2 * eye : 2 * eye + 2] = -turned[:, [0, 2]]
    return {"expression": expression, **pose_of_placed(placed, camera), "gaze": gaze}


def bone_channel(rig: bpy.types.Object, bone: str, path: str, frames: Doubles) -> Generator[None, None, Doubles]:
    """Return a bone's vector `[T, 3]` at `frames [T]`."""
    place = f'pose.bones["{bone}"].{path}'
    curves = {each.array_index: each for each in compat.channels_there(rig) if each.data_path == place}
    now = getattr(pose_of(rig).bones[bone], path)
    values = np.zeros((len(frames), 3))
    for index in range(3):
        values[:, index] = sampled(curves.get(index), now[index], frames)
        yield
    return values


def sampled(curve: bpy.types.FCurve | None, now: float, frames: Doubles) -> Doubles:
    """Return a curve's values `[T]` at `frames [T]`, or what holds now where there is no curve."""
    if curve is None or curve.mute:
        return np.full(len(frames), now)
    return np.array([curve.evaluate(frame) for frame in frames.tolist()])


def camera_seeing(scene: bpy.types.Scene, head: bpy.types.Object) -> bpy.types.Object | None:
    """Return the camera that a head is rendered through: the scene's, else the head's own."""
    camera = scene.camera or head_settings(head).camera
    return camera if camera and camera.type == "CAMERA" else None
