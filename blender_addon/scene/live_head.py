# SPDX-License-Identifier: GPL-3.0-or-later
"""A head that is moved live: what it was before is kept on it until it is put back.

Its actions, NLA tracks and drivers are set aside meanwhile: they would move it too. What is set aside is kept in custom
properties of the head, and not here: so it follows undo and files, and a file that was saved by a crash is mended as it
is opened.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...common.errors import UserError
from ...tracking.heads.head import ARKIT_NAMES
from ..access import mesh_of, pose_of
from ..properties import head_settings
from ..words import translated
from . import axes, rig

if TYPE_CHECKING:
    from ...protocol.motions import LiveMotion

KEPT = "semblance_live"
"""Custom property of a head that is live: its values and which parts of its animation are off, as JSON."""
ACTIONS = {"shapes": "semblance_live_shapes", "rig": "semblance_live_rig"}
"""Custom properties of it: the actions that are set aside."""


def parts_of(head: bpy.types.Object) -> dict[str, bpy.types.Key | bpy.types.Object]:
    """The shape keys and the rig of a head.

    Raises:
        UserError: it has lost one of them, or its camera.
    """
    shapes, holder = mesh_of(head).shape_keys, head.parent
    bones = set(holder.pose.bones.keys()) if holder and holder.pose else set()
    whole = {rig.HEAD_BONE, *rig.EYE_BONES} <= bones and head_settings(head).camera is not None
    if shapes is None or holder is None or not whole:
        raise UserError(
            translated("{head} has lost its rig, shape keys or camera; undo, or add the avatar again.", head=head.name)
        )
    return {"shapes": shapes, "rig": holder}


def is_set_aside(head: bpy.types.Object) -> bool:
    """Tell whether what a head was is kept on it."""
    return KEPT in head.keys()  # noqa: SIM118  # its stub knows no other way


def set_aside(head: bpy.types.Object) -> None:
    """Keep what a head is and turn its animation off, unless that has been done; idempotent.

    Raises:
        UserError: the head has lost its rig, its shape keys or its camera.
    """
    parts = parts_of(head)
    if is_set_aside(head):
        said = json.loads(head[KEPT])
    else:
        said = {"values": values_of(head), "slots": {}, "nla": [], "drivers": []}
    changed = not is_set_aside(head)
    for name, part in parts.items():
        animation = part.animation_data
        if animation is None:
            continue
        if animation.action is not None:
            head[ACTIONS[name]] = animation.action
            said["slots"][name] = animation.action_slot.identifier if animation.action_slot else ""
            animation.action, changed = None, True
        if animation.use_nla and animation.nla_tracks:
            animation.use_nla, changed = False, True
            said["nla"].append(name)
        for each in animation.drivers:
            if is_ours(each.data_path) and not each.mute:
                each.mute, changed = True, True
                said["drivers"].append([name, each.data_path, each.array_index])
    if changed:
        head[KEPT] = json.dumps(said)


def put_back(head: bpy.types.Object) -> None:
    """Make a head as it was before it was set aside, or with the actions that were recorded since."""
    if not is_set_aside(head):
        return
    said = json.loads(head[KEPT])
    shapes, holder = mesh_of(head).shape_keys, head.parent
    for name, part in (("shapes", shapes), ("rig", holder)):
        action = head.get(ACTIONS[name])
        if part is None or action is None:
            continue
        animation = part.animation_data_create()
        animation.action = action
        slots = [each for each in action.slots if each.identifier == said["slots"].get(name)]
        if slots:
            animation.action_slot = slots[0]
    for name, part in (("shapes", shapes), ("rig", holder)):
        tracks = part.animation_data if part else None
        if tracks is None:
            continue
        if name in said["nla"]:
            tracks.use_nla = True
        for each in tracks.drivers:
            if [name, each.data_path, each.array_index] in said["drivers"]:
                each.mute = False
    give_values(head, said["values"])
    for kept in set(head.keys()) & {KEPT, *ACTIONS.values()}:
        del head[kept]
    update(head)


def replace_actions(head: bpy.types.Object, action: bpy.types.Action) -> None:
    """Let an action, with a slot for each part, be what the head has when it is put back."""
    said = json.loads(head[KEPT])
    for name, part in parts_of(head).items():
        before = head.get(ACTIONS[name])
        if before is not None and before != action:
            before.use_fake_user = True  # the artist's earlier work stays in the file
        head[ACTIONS[name]] = action
        kind = part.id_type
        said["slots"][name] = next(each.identifier for each in action.slots if each.target_id_type == kind)
    head[KEPT] = json.dumps(said)


def is_ours(path: str) -> bool:
    """Tell whether a live motion writes what a driver drives."""
    bones = (rig.HEAD_BONE, *rig.EYE_BONES)
    return path in {f'key_blocks["{name}"].value' for name in ARKIT_NAMES} or any(
        path.startswith(f'pose.bones["{bone}"].') for bone in bones
    )


def values_of(head: bpy.types.Object) -> dict[str, list[float]]:
    """What a live motion may change of a head, by name."""
    parts = parts_of(head)
    blocks: Any = parts["shapes"].key_blocks  # type: ignore[union-attr]
    said = {name: [blocks[name].value] for name in ARKIT_NAMES if name in blocks}
    bones: Any = pose_of(parts["rig"]).bones  # type: ignore[arg-type]
    said["location"] = list(bones[rig.HEAD_BONE].location)
    for bone in (rig.HEAD_BONE, *rig.EYE_BONES):
        said[bone] = list(bones[bone].rotation_euler)
    return said


def give_values(head: bpy.types.Object, values: dict[str, list[float]]) -> None:
    """Set what `values_of` tells of, as far as the head still has it."""
    shapes, holder = mesh_of(head).shape_keys, head.parent
    bones: Any = holder.pose.bones if holder and holder.pose else {}
    for name, value in values.items():
        if name in ARKIT_NAMES:
            block = shapes.key_blocks.get(name) if shapes else None
            if block is not None:
                block.value = value[0]
        elif name == "location" and rig.HEAD_BONE in bones:
            bones[rig.HEAD_BONE].location = value
        elif name in bones:
            bones[name].rotation_euler = value


def apply_motion(head: bpy.types.Object, motion: LiveMotion) -> None:
    """Let a head do what a motion says, before its own camera.

    Raises:
        UserError: the head has lost its rig, its shape keys or its camera.
    """
    parts, view = parts_of(head), head_settings(head).camera
    holder = parts["rig"]
    assert isinstance(holder, bpy.types.Object)
    assert view is not None  # else it has lost its parts
    seen_from_rig = np.linalg.inv(np.array(holder.matrix_world, float)) @ np.array(view.matrix_world, float)
    rotation = np.array(motion.rotation, np.float32).reshape(1, 3, 3)
    moves = axes.head_matrices(rotation, np.array([motion.translation], np.float32), seen_from_rig)
    location, angles = rig.head_channels(moves)
    eyes = rig.eye_channels(np.array(motion.gaze, np.float32).reshape(1, 2, 2))[0]
    values = {name: [value] for name, value in zip(ARKIT_NAMES, motion.expression, strict=True)}
    values["location"], values[rig.HEAD_BONE] = location[0].tolist(), angles[0].tolist()
    values |= dict(zip(rig.EYE_BONES, eyes.tolist(), strict=True))
    give_values(head, values)
    update(head)


def update(head: bpy.types.Object) -> None:
    """Have Blender see that a head has moved."""
    shapes = mesh_of(head).shape_keys
    for each in (shapes, head.parent):
        if each is not None:
            each.update_tag()


def mend_all() -> None:
    """Put back every head of the open file that was left set aside: by a crash, or by an undo."""
    for each in bpy.data.objects:
        if is_set_aside(each) and each.library is None and each.type == "MESH":
            put_back(each)
