# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenCV's axes and Blender's: the only file that knows how one becomes the other. Pure NumPy.

Head space and camera space have x right, y down, z forward; Blender's world has x right, y into the picture, z up.
A head that looks at the camera looks along Blender's -Y. A Blender camera itself looks along its own -Z with Y up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Doubles, Floats
    from ...tracking.performances.performance import Performance

TO_BLENDER: Floats = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)
"""Turns head space into the armature's: (x, y, z) becomes (x, z, -y). A rotation: its inverse is its transpose."""

CAMERA_AXES: Floats = np.diag([1, -1, -1]).astype(np.float32)
"""Turns camera space into the local space of a Blender camera (y up, looking along -z), and back."""


def points_to_blender(points: Floats) -> Floats:
    """Return `[..., 3]` points of head space in the armature's space. Exact: numbers only change place and sign."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def rigid(rotation: Floats | Doubles, translation: Floats | Doubles) -> Doubles:
    """Return `[..., 4, 4]` float64 matrices of rotations `[..., 3, 3]` and translations `[..., 3]`."""
    matrix = np.zeros((*np.shape(rotation)[:-2], 4, 4))
    matrix[..., :3, :3], matrix[..., :3, 3], matrix[..., 3, 3] = rotation, translation, 1
    return matrix


def camera_matrix(performance: Performance) -> Doubles:
    """Return `[4, 4]`: where to put the Blender camera so that the head of this performance is, on average, upright at
    the world's origin and looks along -Y.

    Frames weigh as much as they are trusted.
    """
    rotation, translation = mean_pose(performance.rotation, performance.translation, performance.confidence)
    place = rigid(TO_BLENDER @ rotation.T, -TO_BLENDER @ rotation.T @ translation)
    return place @ rigid(CAMERA_AXES, np.zeros(3))


def mean_pose(rotation: Floats, translation: Floats, weight: Floats | Doubles) -> tuple[Doubles, Doubles]:
    """Return the mean rotation `[3, 3]` (the nearest one to the mean matrix) and translation `[3]` of a performance."""
    trusted = weight.sum() > 0
    shares = np.asarray(weight, np.float64) if trusted else np.ones(len(weight))
    shares = shares / shares.sum()
    return nearest_rotations(np.tensordot(shares, rotation.astype(np.float64), 1)), shares @ translation


def nearest_rotations(matrices: Doubles) -> Doubles:
    """Return the rotations `[..., 3, 3]` nearest to matrices, for instance to blends of rotations."""
    left, _, right = np.linalg.svd(np.asarray(matrices, np.float64))
    mirrored = np.linalg.det(left @ right) < 0
    left[..., :, 2] *= np.where(mirrored, -1, 1)[..., None]
    rotations: Doubles = left @ right
    return rotations


def head_matrices(rotation: Floats, translation: Floats, camera_world: Doubles) -> Doubles:
    """Return `[T, 4, 4]`: how the head's rest shape moves in the world, for poses `[T, 3, 3]`, `[T, 3]` seen by a
    Blender camera whose world matrix is `camera_world [4, 4]`.

    A rest vertex `points_to_blender(v)` goes to where the camera sees `rotation @ v + translation`.
    """
    to_camera = rigid(rotation, translation) @ rigid(TO_BLENDER.T, np.zeros(3))
    return np.asarray(camera_world, np.float64) @ rigid(CAMERA_AXES, np.zeros(3)) @ to_camera


def world_to_camera(points: Floats | Doubles, camera_world: Doubles) -> Floats:
    """Return `[V, 3]` world points in camera space (OpenCV), for a Blender camera's world matrix `[4, 4]`."""
    matrix = camera_from_world(camera_world)
    seen: Floats = (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
    return seen


def camera_from_world(camera_world: Doubles) -> Doubles:
    """Return `[4, 4]`: the world to camera space (OpenCV), for a Blender camera's world matrix `[4, 4]`."""
    matrix: Doubles = np.linalg.inv(np.asarray(camera_world, np.float64) @ rigid(CAMERA_AXES, np.zeros(3)))
    return matrix


def head_rotation(placed: Doubles, camera_world: Doubles) -> Doubles:
    """Return `[3, 3]`: head space to that of a Blender camera with the world matrix `[4, 4]`, for a head whose rest
    shape `placed [4, 4]` brings into the world; of any size.
    """
    turned = (camera_from_world(camera_world) @ placed)[:3, :3] @ TO_BLENDER
    return nearest_rotations(turned)
