# SPDX-License-Identifier: GPL-3.0-or-later
"""ARKit's rigid transforms in JSON, and ours: its axes are x to the subject's left, y up, z towards the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ....common.errors import UserError
from ...heads.arrays import Doubles, Numbers
from ...heads.head import gaze_rotation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FLIP = np.diag([1.0, -1.0, -1.0])
"""ARKit's axes to ours and back."""
NOTHING, SKEW = 1e-4, 1e-2
"""Numbers of a transform below the first count as zero; angles of its axes may be off by the second."""
NEAREST = 0.05
"""Metres from the camera at which a head may be."""

Transforms = Doubles
"""`[T, 4, 4]` in ARKit's axes, translation in the last column."""


def head_rotation(transforms: Transforms) -> Doubles:
    """Return `[T, 3, 3]`: a face's rotations, in our axes."""
    rotation: Doubles = FLIP @ transforms[:, :3, :3] @ FLIP
    return rotation


def head_translation(transforms: Transforms) -> Doubles | None:
    """Return `[T, 3]`: where a face is before the camera; None where an app measured it from elsewhere."""
    translation = transforms[:, :3, 3] @ FLIP
    return translation if (translation[:, 2] > NEAREST).all() else None


def head_transforms(rotation: Numbers, translation: Numbers) -> Transforms:
    """Return `[T, 4, 4]` of `rotation [T, 3, 3]` and `translation [T, 3]`: the inverse of the two above."""
    return with_place(FLIP @ rotation @ FLIP, translation @ FLIP)


def transforms(values: Sequence[Sequence[Any]], names: Sequence[str], path: Path) -> list[Transforms | None]:
    """Return `[T, 4, 4]` rigid transforms for each name, their translation in the last column; None unless all frames
    have one. `values` has a row a frame, one transform a name.

    Whether the file has rows or columns is seen where a transform has a translation; else it is columns, ARKit's way.

    Raises:
        UserError: one is no rigid 4 x 4 transform.
    """
    found = [None if any(each is None for each in column) else column for column in zip(*values, strict=True)]
    pairs = zip(found, names, strict=True)
    matrices = [None if column is None else square(column, name, path) for column, name in pairs]
    by_rows = any((np.abs(each[:, :3, 3]).max() > NOTHING) for each in matrices if each is not None)
    turned = [each if each is None or by_rows else each.swapaxes(1, 2) for each in matrices]
    for each, name in zip(turned, names, strict=True):
        if each is not None:
            require_rigid(each, name, path)
    return turned


def square(values: Sequence[Any], name: str, path: Path) -> Transforms:
    """Return `[T, 4, 4]` of nested or flat lists of 16 numbers.

    Raises:
        UserError: one is something else.
    """
    found = np.zeros((len(values), 4, 4))
    for index, value in enumerate(values):
        try:
            found[index] = np.array(value, np.float64).reshape(4, 4)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"Frame {index} of {path} has a {name} that is not 4 x 4 numbers; export it again."
            ) from error
    return found


def require_rigid(transforms: Transforms, name: str, path: Path) -> None:
    """Raise `UserError` when one of `[T, 4, 4]` is more than a rotation and a translation."""
    turn = transforms[:, :3, :3]
    straight = (np.abs(transforms[:, 3] - (0, 0, 0, 1)) < NOTHING).all(1)
    square_angles = (np.abs(turn @ turn.swapaxes(1, 2) - np.eye(3)) < SKEW).all((1, 2))
    rigid = straight & square_angles & (np.linalg.det(np.nan_to_num(turn)) > 0) & np.isfinite(transforms).all((1, 2))
    if not rigid.all():
        raise UserError(
            f"Frame {int(rigid.argmin())} of {path} has a {name} that is not a rotation and translation; "
            "export it again."
        )


def gaze_of(eyes: Transforms) -> Doubles:
    """Return `[T, 2]` pitch and yaw of an eye's transforms `[T, 4, 4]`: it looks along its z."""
    x, y, z = (eyes[:, :3, 2] @ FLIP).T
    return np.stack([np.arcsin(np.clip(y, -1, 1)), np.arctan2(-x, -z)], -1)


def eye_transform(gaze: Numbers) -> Doubles:
    """Return `[4, 4]`: ARKit's transform of an eye with `gaze [2]`, at the face's origin."""
    return with_place(FLIP @ gaze_rotation(*gaze) @ FLIP, np.zeros(3))


def with_place(rotation: Numbers, translation: Numbers) -> Doubles:
    """Return `[..., 4, 4]` of rotations `[..., 3, 3]` and translations `[..., 3]`."""
    made = np.zeros((*rotation.shape[:-2], 4, 4))
    made[..., :3, :3], made[..., :3, 3], made[..., 3, 3] = rotation, translation, 1
    return made


def by_columns(transform: Numbers) -> list[list[float]]:
    """A transform `[4, 4]` as a list of its columns."""
    return [[number(value) for value in column] for column in transform.T]


def number(value: float) -> float:
    """A number with the digits that float32 has."""
    return float(f"{value:.9g}")
