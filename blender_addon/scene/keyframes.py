# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance becomes keyframes: shape keys, head bone, eye bones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import bpy
import numpy as np

from ...tracking.heads.head import ARKIT_NAMES
from ...tracking.performances.resampling import at_rate
from .. import compat
from ..access import enum_items
from . import axes, rig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Doubles, Floats
    from ...tracking.performances.performance import Performance

Number = TypeVar("Number", np.float32, np.int32)

SHAPES, RIG = "shapes", "rig"
"""What a channel animates: the mesh's shape keys, or the armature object."""


@dataclass(frozen=True)
class Channel:
    """The keys of one animated value.

    Attributes:
        target: SHAPES or RIG.
        path, index: the value's data path there.
        frames, values: `[K]` where the keys lie and what they hold.
        group: the channel's group in the editors.
    """

    target: str
    path: str
    index: int
    frames: Doubles
    values: Floats | Doubles
    group: str


def channels_of(performance: Performance, camera_world: Doubles, *, fps: float, start: int) -> list[Channel]:
    """Return the keys that make a head at the world's origin perform before a camera with this world matrix `[4, 4]`.

    The performance plays at its own speed from frame `start` of a scene with `fps` frames a second: one key a frame,
    without those that add nothing.
    """
    resampled = at_rate(performance, fps)
    frames = start + np.arange(len(resampled), dtype=np.float64)
    moves = axes.head_matrices(resampled.rotation, resampled.translation, camera_world)
    location, angles = rig.head_channels(moves)
    eyes = rig.eye_channels(resampled.gaze)
    made = [
        Channel(SHAPES, f'key_blocks["{name}"].value', 0, frames, values, "Expression")
        for name, values in zip(ARKIT_NAMES, resampled.expression.T, strict=True)
    ]
    made += vector(rig.HEAD_BONE, "location", frames, location)
    made += vector(rig.HEAD_BONE, "rotation_euler", frames, angles)
    for bone, values in zip(rig.EYE_BONES, np.moveaxis(eyes, 1, 0), strict=True):
        made += vector(bone, "rotation_euler", frames, values)
    return [without_idle_keys(each) for each in made]


def vector(bone: str, path: str, frames: Doubles, values: Floats | Doubles) -> list[Channel]:
    """Return the channels of a bone's vector, `values [T, 3]`."""
    place = f'pose.bones["{bone}"].{path}'
    return [Channel(RIG, place, index, frames, values[:, index], bone) for index in range(3)]


def without_idle_keys(channel: Channel) -> Channel:
    """Drop keys whose neighbours on both sides hold the same value."""
    same = np.diff(channel.values) == 0
    idle = np.concatenate([[False], same[:-1] & same[1:], [False]]) if len(channel.values) > 2 else np.zeros(0, bool)
    keep = ~idle if len(idle) else np.ones(len(channel.values), bool)
    return replace(channel, frames=channel.frames[keep], values=channel.values[keep])


def insert(channels: Iterable[Channel], shapes: bpy.types.Key, rig: bpy.types.Object) -> None:
    """Write keys onto a head's shape keys and its rig.

    Keys between a channel's first and last frame are replaced; all others stay as the artist left them.
    """
    targets: dict[str, bpy.types.ID] = {SHAPES: shapes, RIG: rig}
    for each in channels:
        curve = compat.channel(targets[each.target], each.path, each.index, each.group)
        write_keys(curve, each.frames, each.values)


def hold(channels: Iterable[Channel], shapes: bpy.types.Key, rig: bpy.types.Object) -> None:
    """Set a head's shape keys and its rig to the first values of the channels, without keys."""
    targets: dict[str, bpy.types.ID] = {SHAPES: shapes, RIG: rig}
    for each in channels:
        place, name = each.path.rsplit(".", 1)
        owner: Any = targets[each.target].path_resolve(place)
        value = float(each.values[0])
        if name == "value":
            owner.value = value
        else:
            getattr(owner, name)[each.index] = value


def write_keys(curve: bpy.types.FCurve, frames: Doubles, values: Floats | Doubles) -> None:
    """Replace the keys from `frames[0]` to `frames[-1]` by linear ones, in one go."""
    points = curve.keyframe_points
    at = read(points, "co", 2, np.float32)[::2]
    for index in np.flatnonzero((at > frames[0] - 0.5) & (at < frames[-1] + 0.5))[::-1]:
        points.remove(points[int(index)], fast=True)
    kept = len(points)
    points.add(len(frames))
    new = slice(kept, None)
    places = read(points, "co", 2, np.float32).reshape(-1, 2)
    places[new] = np.stack([frames, values], -1)
    points.foreach_set("co", places.ravel())
    for name, choice in (
        ("interpolation", "LINEAR"),
        ("handle_left_type", "AUTO_CLAMPED"),
        ("handle_right_type", "AUTO_CLAMPED"),
    ):
        chosen = read(points, name, 1, np.int32)
        chosen[new] = enum_items(bpy.types.Keyframe, name)[choice].value
        points.foreach_set(name, chosen)
    points.sort()
    curve.update()


def read(
    points: bpy.types.bpy_prop_collection[bpy.types.Keyframe], name: str, width: int, kind: type[Number]
) -> NDArray[Number]:
    """Return one property of all keys, flat: `[K * width]`."""
    values: NDArray[Number] = np.zeros(len(points) * width, kind)
    points.foreach_get(name, values)
    return values
