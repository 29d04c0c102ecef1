# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a restored view still shows what was rendered: its landmarks, its colours and, with ArcFace, the person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ....tracking.detection.landmarks import OVAL, Landmarks, eye_distance

if TYPE_CHECKING:
    from ....tracking.heads.arrays import Booleans, Floats, Image

Detect = Callable[["Image"], "Landmarks | None"]
"""Finds MediaPipe's landmarks `[478, 3]` in a picture; None where there is no face."""
Code = Callable[["Image", "Landmarks"], "Floats"]
"""Gives the code of a face, `[N]` of length 1, as `ArcFace.code` does."""

MOST_MOVED = 0.06
"""Mean distance of the landmarks, against that between the eyes."""
MOST_RECOLOURED = 6.0
"""Distance between the mean colours of the face in CIELAB; 2 is just seen."""
LEAST_ALIKE = 0.5
"""Cosine between the faces' codes; two pictures of one person have 0.3 to 0.8, and these two are of one moment."""


class DriftJudge:
    """Compares restored views with what was rendered."""

    def __init__(self, detect: Detect, code: Code | None = None) -> None:
        """`code` is None where ArcFace's weights are not on this machine: then the person is not compared."""
        self._detect = detect
        self._code = code

    def objection(self, rendered: Image, restored: Image) -> str | None:
        """Return why a restored view is not accepted, in a sentence; None where it is. Pictures are RGB uint8
        `[H, W, 3]`.
        """
        before, after = self._detect(rendered), self._detect(restored)
        if before is None or after is None:
            return f"No face is found in the {'rendered' if before is None else 'restored'} view."
        moved = moved_landmarks(before, after)
        if moved > MOST_MOVED:
            return f"The face has moved by {moved:.0%} of the distance between its eyes."
        recoloured = recolouring(rendered, restored, face_of(before, rendered))
        if recoloured > MOST_RECOLOURED:
            return f"The face has another colour: {recoloured:.1f} in CIELAB."
        alike = float(self._code(rendered, before) @ self._code(restored, after)) if self._code else 1.0
        if alike < LEAST_ALIKE:
            return f"The face is another person's: its code agrees by {alike:.2f} only."
        return None


def moved_landmarks(before: Landmarks, after: Landmarks) -> float:
    """Return the mean distance between landmarks `[478, 3]` in the picture, against that between the eyes."""
    distances = np.linalg.norm((after - before)[:, :2], axis=-1)
    return float(distances.mean() / max(float(eye_distance(before)), 1.0))


def recolouring(before: Image, after: Image, where: Booleans) -> float:
    """Return the distance in CIELAB between the mean colours of two pictures `where [H, W]`; 0 without any."""
    if not where.any():
        return 0.0
    first, second = (
        cv2.cvtColor(each.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[where].mean(0) for each in (before, after)
    )
    return float(np.linalg.norm(first - second))


def face_of(landmarks: Landmarks, picture: Image) -> Booleans:
    """Return `[H, W]`: the pixels of a picture within the face's oval."""
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.round(landmarks[list(OVAL), :2]).astype(np.int32)], 1)
    return inside > 0
