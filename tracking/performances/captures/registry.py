# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of performance file: any file that tells of a head over time is read and written here.

A new format is a file with a `CaptureFormat`, and its line in `FORMATS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ....common.errors import UserError
from ...heads.builtin import load_builtin
from .arkit_json import ARKIT
from .capture_format import CaptureFile, CaptureFormat
from .faceverse_coefficients import FACEVERSE
from .live_link import LIVE_LINK
from .plain_csv import PLAIN_CSV
from .semblance_npz import NPZ

if TYPE_CHECKING:
    from ...heads.head import MorphableHead
    from ..performance import Performance

FORMATS = (NPZ, FACEVERSE, ARKIT, LIVE_LINK, PLAIN_CSV)
"""In the order in which they are asked whether a file is theirs; a plain table takes whatever is left."""
BY_NAME = {each.name: each for each in FORMATS}
BY_SUFFIX = {each.suffix: each for each in FORMATS if each.suffix}


def read_performance(path: str | Path, head: MorphableHead | None = None) -> Performance:
    """Read a performance of any format, recognised by its contents.

    A capture without a person becomes a performance of the average person of `head` (the built-in one when None);
    FaceVerse's coefficients need their own head.
    Frames that Live Link Face or ARKit dropped are found by their times and interpolated, with confidence 0.
    `extra["notes"]` has a sentence on each thing that the file lacks.

    Raises:
        UserError: the file is absent, damaged or no performance; the sentence names the line or frame.
    """
    file = CaptureFile(Path(path))
    found = next(each for each in FORMATS if each.recognises(file))
    return found.read(file, head or load_builtin())


def write_performance(
    performance: Performance,
    path: str | Path,
    capture_format: CaptureFormat | None = None,
    head: MorphableHead | None = None,
) -> None:
    """Write a performance whole or not at all; its format follows from the name when it is not given.

    `head` is the performance's own; only FaceVerse's coefficients need it.

    Raises:
        UserError: the name tells of no format, the head has no coefficient vectors, or the disk is full.
    """
    path = Path(path)
    chosen = capture_format or BY_SUFFIX.get(path.suffix.lower())
    if chosen is None:
        raise UserError(f"The name of {path} does not say what to write; end it in {', '.join(BY_SUFFIX)}.")
    chosen.write(performance, path, head or load_builtin())


def format_named(name: str) -> CaptureFormat:
    """Return the format of this name.

    Raises:
        UserError: there is none.
    """
    if name not in BY_NAME:
        raise UserError(f"There is no format {name}; choose one of {', '.join(BY_NAME)}.")
    return BY_NAME[name]


def is_performance_name(path: Path) -> bool:
    """Tell by its name whether a file is meant to be a performance."""
    return path.suffix.lower() in BY_SUFFIX
