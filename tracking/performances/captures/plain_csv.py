# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain table, for spreadsheets and scripts: all that changes over time, in the units of `Performance`.

Columns: `time` in seconds (other names and units are understood, see `moments`); the 52 names of `ARKIT_NAMES`, 0 to 1;
`rotation_x, _y, _z`, the head's rotation vector in radians (camera axes: x right, y down, z forward);
`translation_x, _y, _z` in metres; `gaze_left_pitch`, `gaze_left_yaw`, `gaze_right_pitch`, `gaze_right_yaw` in radians;
`confidence`, 0 to 1.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from ....common.errors import UserError
from ....common.files import written_whole
from ...heads.head import ARKIT_NAMES
from ...heads.rotations import from_vectors, to_vectors
from .capture import Capture, frame_rate, performed
from .capture_format import CaptureFormat
from .moments import Moments, time_names, understood
from .names import KEYS, expressions, key

if TYPE_CHECKING:
    from pathlib import Path

    from ...heads.arrays import Numbers
    from ..performance import Performance
    from .tables import Table

ROTATION = "rotation_x", "rotation_y", "rotation_z"
TRANSLATION = "translation_x", "translation_y", "translation_z"
GAZE = "gaze_left_pitch", "gaze_left_yaw", "gaze_right_pitch", "gaze_right_yaw"
CONFIDENCE = ("confidence",)
FPS = 25.0
"""Frame rate of a table with a single frame."""


def read_plain_csv(table: Table) -> Capture:
    """Read a plain table: columns by name, in any order and case; those on pose, gaze and confidence may lack.

    Raises:
        UserError: a number is none, there is no time or it does not rise, or no expression is there.
    """
    keys = table.keys
    groups = ROTATION, TRANSLATION, GAZE, CONFIDENCE
    known = [name for name in keys if name in {*KEYS, *(key(name) for group in groups for name in group)}]
    columns = dict(zip(known, table.numbers(known).T, strict=True))
    moments = times_in(table)
    require_rising(moments.seconds, table)
    expression, notes = expressions(columns, table.path)

    def group(names: tuple[str, ...]) -> Numbers | None:
        there = all(key(name) in columns for name in names)
        return np.stack([columns[key(name)] for name in names], -1) if there else None

    rotation, gaze, confidence = group(ROTATION), group(GAZE), group(CONFIDENCE)
    return Capture(
        times=moments.seconds,
        fps=moments.fps or frame_rate(moments.seconds, FPS),
        expression=expression,
        rotation=None if rotation is None else from_vectors(rotation),
        translation=group(TRANSLATION),
        gaze=None if gaze is None else gaze.reshape(-1, 2, 2),
        confidence=None if confidence is None else np.clip(confidence[:, 0], 0, 1),
        notes=(*notes, *moments.notes),
    )


def times_in(table: Table) -> Moments:
    """Return the times of the first column of times that is understood.

    Raises:
        UserError: there is no such column, or a time in it is none.
    """
    names = time_names(table.keys)
    if not names:
        raise UserError(
            f"{table.path} has neither a column Timecode nor a column time; choose a performance, or name its times so."
        )
    columns = ((name, [table.number_text(cell) for cell in table.texts(name)]) for name in names)
    found = (understood(cells, name, table.lines, table.path) for name, cells in columns)
    moments = next((each for each in found if each is not None), None)
    if moments is None:
        table.numbers(names[:1])
        title = table.names[table.keys.index(names[0])]
        raise UserError(
            f"The times in column {title} of {table.path} were not understood; give them in seconds, in a column time."
        )
    return moments


def require_rising(times: Numbers, table: Table) -> None:
    """Raise `UserError` when one of `times [T]` is not later than the one before."""
    backward = np.diff(times) <= 0
    if backward.any():
        line = table.lines[int(backward.argmax()) + 1]
        raise UserError(f"In line {line} of {table.path} time does not rise; sort or split the file there.")


def write_plain_csv(performance: Performance, path: Path) -> None:
    """Write a plain table; identity, texture and camera have no place in it.

    Raises:
        UserError: the disk is full.
    """
    values = np.concatenate(
        [
            performance.expression,
            to_vectors(performance.rotation),
            performance.translation,
            performance.gaze.reshape(-1, 4),
            performance.confidence[:, None],
        ],
        1,
    )
    with written_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", *ARKIT_NAMES, *ROTATION, *TRANSLATION, *GAZE, *CONFIDENCE])
        for time, row in zip(performance.times, values, strict=True):
            writer.writerow([f"{time:.9g}", *(f"{value:.9g}" for value in row)])


PLAIN_CSV = CaptureFormat(
    name="csv",
    title="plain CSV",
    suffix=".csv",
    recognises=lambda _file: True,
    read=lambda file, head: performed(read_plain_csv(file.table), head),
    write=lambda performance, path, _head: write_plain_csv(performance, path),
)
