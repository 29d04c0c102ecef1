# SPDX-License-Identifier: GPL-3.0-or-later
"""The armature: a head bone that carries the whole motion, and an eye bone for each eyeball (`controls` adds more)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import bpy
import numpy as np

from ...tracking.heads.rotations import to_angles
from ..access import armature_of, pose_of, view_layer
from . import axes

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Doubles, Floats
    from ...tracking.heads.head import MorphableHead

HEAD_BONE, EYE_BONES, JAW_BONE, LOOK_BONE = "head", ("eye.L", "eye.R"), "jaw", "look"
HEAD_ORDER: Final = "ZXY"
EYE_ORDER: Final = "XYZ"
"""Euler orders: a head turns (y) over nodding (x) over tilting (z); an eye looks aside (z) over up and down (x)."""

HEAD_REST: Floats = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)
"""Columns: the head bone's own axes in the armature. It points up: x to the subject's left, y up, z out of the face."""


def make_rig(
    made: bpy.types.Object, head: MorphableHead, neutral: Floats, collection: bpy.types.Collection
) -> bpy.types.Object:
    """Give the head object `made` (already in `collection`) an armature and return it; the head becomes its child.

    `neutral [V, 3]` is the person's shape in head space: the eyes' bones lie at its pivots.
    """
    armature = bpy.data.armatures.new(f"{made.name} Rig")
    rig = bpy.data.objects.new(f"{made.name} Rig", armature)
    collection.objects.link(rig)
    armature.display_type = "STICK"
    rig.show_in_front = True
    height = float(np.ptp(neutral[:, 1]))
    pivots = [axes.points_to_blender(pivot) for pivot in eye_pivots(head, neutral)]
    add_bones(rig, pivots, height)
    bones = pose_of(rig).bones
    bones[HEAD_BONE].rotation_mode = HEAD_ORDER
    for name in EYE_BONES:
        bones[name].rotation_mode = EYE_ORDER
        bones[name].lock_location = (True, True, True)
    shape_controls(rig, neutral)
    bind(made, head, rig)
    return rig


def eye_pivots(head: MorphableHead, neutral: Floats) -> list[Floats]:
    """Return where each eyeball turns, `[3]` in head space."""
    return [neutral[eye.start : eye.stop].mean(0) + np.asarray(eye.pivot_offset, np.float32) for eye in head.eyeballs]


def add_bones(rig: bpy.types.Object, pivots: list[Floats], height: float) -> None:
    """Add the bones: `head` from the origin upward, eyes from their `pivots`, `[3]` each, forward, as its children."""
    objects = view_layer().objects
    before = objects.active
    objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        bones = armature_of(rig).edit_bones
        root = bones.new(HEAD_BONE)
        root.head, root.tail, root.roll = (0, 0, 0), (0, 0, height * 0.6), 0
        for name, pivot in zip(EYE_BONES, pivots, strict=True):
            eye = bones.new(name)
            eye.head, eye.tail = pivot.tolist(), (pivot + np.array([0, -height * 0.2, 0])).tolist()
            eye.align_roll((0, 0, 1))
            eye.parent = root
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
        objects.active = before


def shape_controls(rig: bpy.types.Object, neutral: Floats) -> None:
    """Draw the bones as rings that leave the face `neutral [V, 3]` free: one above the head, one before each eye."""
    ring = bpy.data.meshes.new("Semblance Control")
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    corners = np.stack([np.cos(turn), np.zeros(32), np.sin(turn)], -1)  # around a bone's own y
    ring.from_pydata(corners.tolist(), [(each, (each + 1) % 32) for each in range(32)], [])
    control = bpy.data.objects.new("Semblance Control", ring)
    size = np.ptp(neutral, 0)
    above = -float(neutral[:, 1].min()) + 0.08 * float(size[1])
    show = [(HEAD_BONE, 0.4 * float(size[0]), above), *((name, 0.05 * float(size[0]), 0.06) for name in EYE_BONES)]
    for name, radius, distance in show:
        bone = pose_of(rig).bones[name]
        bone.custom_shape, bone.use_custom_shape_bone_size = control, False
        bone.custom_shape_scale_xyz = (radius, radius, radius)
        bone.custom_shape_translation = (0, distance, 0)
        drawn = armature_of(rig).bones[name]
        drawn.show_wire = True
        assert drawn.color is not None
        drawn.color.palette = "THEME09"


def bind(made: bpy.types.Object, head: MorphableHead, rig: bpy.types.Object) -> None:
    """Let the bones move the mesh: eyeballs by their own bone, everything else by `head`."""
    spans = [np.arange(eye.start, eye.stop) for eye in head.eyeballs]
    rest = np.setdiff1d(np.arange(len(head.mean)), np.concatenate(spans))
    for name, members in zip((HEAD_BONE, *EYE_BONES), (rest, *spans), strict=True):
        made.vertex_groups.new(name=name).add(members.tolist(), 1.0, "REPLACE")
    made.parent = rig
    modifier = made.modifiers.new("Semblance Rig", "ARMATURE")
    assert isinstance(modifier, bpy.types.ArmatureModifier)
    modifier.object = rig


def head_channels(moves: Doubles) -> tuple[Doubles, Doubles]:
    """Return (location `[T, 3]`, Euler angles `[T, 3]`) of the head bone for moves `[T, 4, 4]` in the armature.

    The angles are x, y, z for Blender's order 'ZXY' (`Ry @ Rx @ Rz`): turning outermost, then nodding, then tilting.
    """
    rest = HEAD_REST.astype(np.float64)
    location = moves[:, :3, 3] @ rest
    rotation = rest.T @ moves[:, :3, :3] @ rest
    return location, to_angles(rotation)


def eye_channels(gaze: Floats) -> Floats:
    """Return Euler angles `[T, 2, 3]` of the eye bones for gaze `[T, 2, 2]`.

    An eye bone points forward with z up, so its x is the subject's right: pitch and yaw change their sign.
    """
    zero = np.zeros_like(gaze[..., 0])
    return np.stack([-gaze[..., 0], zero, -gaze[..., 1]], -1)
