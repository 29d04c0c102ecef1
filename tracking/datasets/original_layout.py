# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that the original StyleAvatar preprocessing writes, for datasets that come from it or go to it.

`image/ render/ uv/ back/` hold PNG files of the same names, 8 bits a channel; `id.txt` and `exp.txt` the person's
identity and first expression, a number a line. Motion is not saved: training needs pictures only.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ...common.files import written_whole
from ..heads import faceverse
from ..heads.camera import PinholeCamera
from ..heads.head import ARKIT_NAMES
from ..media.png import SIGNATURE
from ..performances.performance import Performance

if TYPE_CHECKING:
    from pathlib import Path

    from ..heads.arrays import Floats

FOLDERS = ("image", "render", "uv", "back")
IDENTITY_FILE, EXPRESSION_FILE = "id.txt", "exp.txt"
IDENTITY_LENGTH, TEXTURE_LENGTH = 150, 251
"""Coefficients of FaceVerse v3, the original's head."""
REST_DISTANCE = 1.0
"""Metres from the original's camera to a head that has not moved."""


def is_original(folder: Path) -> bool:
    """Tell whether a folder looks like the original's."""
    return all((folder / name).is_dir() for name in FOLDERS) and (folder / IDENTITY_FILE).is_file()


def frame_names(folder: Path) -> tuple[str, ...]:
    """The stems of the folder's frames, in order.

    Raises:
        UserError: there are none, or a frame lacks one of its four pictures.
    """
    names, *others = ({path.stem for path in (folder / each).glob("*.png")} for each in FOLDERS)
    if not names:
        raise UserError(f"{folder / 'image'} holds no PNG files; run the preprocessing again.")
    for each, found in zip(FOLDERS[1:], others, strict=True):
        if found != names:
            raise UserError(
                f"{folder / each} and {folder / 'image'} hold different frames; run the preprocessing again."
            )
    return tuple(sorted(names))


def image_side(folder: Path, name: str) -> int:
    """Side in pixels of a frame's footage picture.

    Raises:
        UserError: the picture cannot be read or is not square.
    """
    path = folder / "image" / f"{name}.png"
    with path.open("rb") as file:
        start = file.read(24)
    width, height = struct.unpack(">II", start[16:]) if len(start) == 24 and start.startswith(SIGNATURE) else (0, 0)
    if not 0 < width == height:
        raise UserError(f"{path} is damaged or not square; run the preprocessing again.")
    return int(width)


def person_at_rest(folder: Path | None, frames: int, size: int) -> Performance:
    """The person of the folder, with the first expression, in the middle of the picture in every frame.

    This is what the folder tells of a performance; without a folder it is the mean person. `size` is the side of the
    central window in pixels.

    Raises:
        UserError: `id.txt` or `exp.txt` is damaged.
    """
    identity, expression = np.zeros(IDENTITY_LENGTH, np.float32), np.zeros(len(ARKIT_NAMES), np.float32)
    if folder is not None:
        identity = read_numbers(folder / IDENTITY_FILE, IDENTITY_LENGTH)
        expression = read_numbers(folder / EXPRESSION_FILE, len(ARKIT_NAMES)).clip(0, 1)
    return Performance(
        head=faceverse.NAME,
        identity=identity,
        texture=np.zeros(TEXTURE_LENGTH, np.float32),
        expression=np.tile(expression, (frames, 1)),
        rotation=np.tile(np.eye(3, dtype=np.float32), (frames, 1, 1)),
        translation=np.tile(np.array([0, 0, REST_DISTANCE], np.float32), (frames, 1)),
        gaze=np.zeros((frames, 2, 2), np.float32),
        confidence=np.ones(frames, np.float32),
        times=np.arange(frames) / 25,
        camera=PinholeCamera.default(size),
    )


def write_person(folder: Path, performance: Performance) -> None:
    """Write `id.txt` and `exp.txt` of a performance: its identity and its first expression.

    Raises:
        UserError: the disk is full.
    """
    for name, values in ((IDENTITY_FILE, performance.identity), (EXPRESSION_FILE, performance.expression[0])):
        with written_whole(folder / name) as partial:
            partial.write_text("".join(f"{value:.3f}\n" for value in values), encoding="utf-8")


def read_numbers(path: Path, count: int) -> Floats:
    """Return `[count]`: the numbers of a text file.

    Raises:
        UserError: the file is absent or holds anything else.
    """
    try:
        numbers = np.array(path.read_text(encoding="utf-8").split(), np.float32)
    except (OSError, ValueError):
        numbers = np.empty(0, np.float32)
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise UserError(f"{path} must hold {count} numbers, one a line; run the preprocessing again.")
    return numbers
