# SPDX-License-Identifier: GPL-3.0-or-later
"""Expression, pose, keypoints and speech of pictures against the footage's, by tracking both (AED, APD, AKD)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...tracking.detection.landmarks import Landmarks, eye_distance
from ...tracking.solving.agreement import openings
from ...tracking.solving.closed_form import solve
from ...tracking.solving.person import solve_person

if TYPE_CHECKING:
    from ...tracking.heads.camera import PinholeCamera
    from ...tracking.heads.head import MorphableHead

MOUTH = 2
"""Column of the mouth in `openings`."""


@dataclass(frozen=True)
class Distances:
    """How far the tracked pictures are from the tracked footage: means over the frames in which both show a face.

    Attributes:
        expression: Euclidean norm of the difference of the 52 coefficients, 0 to 1 each (AED).
        pose: angle between the head's rotations in degrees (APD).
        keypoint: distance between the 478 landmarks in pixels (AKD); keypoint_share: as a share of the distance of
            the footage's eyes.
        mouth_gain: how far the mouth opens for each unit that the footage's opens (slope of a line fitted to all
            frames): below 1 it mumbles, above 1 it exaggerates; mouth_likeness: correlation of both openings over
            time. None where the footage's mouth, or the pictures', does not move.
    """

    expression: float
    pose: float
    keypoint: float
    keypoint_share: float
    mouth_gain: float | None
    mouth_likeness: float | None


Signal = NDArray[np.floating[Any]]
Faces = Sequence[Landmarks | None]
"""Landmarks `[478, 3]` in pixels, frame by frame; None where no face was found."""


@dataclass(frozen=True)
class Retracked:
    """Pictures and footage, tracked anew, of the N frames in which both show a face.

    Attributes:
        frames: `[N]` their places in the take.
        expression, pose, keypoint, keypoint_share: `[N]`, as in `Distances`, frame by frame.
        mouth, true_mouth: `[N]` how far the mouth is open in the pictures and in the footage.
    """

    frames: NDArray[np.intp]
    expression: Signal
    pose: Signal
    keypoint: Signal
    keypoint_share: Signal
    mouth: Signal
    true_mouth: Signal

    def distances(self, chosen: Sequence[int] | None = None) -> Distances | None:
        """Return the distances over the `chosen` places of the take, all by default; None where none shows a face."""
        counted = slice(None) if chosen is None else np.isin(self.frames, chosen)
        mouths = self.mouth[counted], self.true_mouth[counted]
        if not len(mouths[0]):
            return None
        return Distances(
            expression=float(self.expression[counted].mean()),
            pose=float(self.pose[counted].mean()),
            keypoint=float(self.keypoint[counted].mean()),
            keypoint_share=float(self.keypoint_share[counted].mean()),
            mouth_gain=gain(*mouths),
            mouth_likeness=likeness(*mouths),
        )


def retracked(pictures: Faces, footage: Faces, head: MorphableHead, camera: PinholeCamera) -> Retracked | None:
    """Solve both with the person that the footage shows; None where no frame shows a face in both.

    Args:
        pictures, footage: faces in pixels of the camera.
        head: whose expressions are compared.
        camera: of both.
    """
    pairs = enumerate(zip(pictures, footage, strict=True))
    both = [(place, *pair) for place, pair in pairs if pair[0] is not None and pair[1] is not None]
    if not both:
        return None
    frames, ours, theirs = (np.array(each) for each in zip(*both, strict=True))
    person = solve_person(head, theirs, camera)
    own, true = (solve(each, camera, person) for each in (ours, theirs))
    apart = np.linalg.norm(ours[..., :2] - theirs[..., :2], axis=-1).mean(1)
    return Retracked(
        frames,
        expression=np.linalg.norm(own.expression - true.expression, axis=1),
        pose=np.degrees(angles_between(own.rotation, true.rotation)),
        keypoint=apart,
        keypoint_share=apart / eye_distance(theirs),
        mouth=openings(ours)[:, MOUTH],
        true_mouth=openings(theirs)[:, MOUTH],
    )


def gain(signal: Signal, reference: Signal) -> float | None:
    """Return the slope of the line that fits `signal [T]` over `reference [T]`; None where the latter is constant."""
    if np.ptp(reference) == 0:
        return None
    steps = reference - reference.mean()
    return float(steps @ signal / (steps @ steps))


def likeness(signal: Signal, reference: Signal) -> float | None:
    """Return the correlation of `signal [T]` and `reference [T]`, -1 to 1; None where one is constant."""
    return float(np.corrcoef(signal, reference)[0, 1]) if np.ptp(signal) and np.ptp(reference) else None


def angles_between(rotations: Signal, others: Signal) -> NDArray[np.float64]:
    """Return `[T]`, radians: the angles between rotations `[T, 3, 3]` and others `[T, 3, 3]`."""
    angles: NDArray[np.float64] = (Rotation.from_matrix(rotations) * Rotation.from_matrix(others).inv()).magnitude()
    return angles
