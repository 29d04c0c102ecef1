# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses of the face as assets: each is an action of one frame for shape keys, with a thumbnail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...common.errors import UserError
from ..access import mesh_of
from ..animation_properties import key_where_wanted
from ..words import translated
from .pose_catalogs import put_in_catalog
from .poses import flipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ...tracking.heads.arrays import Floats
    from .poses import Pose

TAG = "Semblance"
"""The tag of all our poses in the Asset Browser; beside it stands the pose's kind."""
MARK = "semblance_pose"
"""The custom property by which an action is known to be one of our poses: the pose's title."""
CHANNEL = re.compile(r'key_blocks\["(\w+)"\]\.value')


def add_poses(poses: Iterable[Pose], pictures: Mapping[str, Floats]) -> list[bpy.types.Action]:
    """Put poses into the open file as assets, with their pictures by title; return them.

    A pose that is there already keeps what the artist made of it and gets its new picture only.
    """
    known = {each[MARK]: each for each in poses_here()}
    made = []
    for pose in poses:
        action = known.get(pose.title) or new_pose(pose)
        put_in_catalog(action, pose.kind)
        if pose.title in pictures:
            show_picture(action, pictures[pose.title])
        made.append(action)
    return made


def new_pose(pose: Pose) -> bpy.types.Action:
    """Return a new asset of a pose."""
    action = bpy.data.actions.new(pose.title)
    action[MARK] = pose.title
    slot = action.slots.new(id_type="KEY", name="Face")
    strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
    curves = strip.channelbag(slot, ensure=True).fcurves
    for name, value in pose.channels.items():
        points = curves.new(f'key_blocks["{name}"].value', index=0).keyframe_points
        points.add(1)
        points[0].co = (1.0, value)
    action.asset_mark()
    said = action.asset_data
    assert said is not None
    said.description = "A pose of the face for Semblance's heads"
    for tag in (TAG, pose.kind):
        said.tags.new(tag)
    return action


def show_picture(action: bpy.types.Action, picture: Floats) -> None:
    """Give an asset its thumbnail: `picture [H, W, 4]` sRGB, straight alpha, row 0 on top."""
    preview = action.preview_ensure()
    assert preview is not None
    preview.image_size = (picture.shape[1], picture.shape[0])
    preview.image_pixels_float.foreach_set(np.ascontiguousarray(picture[::-1], np.float32).ravel())  # type: ignore[attr-defined]


def poses_here() -> list[bpy.types.Action]:
    """The poses of the open file."""
    return [each for each in bpy.data.actions if each.library is None and each.get(MARK)]


def values_of(action: bpy.types.Action) -> dict[str, float]:
    """Return what a pose sets, by name; empty for an action that is no pose of a face."""
    found = {}
    slots = [each for each in action.slots if each.target_id_type == "KEY"]
    for layer in action.layers:
        strips: Any = layer.strips
        for bag in (strip.channelbag(slot) for strip in strips for slot in slots):
            for curve in bag.fcurves if bag else ():
                if named := CHANNEL.fullmatch(curve.data_path):
                    found[named[1]] = float(curve.evaluate(action.frame_range[0]))
    return found


def values_in(file: Path, name: str) -> dict[str, float]:
    """Return what a pose in another file sets, without bringing it into this one.

    Raises:
        UserError: the file cannot be read, or has no such pose.
    """
    try:
        temporary: Any = bpy.data.temp_data()
        with temporary as other:
            with other.libraries.load(str(file)) as (there, here):
                here.actions = [each for each in there.actions if each == name]
            action = next(iter(here.actions), None)
            values: dict[str, float] = values_of(action) if action else {}
    except OSError as error:
        raise UserError(translated("{file} cannot be read; choose another pose.", file=file)) from error
    if not values:
        raise UserError(
            translated(
                "{name} in {file} is no pose of a face; choose one with the tag {tag}.",
                name=name,
                file=file.name,
                tag=TAG,
            )
        )
    return values


def apply(head: bpy.types.Object, values: Mapping[str, float], *, share: float = 1.0, flip: bool = False) -> None:
    """Move a head's expressions to a pose, `share` of the way; key them where Blender keys by itself.

    Raises:
        UserError: the head has lost its shape keys.
    """
    keys = mesh_of(head).shape_keys
    if keys is None:
        raise UserError(translated("{head} has lost its shape keys; undo, or add the avatar again.", head=head.name))
    for name, value in (flipped(dict(values)) if flip else values).items():
        key = keys.key_blocks.get(name)
        if key:
            key.value += share * (value - key.value)
            key_where_wanted(key)
