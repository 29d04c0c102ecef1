# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations in NumPy alone: matrices `[T, 3, 3]`, rotation vectors and angles, and what lies between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Doubles, Numbers


def from_vectors(vectors: Numbers) -> Doubles:
    """Return the rotations `[..., 3, 3]` about `vectors [..., 3]` by their lengths in radians.

    Example:
        >>> quarter_turn = from_vectors(np.array([0, 0, np.pi / 2]))
        >>> (quarter_turn @ np.array([1.0, 0, 0])).round(6)
        array([0., 1., 0.])
    """
    vectors = np.asarray(vectors, np.float64)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross = cross_matrices(vectors)
    safe = np.maximum(angle, 1e-9)
    rotations: Doubles = np.eye(3) + np.sinc(angle / np.pi) * cross + (1 - np.cos(safe)) / safe**2 * (cross @ cross)
    return rotations


def to_vectors(rotations: Numbers) -> Doubles:
    """Return `[..., 3]`: axis times angle, 0 to pi, of rotations `[..., 3, 3]`."""
    quaternion = quaternions(rotations)
    length = np.linalg.norm(quaternion[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(length, quaternion[..., :1])
    vectors: Doubles = quaternion[..., 1:] * np.where(length > 1e-12, angle / np.maximum(length, 1e-12), 2)
    return vectors


def from_angles(angles: Numbers) -> Doubles:
    """Return `Ry(yaw) @ Rx(pitch) @ Rz(roll)`, `[..., 3, 3]`, of `angles [..., 3]`: pitch, yaw, roll in radians.

    For a head or an eye in head space: pitch is positive down, yaw to the subject's right, roll to its left shoulder.
    """
    pitch, yaw, roll = (from_vectors(np.asarray(angles)[..., i, None] * np.eye(3)[i]) for i in range(3))
    return yaw @ pitch @ roll


def to_angles(rotations: Numbers) -> Doubles:
    """Return `[T, 3]`: pitch, yaw and roll (see `from_angles`) of rotations `[T, 3, 3]`, continuous over time.

    Example:
        >>> to_angles(from_angles(np.array([[0.1, -0.2, 0.3]]))).round(6)
        array([[ 0.1, -0.2,  0.3]])
    """
    pitch = np.arcsin(np.clip(-rotations[:, 1, 2], -1, 1))
    yaw = np.arctan2(rotations[:, 0, 2], rotations[:, 2, 2])
    roll = np.arctan2(rotations[:, 1, 0], rotations[:, 1, 1])
    return np.stack([pitch, np.unwrap(yaw), np.unwrap(roll)], -1)


def blended(first: Numbers, second: Numbers, share: Numbers) -> Doubles:
    """Return the rotations at `share [T]` (0 to 1) of the shortest way from `first [T, 3, 3]` to `second [T, 3, 3]`.

    Example:
        >>> halfway = blended(np.eye(3)[None], from_vectors(np.array([[0, 1.0, 0]])), np.array([0.5]))
        >>> to_vectors(halfway)
        array([[0. , 0.5, 0. ]])
    """
    first = np.asarray(first, np.float64)
    return first @ from_vectors(to_vectors(first.swapaxes(-1, -2) @ second) * share[:, None])


def cross_matrices(vectors: Numbers) -> Doubles:
    """Return `[..., 3, 3]`: the matrices that take the cross product with `vectors [..., 3]`."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    nought = np.zeros_like(x)
    rows = [[nought, -z, y], [z, nought, -x], [-y, x, nought]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def quaternions(rotations: Numbers) -> Doubles:
    """Return `[..., 4]` unit quaternions w, x, y, z, with w >= 0, of rotations `[..., 3, 3]`.

    All products of two components follow from the matrix; the row with the largest component is the safest.
    """
    m = np.asarray(rotations, np.float64)
    (a, b, c), (d, e, f), (g, h, i) = (np.moveaxis(m[..., row, :], -1, 0) for row in range(3))
    products = [
        [1 + a + e + i, h - f, c - g, d - b],
        [h - f, 1 + a - e - i, b + d, c + g],
        [c - g, b + d, 1 - a + e - i, f + h],
        [d - b, c + g, f + h, 1 - a - e + i],
    ]
    table = np.stack([np.stack(row, -1) for row in products], -2)
    largest = np.argmax(np.diagonal(table, axis1=-2, axis2=-1), -1)
    row = np.take_along_axis(table, largest[..., None, None], -2)[..., 0, :]
    row = row / np.linalg.norm(row, axis=-1, keepdims=True)
    return np.where(row[..., :1] < 0, -row, row)
