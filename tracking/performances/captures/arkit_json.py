# SPDX-License-Identifier: GPL-3.0-or-later
"""ARKit's face anchors as JSON, in the shapes that apps export.

- Frames, alone or under "frames": objects with a time (`moments`), the expressions by name (under "blendShapes" or
  directly) and, where the app has them, `transform`, `leftEyeTransform`, `rightEyeTransform` (4 x 4, by rows or by
  columns, nested or flat) and `isTracked`.
- Columns: an array of values for each expression name, and for the time.
- A matrix: names in one array and rows of weights in another (`facsNames`, `weightMat`, as Audio2Face exports it).

ARKit's axes are x to the subject's left, y up, z out of the face and towards the camera; metres; seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....common.errors import UserError
from ....common.files import written_whole
from ...heads.head import ARKIT_NAMES
from .arkit_transforms import (
    by_columns,
    eye_transform,
    gaze_of,
    head_rotation,
    head_transforms,
    head_translation,
    number,
    transforms,
)
from .capture import Capture, frame_rate, performed_without_gaps
from .capture_format import CaptureFormat
from .moments import time_names, understood
from .names import KEYS, expressions, key
from .tables import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from ...heads.arrays import Numbers
    from ..performance import Performance

RATE = 60.0
"""Frames a second where neither times nor a rate are given: ARKit's own."""
TIMELESS = (
    f"When its frames were taken was not understood, so {RATE:.0f} frames a second are assumed; give them a “time” in "
    "seconds, or the file an “fps”, if it plays too fast or too slowly."
)
RATES = "fps", "framerate", "exportfps", "framespersecond", "capturefps", "videofps", "hz"
ABOUT = "metadata", "meta", "header", "info", "session", "capture"
"""Objects in which an app may put what holds for all frames."""
SHAPES = "blendshapes", "blendshapeweights", "weights", "shapes", "coefficients"
NAME_LISTS = "blendshapenames", "facsnames", "names"
MATRICES = "weightmat", "weights", "frames", "blendshapes"
TRANSFORMS = "transform", "facetransform", "headtransform"
EYES = "lefteyetransform", "righteyetransform"
TRACKED = "istracked", "tracked"
NUMBERS = (float, bool)
"""What JSON's numbers are read as, whole ones too; true and false count as 1 and 0."""

Object = Mapping[str, Any]
"""A JSON object by compared names (`names.key`)."""


def read_arkit_json(path: Path) -> Capture:
    """Read a capture.

    Raises:
        UserError: it is no JSON, or none with ARKit's expressions over time, or a value in it is wrong.
    """
    text = read_text(path)
    try:
        document = json.loads(text, parse_int=float)
    except json.JSONDecodeError as error:
        raise UserError(f"Line {error.lineno} of {path} is not JSON ({error.msg}); export the file again.") from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply for a capture; export the file again.") from error
    whole = {} if isinstance(document, list) else keyed(document, path)
    frames = document if isinstance(document, list) else whole.get("frames")
    if first(whole, NAME_LISTS) is not None and is_matrix(first(whole, MATRICES)):
        return columns_capture(matrix_columns(whole, path), whole, path)
    if isinstance(frames, list) and frames and all(isinstance(frame, dict) for frame in frames):
        return frames_capture([keyed(frame, path) for frame in frames], whole, path)
    nested = first(whole, SHAPES)
    columns = whole | keyed(nested, path) if isinstance(nested, dict) else whole
    return columns_capture({name: each for name, each in columns.items() if isinstance(each, list)}, whole, path)


def write_arkit_json(performance: Performance, path: Path) -> None:
    """Write a capture of frames; 4 x 4 transforms are lists of columns, as ARKit has them.

    Raises:
        UserError: the disk is full.
    """
    heads = head_transforms(performance.rotation, performance.translation)
    frames = [
        {
            "time": round(float(time), 9),
            "blendShapes": {name: number(value) for name, value in zip(ARKIT_NAMES, expression, strict=True)},
            "transform": by_columns(head),
            "leftEyeTransform": by_columns(eye_transform(left)),
            "rightEyeTransform": by_columns(eye_transform(right)),
            "isTracked": bool(confidence > 0),
            "confidence": number(confidence),
        }
        for time, expression, head, (left, right), confidence in zip(
            performance.times, performance.expression, heads, performance.gaze, performance.confidence, strict=True
        )
    ]
    with written_whole(path) as partial:
        partial.write_text(json.dumps({"fps": performance.fps, "frames": frames}, indent=1), encoding="utf-8")


# --- documents ------------------------------------------------------------------------------------------------------


def frames_capture(frames: Sequence[Object], whole: Object, path: Path) -> Capture:
    """Read a list of frames.

    Raises:
        UserError: a value is no number, a frame lacks weights that are named, or time does not rise.
    """
    rows = shape_rows(frames, whole, path)
    used = [name for name in dict.fromkeys(name for row in rows for name in row) if is_expression(name)]
    columns = {name: numbers([row.get(name, 0.0) for row in rows], name, path) for name in used}
    expression, notes = expressions(columns, path)
    moments = {name: [frame.get(name) for frame in frames] for name in time_names(frames[0])}
    times, fps, said = timeline(moments, len(frames), whole, path)
    names = first_present(frames[0], TRANSFORMS), *EYES
    head, left, right = transforms([[frame.get(name) for name in names] for frame in frames], names, path)
    return Capture(
        times=times,
        fps=fps,
        expression=expression,
        rotation=None if head is None else head_rotation(head),
        translation=None if head is None else head_translation(head),
        gaze=None if left is None or right is None else np.stack([gaze_of(left), gaze_of(right)], 1),
        confidence=np.clip(numbers([trust(frame) for frame in frames], "confidence", path), 0, 1),
        notes=(*notes, *said),
    )


def shape_rows(frames: Sequence[Object], whole: Object, path: Path) -> list[dict[str, Any]]:
    """Return the expressions of each frame by compared name: from its object or array of them, or from itself.

    Raises:
        UserError: a frame does not have as many as there are names, or they are of another kind.
    """
    listed = names_listed(whole, path) if isinstance(first(frames[0], SHAPES), list) else []
    rows: list[dict[str, Any]] = []
    for index, frame in enumerate(frames):
        shapes = first(frame, SHAPES)
        if listed:
            if not isinstance(shapes, list) or len(shapes) != len(listed):
                raise UserError(f"Frame {index} of {path} does not have the {len(listed)} weights that are named.")
            rows.append(dict(zip(listed, shapes, strict=True)))
        else:
            rows.append(dict(frame) if shapes is None else keyed(shapes, path))
    return rows


def columns_capture(columns: Object, whole: Object, path: Path) -> Capture:
    """Read an array of values for each name.

    Raises:
        UserError: columns differ in length, a value is no number, or time does not rise.
    """
    used = [name for name in columns if is_expression(name)]
    lengths = {len(columns[name]) for name in used}
    if len(lengths) > 1:
        raise UserError(f"{path} has columns of different lengths; export it again.")
    expression, notes = expressions({name: numbers(columns[name], name, path) for name in used}, path)
    frames = len(expression)
    moments = {name: columns[name] for name in time_names(columns) if isinstance(columns[name], list)}
    odd = next((len(each) for each in moments.values() if len(each) != frames), None)
    if odd is not None:
        raise UserError(f"{path} has {odd} times for {frames} frames; export it again.")
    times, fps, said = timeline(moments, frames, whole, path)
    return Capture(times, fps, expression, notes=(*notes, *said))


def matrix_columns(whole: Object, path: Path) -> Object:
    """Turn names and rows of weights into columns.

    Raises:
        UserError: rows and names do not fit.
    """
    listed, rows = names_listed(whole, path), first(whole, MATRICES)
    if any(len(row) != len(listed) for row in rows):
        raise UserError(f"{path} has rows of weights that are not as long as its list of names; export it again.")
    columns = dict(zip(listed, map(list, zip(*rows, strict=True)), strict=True))
    return columns | {name: whole[name] for name in time_names(whole) if isinstance(whole[name], list)}


def timeline(
    moments: Mapping[str, Sequence[Any]], frames: int, whole: Object, path: Path
) -> tuple[Numbers, float, tuple[str, ...]]:
    """Return seconds `[T]` from the first frame, the frame rate, and sentences on what had to be guessed of either.

    `moments` has what stands under each name of times, the likeliest first: a value for every frame.

    Raises:
        UserError: time does not rise.
    """
    rate = frame_rate_given(whole)
    for name, values in moments.items():
        found = understood(values, name, range(frames), path, "frame")
        if found is not None:
            require_rising(found.seconds, path)
            own = found.fps or frame_rate(found.seconds, rate or RATE)
            return found.seconds, rate if rate and abs(rate - own) < 0.01 * own else own, found.notes
    return np.arange(frames) / (rate or RATE), rate or RATE, () if rate else (TIMELESS,)


def frame_rate_given(whole: Object) -> float | None:
    """The frames a second that a document states, of itself or in an object about it; None where it does not."""
    abouts = [keyed_or_empty(whole.get(name)) for name in ABOUT]
    stated = next((first(each, RATES) for each in (whole, *abouts) if first(each, RATES) is not None), None)
    try:
        rate = float(stated) if isinstance(stated, (float, str)) else 0.0
    except ValueError:
        return None
    return rate if 1 <= rate <= 1000 else None


def require_rising(times: Numbers, path: Path) -> None:
    """Raise `UserError` when one of `times [T]` is not later than the one before."""
    steps = np.diff(times)
    if (steps <= 0).any():
        raise UserError(f"Time does not rise after frame {int((steps <= 0).argmax())} of {path}; split it there.")


# --- values ---------------------------------------------------------------------------------------------------------


def keyed(values: Any, path: Path) -> dict[str, Any]:
    """An object by compared names.

    Raises:
        UserError: it is no object.
    """
    if not isinstance(values, dict):
        raise UserError(f"{path} is JSON, but not a capture of ARKit's expressions; choose another file.")
    return {key(name): value for name, value in values.items()}


def keyed_or_empty(values: Any) -> dict[str, Any]:
    """An object by compared names; an empty one where it is something else."""
    return {key(name): value for name, value in values.items()} if isinstance(values, dict) else {}


def first(values: Object, names: Sequence[str]) -> Any:
    """What is there under the first of some names; None where there is none."""
    return next((values[name] for name in names if name in values), None)


def first_present(values: Object, names: Sequence[str]) -> str:
    """The first of some names that is there; the first of all where there is none."""
    return next((name for name in names if name in values), names[0])


def trust(frame: Object) -> Any:
    """A frame's confidence: said outright, or whether the face was tracked."""
    tracked = first(frame, TRACKED)
    return frame.get("confidence", 1.0 if tracked is None else float(bool(tracked)))


def names_listed(whole: Object, path: Path) -> list[str]:
    """The document's list of expression names, as they are compared.

    Raises:
        UserError: it has no such list.
    """
    listed = first(whole, NAME_LISTS)
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise UserError(f"{path} has weights without a list of their names; export it again.")
    return [key(name) for name in listed]


def is_expression(name: str) -> bool:
    """Tell whether a compared name is an expression's, or half of one."""
    return name in KEYS or name.removesuffix("left").removesuffix("right") in KEYS


def is_matrix(rows: Any) -> bool:
    """Tell whether a value is a list of lists."""
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, list) for row in rows)


def numbers(values: Sequence[Any], name: str, path: Path) -> Numbers:
    """Return `[T]` finite numbers.

    Raises:
        UserError: one is none.
    """
    found = np.array([float(value) if isinstance(value, NUMBERS) else np.nan for value in values])
    if not np.isfinite(found).all():
        index = int(np.isfinite(found).argmin())
        shown = json.dumps(values[index])[:40]
        raise UserError(f"Frame {index} of {path} has {shown} for {name}; a number is needed.")
    return found


ARKIT = CaptureFormat(
    name="arkit",
    title="ARKit JSON",
    suffix=".json",
    recognises=lambda file: file.letters[:1] in (b"{", b"["),
    read=lambda file, head: performed_without_gaps(read_arkit_json(file.path), head),
    write=lambda performance, path, _head: write_arkit_json(performance, path),
)
