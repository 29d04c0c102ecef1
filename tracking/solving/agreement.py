# SPDX-License-Identifier: GPL-3.0-or-later
"""What landmarks show and a performance should too: the head's own landmarks, openings of eyes and mouth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..detection.landmarks import Landmarks, eye_distance
from .landmark_model import LandmarkModel
from .landmark_weights import lid_gaps, mouth_gap

if TYPE_CHECKING:
    from ..heads.arrays import Doubles
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance


def mesh_landmarks(head: MorphableHead, performance: Performance, camera: PinholeCamera) -> Landmarks:
    """Return `[T, 478, 3]`: the head's own landmarks, in pixels of the camera, as if they had been detected."""
    shapes = LandmarkModel.of_person(head, performance.identity).shapes(performance.expression)
    points = shapes @ performance.rotation.swapaxes(1, 2) + performance.translation[:, None]
    depth = (points[..., 2] - points[..., 2].mean(1, keepdims=True)) / performance.translation[:, None, 2] * camera.fx
    return np.concatenate([camera.project(points), depth[..., None]], -1)


def openings(landmarks: Landmarks) -> Doubles:
    """Return `[T, 3]`: how far the left eye, the right eye and the mouth are open, over the distance of the eyes.

    Negative where the lids of a mesh have passed each other.
    """
    shares: Doubles = (np.stack([*lid_gaps(landmarks), mouth_gap(landmarks)]) / eye_distance(landmarks)).T
    return shares
