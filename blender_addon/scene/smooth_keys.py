# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's keys made fewer, within a tolerance at every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..access import enum_items
from .key_reduction import SmoothKeys, reduced
from .keyframes import read
from .takes import curves_of

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Doubles

ROUNDING = 1e-6
"""What Blender's own curves may be off by, in parts of their values: they are in single precision."""


@dataclass(frozen=True)
class Tolerance:
    """How far off a motion may be: of sliders and whatever else goes from 0 to 1, of angles in radians, of lengths in
    metres.
    """

    slider: float
    angle: float
    length: float

    def of(self, curve: bpy.types.FCurve) -> float:
        """That of an F-Curve."""
        if curve.data_path.endswith(("rotation_euler", "rotation_quaternion")):
            return self.angle
        return self.length if curve.data_path.endswith("location") else self.slider


def reduce_keys(head: bpy.types.Object, tolerance: Tolerance) -> tuple[int, int]:
    """Replace a head's keys by fewer with smooth handles; return how many there were and are.

    Curves with modifiers, and those that would not get fewer keys, stay as they are.
    """
    before = after = 0
    for curve in curves_of(head):
        count = len(curve.keyframe_points)
        before += count
        if count > 2 and not curve.modifiers and not curve.lock:
            frames, values = samples_of(curve)
            room = max(0.0, tolerance.of(curve) - ROUNDING * float(np.abs(values).max()))
            keys = reduced(frames, values, room)
            if len(keys.frames) < count:
                write_smooth(curve, keys)
        after += len(curve.keyframe_points)
    return before, after


def samples_of(curve: bpy.types.FCurve) -> tuple[Doubles, Doubles]:
    """Return an F-Curve at its keys and at every frame between the first and the last: frames and values, `[N]`."""
    keys = read(curve.keyframe_points, "co", 2, np.float32)[::2].astype(np.float64)
    frames = np.unique(np.concatenate([keys, np.arange(np.ceil(keys[0]), np.floor(keys[-1]) + 1)]))
    return frames, np.array([curve.evaluate(frame) for frame in frames.tolist()])


def write_smooth(curve: bpy.types.FCurve, keys: SmoothKeys) -> None:
    """Replace all keys of an F-Curve."""
    points = curve.keyframe_points
    points.clear()
    points.add(len(keys.frames))
    left, right = keys.handles()
    for name, choice in (
        ("interpolation", "BEZIER"),
        ("handle_left_type", "ALIGNED"),
        ("handle_right_type", "ALIGNED"),
    ):
        number = enum_items(bpy.types.Keyframe, name)[choice].value
        points.foreach_set(name, np.full(len(keys.frames), number, np.int32))
    for name, values in (
        ("co", np.stack([keys.frames, keys.values], -1)),
        ("handle_left", left),
        ("handle_right", right),
    ):
        points.foreach_set(name, np.ascontiguousarray(values, np.float32).ravel())
    curve.update()
