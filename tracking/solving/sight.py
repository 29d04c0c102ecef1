# SPDX-License-Identifier: GPL-3.0-or-later
"""How what is seen of the landmarks changes with pose, shape and focal length: rows of Gauss-Newton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from .landmark_model import DEPTH_WEIGHT, Pose
from .landmark_weights import at_upper, terms

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Numbers

POSE = 6
"""Unknowns of a pose: a small turn in head space, then a shift."""
DEPTH = np.sqrt(DEPTH_WEIGHT)


@dataclass(frozen=True)
class Sight:
    """Points seen along the rays `xy [T, 478, 2]`.

    What is seen of a motion are three rows: across the ray in x and in y, and a little of its depth.
    """

    xy: Doubles

    def weighted(self, missing: Doubles) -> Doubles:
        """Return the rows `[T, N, 3]` of what the model misses, `[T, N, 3]` by `closed_form.residual`."""
        weighted: Doubles = missing * np.array([1, 1, DEPTH])
        return weighted

    def moved_by_pose(self, shapes: Doubles, pose: Pose) -> Doubles:
        """Return `[T, N, 3, 6]`: the rows of every term, for each part of the pose."""
        arms = shapes @ pose.rotation.swapaxes(1, 2)
        moved = np.zeros((*arms.shape, POSE))
        moved[..., :3] = (-skew(arms).reshape(len(arms), -1, 3) @ pose.rotation).reshape(*arms.shape, 3)
        moved[..., 3:] = np.eye(3)
        rows = self.rows(moved)
        rows[:, :, 2, 5] = 0  # MediaPipe's depth is relative: distance does not show in it
        return rows

    def moved_by(self, basis: Doubles, pose: Pose) -> Doubles:
        """Return `[T, N, 3, K]` for the coefficients of a basis `[K, 478, 3]`."""
        moved = pose.rotation @ basis.transpose(2, 1, 0).reshape(3, -1)
        return self.rows(moved.reshape(len(moved), 3, -1, len(basis)).swapaxes(1, 2))

    def moved_by_zoom(self, shapes: Doubles, pose: Pose) -> Doubles:
        """Return `[T, N, 3, 1]` for the logarithm of the focal length, which draws the rays together."""
        across = self.xy * pose.apply(shapes)[..., 2:]
        return terms(np.concatenate([across, np.zeros_like(across[..., :1])], -1))[..., None]

    def rows(self, moved: Doubles) -> Doubles:
        """Return the rows `[T, N, 3, P]` of the terms for points that move by `[T, 478, 3, P]` in camera space."""
        across = moved[:, :, :2] - self.xy[..., None] * moved[:, :, 2:]
        rows = np.concatenate([across, DEPTH * moved[:, :, 2:]], 2)
        return terms(rows.reshape(*rows.shape[:2], -1)).reshape(len(rows), -1, 3, moved.shape[-1])

    def traced_back(self, rows: Doubles, pose: Pose) -> Doubles:
        """Return `[T, P, N, 3]`, head space: the transpose of seeing, for rows `[T, N, 3, P]` of the terms."""
        along = at_upper(self.xy)
        depth = DEPTH * rows[:, :, 2] - (along[..., None] * rows[:, :, :2]).sum(2)
        points = np.stack([rows[:, :, 0], rows[:, :, 1], depth], -1).transpose(0, 2, 1, 3)
        back: Doubles = points @ pose.rotation[:, None]
        return back

    def metric(self, pose: Pose) -> Doubles:
        """Return `[T, 3, 3]`: how motions in head space are seen on average."""
        seeing = np.tile(np.diag([1, 1, DEPTH]), (len(self.xy), 1, 1))
        seeing[:, :2, 2] = -self.xy.mean(1)
        seen = seeing @ pose.rotation
        return seen.swapaxes(1, 2) @ seen


def turned(pose: Pose, change: Numbers) -> Pose:
    """The pose after a change `[T, 6]`."""
    rotation = pose.rotation @ Rotation.from_rotvec(change[:, :3]).as_matrix()
    return Pose(rotation, pose.translation + change[:, 3:])


def skew(vectors: Doubles) -> Doubles:
    """Return `[..., 3, 3]`, the matrices of the cross product from the left, of `[..., 3]`."""
    matrices = np.zeros((*vectors.shape, 3))
    for row, column, axis in ((2, 1, 0), (0, 2, 1), (1, 0, 2)):
        matrices[..., row, column], matrices[..., column, row] = vectors[..., axis], -vectors[..., axis]
    return matrices


def right_jacobian(turn: Doubles) -> Doubles:
    """Return `[T, 3, 3]`: by how much a change of the rotation vectors `[T, 3]` turns in the turned space."""
    angle = np.maximum(np.linalg.norm(turn, axis=1), 1e-6)[:, None, None]
    cross = skew(turn)
    jacobian: Doubles = (
        np.eye(3) - (1 - np.cos(angle)) / angle**2 * cross + (angle - np.sin(angle)) / angle**3 * (cross @ cross)
    )
    return jacobian
