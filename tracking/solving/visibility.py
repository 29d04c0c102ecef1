# SPDX-License-Identifier: GPL-3.0-or-later
"""How well each landmark is seen: on a turned head MediaPipe guesses those that face away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..heads.shading import vertex_normals
from .closed_form import solve_pose
from .landmark_model import Person, Rays

if TYPE_CHECKING:
    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Floats, Numbers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead

TURNED = np.cos(np.radians([20.0, 45.0]))
"""Cosines of the angles between the head's and the camera's axis from which and at which facing away counts in full."""
FACING = 0.0, 0.4
"""Cosines between a landmark's normal and its ray: hidden below the first, seen above the second."""
GUESSED = 0.1
"""Visibility of a landmark that faces away: MediaPipe's guess is better than none."""


def visibility_by_turn(head: MorphableHead, person: Person, faces: Landmarks, camera: PinholeCamera) -> Floats:
    """Return `[T, 478]`, 0 (hidden) to 1, for frames `faces [T, 478, 3]` of a known person.

    All are 1 while the face looks at the camera, about.
    """
    rays = Rays.of(faces, camera)
    pose = solve_pose(person.model.shapes(np.zeros((len(faces), len(head.expression_basis)))), rays)
    to_camera = -pose.translation / np.linalg.norm(pose.translation, axis=1, keepdims=True)
    normals = vertex_normals(head.neutral(person.identity), head.triangles)[head.landmarks]
    ahead = -np.einsum("ta,ta->t", pose.rotation[:, :, 2], to_camera)
    facing = np.einsum("na,tba,tb->tn", normals, pose.rotation, to_camera, optimize=True)
    away = 1 - ramp(facing, *FACING)
    turned = 1 - ramp(ahead, TURNED[1], TURNED[0])
    return (1 - (1 - GUESSED) * turned[:, None] * away).astype(np.float32)


def ramp(values: Numbers, start: float, stop: float) -> Numbers:
    """Return `[...]` of `values [...]`: 0 below `start`, 1 above `stop`, smooth between."""
    share = np.clip((values - start) / (stop - start), 0, 1)
    return share * share * (3 - 2 * share)
