# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: each is one action, with a slot for a head's shape keys and one for its rig. A new one overwrites no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from ..access import mesh_of, view_layer
from ..words import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("KEY", "OBJECT")
"""What the slots of a take animate."""


def animated(head: bpy.types.Object) -> tuple[bpy.types.Key, bpy.types.Object]:
    """What a take moves: a head's shape keys and its rig.

    Raises:
        UserError: the head has lost one of them, or its keys are being edited in the Nonlinear Animation editor.
    """
    keys, rig = mesh_of(head).shape_keys, head.parent
    if keys is None or rig is None or rig.type != "ARMATURE":
        raise UserError(
            translated("{head} has lost its rig or shape keys; undo, or add the avatar again.", head=head.name)
        )
    for each in (keys, rig):
        if each.animation_data and each.animation_data.use_tweak_mode:
            raise UserError(
                translated(
                    "A strip of {head} is being edited; press Tab in the Nonlinear Animation editor first.",
                    head=head.name,
                )
            )
    return keys, rig


def new_take(head: bpy.types.Object, name: str) -> bpy.types.Action:
    """Give a head a new, empty take and return it. What it had before is kept in the file."""
    action = bpy.data.actions.new(name)
    for target, kind in zip(animated(head), KINDS, strict=True):
        action.slots.new(id_type=kind, name=target.name)  # type: ignore[arg-type]
    action.layers.new("Layer").strips.new(type="KEYFRAME")
    use_take(head, action)
    return action


def use_take(head: bpy.types.Object, action: bpy.types.Action) -> None:
    """Let a head do a take. The one that it did before is kept in the file."""
    targets = animated(head)
    view_layer().update()  # Blender 5.0 crashes where an armature that was never evaluated is given a slot
    for target, kind in zip(targets, KINDS, strict=True):
        animation = target.animation_data_create()
        if animation.action:
            animation.action.use_fake_user = True
        animation.action = action
        slot = slot_of(action, kind)
        if animation.action_slot != slot:
            animation.action_slot = slot


def slot_of(action: bpy.types.Action, kind: str) -> bpy.types.ActionSlot | None:
    """The first slot of an action for a kind of datablock; None when it has none."""
    return next((each for each in action.slots if each.target_id_type == kind), None)


def takes() -> list[bpy.types.Action]:
    """All takes of the open file: they fit every head."""
    return [each for each in bpy.data.actions if all(slot_of(each, kind) for kind in KINDS)]


def take_of(head: bpy.types.Object) -> bpy.types.Action | None:
    """The take that a head does; None where its keys lie in no action, or not in one."""
    keys, rig = mesh_of(head).shape_keys, head.parent
    found = {each.animation_data.action if each and each.animation_data else None for each in (keys, rig)}
    action = found.pop() if len(found) == 1 else None
    return action if action in takes() else None


def push_down(head: bpy.types.Object) -> str:
    """Turn a head's keys into strips on new tracks of the Nonlinear Animation editor, called like the take; return that
    name.

    Raises:
        UserError: the head has no keys.
    """
    holders = [each.animation_data for each in animated(head) if each.animation_data and each.animation_data.action]
    if not holders:
        raise UserError(translated("{head} has no keys to push down: drive or keyframe it first.", head=head.name))
    names = []
    for holder in holders:
        action, slot = holder.action, holder.action_slot
        assert action is not None
        start, stop = action.frame_range[0], action.frame_range[1]
        holder.action = None
        track = holder.nla_tracks.new()
        strip = track.strips.new(action.name, int(start), action)
        if strip.action_slot != slot:
            strip.action_slot = slot
        strip.action_frame_start, strip.action_frame_end = start, stop
        strip.frame_end = strip.frame_start + stop - start
        strip.name = track.name = action.name
        names.append(action.name)
    return names[-1]


def curves_of(head: bpy.types.Object) -> Iterator[bpy.types.FCurve]:
    """Yield the F-Curves of a head's shape keys and of its rig, from the actions that they have now."""
    for target in animated(head):
        holder = target.animation_data
        if holder is None or holder.action is None or holder.action_slot is None:
            continue
        for layer in holder.action.layers:
            for strip in layer.strips:
                bag = strip.channelbag(holder.action_slot)  # type: ignore[attr-defined]
                if bag:
                    yield from bag.fcurves
