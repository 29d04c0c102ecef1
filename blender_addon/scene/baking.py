# SPDX-License-Identifier: GPL-3.0-or-later
"""What strips, jaw bone and look-at target do to a head together, as plain keys of its shape keys, head and eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...tracking.heads.head import ARKIT_NAMES
from ..access import pose_of
from . import keyframes, takes
from .controls import LOOK_AT, expression_of
from .rig import EYE_BONES, HEAD_BONE, JAW_BONE, LOOK_BONE

if TYPE_CHECKING:
    from mathutils import Euler

    from ...tracking.heads.arrays import Floats

BONES = (HEAD_BONE, *EYE_BONES)


@dataclass(frozen=True)
class Moment:
    """A head at one frame: `expression [52]`, the head bone's place `[3]`, and the turns of head and eyes."""

    frame: int
    expression: Floats
    location: Floats
    turns: tuple[Euler, ...]


def moment_at(scene: bpy.types.Scene, head: bpy.types.Object, frame: int, before: Moment | None) -> Moment:
    """Return what a head does at a frame of a scene, everything together; the scene stays at that frame.

    Turns go on from those of the moment `before`, without jumps of a whole turn.
    """
    scene.frame_set(frame)
    graph = next(each for each in scene.view_layers if head.name in each.objects).depsgraph
    assert head.parent is not None
    assert graph is not None
    rig = head.parent.evaluated_get(graph)
    bones = [pose_of(rig).bones[name] for name in BONES]
    local = [
        rig.convert_space(pose_bone=each, matrix=each.matrix, from_space="POSE", to_space="LOCAL") for each in bones
    ]
    last = before.turns if before else (None,) * len(BONES)
    turns = tuple(
        matrix.to_euler(bone.rotation_mode, turn) if turn else matrix.to_euler(bone.rotation_mode)
        for matrix, bone, turn in zip(local, bones, last, strict=True)
    )
    place = np.array(local[0].translation, np.float32)
    return Moment(frame, expression_of(head.evaluated_get(graph)), place, turns)


def write(head: bpy.types.Object, done: list[Moment], name: str) -> bpy.types.Action:
    """Give a head a new take of what it did, and its controls their rest; strips are muted, for they are in it."""
    keys, rig = takes.animated(head)
    frames = np.array([each.frame for each in done], np.float64)
    expressions = np.stack([each.expression for each in done])
    channels = [
        keyframes.Channel(keyframes.SHAPES, f'key_blocks["{name}"].value', 0, frames, values, "Expression")
        for name, values in zip(ARKIT_NAMES, expressions.T, strict=True)
    ]
    channels += keyframes.vector(HEAD_BONE, "location", frames, np.stack([each.location for each in done]))
    for nth, bone in enumerate(BONES):
        turns = np.array([each.turns[nth][:] for each in done], np.float64)
        channels += keyframes.vector(bone, "rotation_euler", frames, turns)
    action = takes.new_take(head, name)
    keyframes.insert([keyframes.without_idle_keys(each) for each in channels], keys, rig)
    for holder in (keys.animation_data, rig.animation_data):
        for track in holder.nla_tracks if holder else ():
            track.mute = True
    bones: Any = pose_of(rig).bones
    if JAW_BONE in bones:
        bones[JAW_BONE].location = (0, 0, 0)
    if LOOK_BONE in bones:
        bones[LOOK_BONE][LOOK_AT] = 0.0
    rig.update_tag()
    return action
