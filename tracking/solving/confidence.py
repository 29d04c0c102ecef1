# SPDX-License-Identifier: GPL-3.0-or-later
"""How far frames and regions of the face can be trusted: by what is hidden and by how well the model fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..detection.landmarks import (
    LANDMARK_COUNT,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    LIPS,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
    Landmarks,
    eye_distance,
)
from ..performances.performance import REGIONS, Performance
from .agreement import mesh_landmarks

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Indices, Numbers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead

FRAME_HIDDEN, REGION_HIDDEN = 0.1, 0.4
"""Share of the landmarks of a face, and of a region, that leave no confidence when they are hidden."""
LEAST = 0.05
"""Confidence of what is seen and fits badly; 0 is left for what is not seen at all."""


def rated(
    head: MorphableHead, performance: Performance, camera: PinholeCamera, landmarks: Landmarks, hidden: Numbers
) -> Performance:
    """Return the performance with its confidence, of frames and of regions.

    Args:
        head: that of the performance.
        performance: of frames that all show the face.
        camera: that of the footage.
        landmarks: `[T, 478, 3]`, as they were detected in the footage.
        hidden: `[T, 478]`, 1 where something is in front of a landmark.
    """
    apart = mesh_landmarks(head, performance, camera)[..., :2] - landmarks[..., :2]
    error = np.linalg.norm(apart, axis=-1) / eye_distance(landmarks)[:, None]
    frames = most(fit(error.mean(1)), 1 - hidden.mean(1) / FRAME_HIDDEN)
    regions = [
        most(fit(error[:, rows].mean(1)), 1 - hidden[:, rows].mean(1) / REGION_HIDDEN) for rows in region_landmarks()
    ]
    return replace(performance, confidence=frames, region_confidence=np.stack(regions, 1))


def most(fitting: Numbers, clear: Numbers) -> Floats:
    """The most confidence that fit and clearness leave together, `[T]`."""
    return np.clip(np.minimum(fitting, clear), LEAST, 1).astype(np.float32)


def fit(error: Numbers) -> Numbers:
    """Return `[T]`: 1 up to twice the usual error, and less the further a frame is off."""
    confidence: Numbers = 2 * np.median(error) / np.maximum(error, 1e-9)
    return confidence


def region_landmarks() -> list[Indices]:
    """The landmarks `[N]` of each of the `REGIONS`."""
    parts = {
        "leftEye": LEFT_EYE + LEFT_IRIS,
        "rightEye": RIGHT_EYE + RIGHT_IRIS,
        "brows": LEFT_BROW + RIGHT_BROW,
        "mouth": LIPS,
    }
    parts["skin"] = tuple(set(range(LANDMARK_COUNT)) - {index for part in parts.values() for index in part})
    return [np.array(sorted(parts[name])) for name in REGIONS]
