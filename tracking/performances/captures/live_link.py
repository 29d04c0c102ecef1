# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face's CSV (Epic Games' app): ARKit's 52 expressions, head and eye angles, a timecode a frame.

Angles are radians: yaw is positive to the subject's right, pitch down, roll to its left shoulder, applied in this order
from the outside (`rotations.from_angles`). Derived from a capture: its eye angles follow its `eyeLook...` expressions
by these signs, and its eyes' roll is half of yaw times pitch, which is an eye's turn without torsion for this order and
sign only; the app makes head and eye angles in the same way.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from ....common.errors import UserError
from ....common.files import written_whole
from ...heads.rotations import from_angles, to_angles
from .capture import Capture, frame_rate, performed_without_gaps
from .capture_format import CaptureFormat
from .moments import understood
from .names import KEYS, expressions, key
from .timecode import read_timecodes, timecode

if TYPE_CHECKING:
    from pathlib import Path

    from ...heads.arrays import Numbers
    from ..performance import Performance
    from .tables import Table

NAMES: tuple[str, ...] = (
    "EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft", "EyeLookOutLeft", "EyeLookUpLeft", "EyeSquintLeft",
    "EyeWideLeft", "EyeBlinkRight", "EyeLookDownRight", "EyeLookInRight", "EyeLookOutRight", "EyeLookUpRight",
    "EyeSquintRight", "EyeWideRight", "JawForward", "JawLeft", "JawRight", "JawOpen", "MouthClose", "MouthFunnel",
    "MouthPucker", "MouthLeft", "MouthRight", "MouthSmileLeft", "MouthSmileRight", "MouthFrownLeft",
    "MouthFrownRight", "MouthDimpleLeft", "MouthDimpleRight", "MouthStretchLeft", "MouthStretchRight",
    "MouthRollLower", "MouthRollUpper", "MouthShrugLower", "MouthShrugUpper", "MouthPressLeft", "MouthPressRight",
    "MouthLowerDownLeft", "MouthLowerDownRight", "MouthUpperUpLeft", "MouthUpperUpRight", "BrowDownLeft",
    "BrowDownRight", "BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight", "CheekPuff", "CheekSquintLeft",
    "CheekSquintRight", "NoseSneerLeft", "NoseSneerRight", "TongueOut",
)  # fmt: skip
"""The expressions in the app's order."""
HEAD = "HeadPitch", "HeadYaw", "HeadRoll"
LEFT_EYE, RIGHT_EYE = ("LeftEyePitch", "LeftEyeYaw"), ("RightEyePitch", "RightEyeYaw")
RATE = 60.0
"""Frames a second of a single frame: the app's own."""
ANGLES = tuple(f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll"))
"""The angles in the app's order."""


def read_live_link(table: Table) -> Capture:
    """Read a capture: columns by name, in any order and case.

    Raises:
        UserError: a timecode or a number is none, or no expression is in it.
    """
    times, fps = times_of(table)
    known = [name for name in table.keys if name in {*KEYS, *map(key, ANGLES)}]
    columns = dict(zip(known, table.numbers(known).T, strict=True))
    expression, notes = expressions(columns, table.path)

    def angles(names: tuple[str, ...]) -> Numbers | None:
        there = all(key(name) in columns for name in names)
        return np.stack([columns[key(name)] for name in names], -1) if there else None

    head, left, right = angles(HEAD), angles(LEFT_EYE), angles(RIGHT_EYE)
    first_of_each = np.diff(times, prepend=-1) > 0
    return Capture(
        times=times[first_of_each],
        fps=fps,
        expression=expression[first_of_each],
        rotation=None if head is None else from_angles(head[first_of_each]),
        gaze=None if left is None or right is None else np.stack([left, right], 1)[first_of_each],
        notes=notes,
    )


def times_of(table: Table) -> tuple[Numbers, float]:
    """Return seconds `[T]` from the first frame and the frame rate, of timecodes or of other times in their place.

    Raises:
        UserError: a timecode is none, or time goes back.
    """
    texts = table.texts("timecode")
    moments = understood(texts, "timecode", table.lines, table.path)
    if moments is None or moments.fps:
        return read_timecodes(texts, table.lines, table.path)
    if (backward := np.diff(moments.seconds) < 0).any():
        line = table.lines[int(backward.argmax()) + 1]
        raise UserError(f"In line {line} of {table.path} time goes back; split the file there.")
    rising = moments.seconds[np.diff(moments.seconds, prepend=-1) > 0]
    return moments.seconds, frame_rate(rising, RATE)


def write_live_link(performance: Performance, path: Path) -> None:
    """Write a capture; translation, identity and confidence have no place in it.

    Raises:
        UserError: the disk is full.
    """
    head = to_angles(performance.rotation)
    pitch, yaw = np.moveaxis(performance.gaze, -1, 0)
    eyes = np.stack([yaw, pitch, yaw * pitch / 2], -1)
    angles = np.concatenate([head[:, [1, 0, 2]], eyes.reshape(-1, 6)], 1)
    order = [KEYS.index(key(name)) for name in NAMES]
    values = np.concatenate([performance.expression[:, order], angles], 1)
    with written_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Timecode", "BlendshapeCount", *NAMES, *ANGLES])
        for time, row in zip(performance.times, values, strict=True):
            writer.writerow([timecode(time, performance.fps), len(row), *(f"{value:.10f}" for value in row)])


LIVE_LINK = CaptureFormat(
    name="live-link",
    title="Live Link Face CSV",
    suffix="",
    recognises=lambda file: "timecode" in file.table.keys,
    read=lambda file, head: performed_without_gaps(read_live_link(file.table), head),
    write=lambda performance, path, _head: write_live_link(performance, path),
)
