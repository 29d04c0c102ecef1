# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands in front of the face: FaceMesh goes on reporting the face behind them, so they are looked for now and then."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import binary_closing, binary_opening

from .landmarks import LANDMARK_COUNT, Landmarks, face_width, middle_of, shrunk
from .quiet_mediapipe import silenced, solution

if TYPE_CHECKING:
    from ..heads.arrays import Booleans, Floats, Image

INTERVAL = 0.24
"""Seconds between two looks."""
VIEW, VIEW_SIDE = 2.0, 256
"""Side of the part of the picture that is looked at, in widths of the face, and in pixels."""
MISSES = 2
"""Looks in a row that may miss a hand."""
LEAST_SCORE = 0.4
"""How sure a hand must be. At 0.5 a change of two grey levels hid hands; at 0.4 no face of six was taken for one."""
SMALLEST_HAND = 0.3
"""A hand smaller than this share of the face's width is an ear."""
FLESH = 0.05
"""Share of the face's width by which a hand reaches past the joints that are found."""


class HandWatch:
    """Finds out which of a face's landmarks are behind hands, frame after frame; close it after use."""

    def __init__(self) -> None:
        self._looks: list[tuple[int, Floats]] = []
        self._count = 0
        self._next = -np.inf
        self._has_seen_a_hand = False
        with silenced():
            self._hands = solution("hands").Hands(
                static_image_mode=True, model_complexity=0, min_detection_confidence=LEAST_SCORE
            )
            self._hands.process(np.zeros((VIEW_SIDE, VIEW_SIDE, 3), np.uint8))

    def close(self) -> None:
        """Give MediaPipe's graph back."""
        self._hands.close()

    def see(self, image: Image, face: Landmarks | None, time: float) -> None:
        """Look at the next frame, when it is time to; `face [478, 3]` in its pixels, None where it is not seen."""
        if face is not None and time >= self._next:
            self._next = time + INTERVAL
            self._looks.append((self._count, behind(face, self._find(image, face))))
        self._count += 1

    def hidden(self) -> Floats:
        """Return `[T, 478]`, 0 (seen) to 1 (behind a hand), for all frames so far: between two looks it changes evenly.

        A hand that a single look saw is not believed, and one that a look or two missed is.
        """
        if not self._looks:
            return np.zeros((self._count, LANDMARK_COUNT), np.float32)
        frames, found = (np.array(each) for each in zip(*self._looks, strict=True))
        covered = believed(found.any(1))
        found[~covered] = 0
        told = found.any(1) == covered
        columns = [np.interp(np.arange(self._count), frames[told], column[told]) for column in found.T]
        return np.stack(columns, 1).astype(np.float32)

    def _find(self, image: Image, face: Landmarks) -> list[Floats]:
        """Return the joints `[21, 2]` of the hands near a face, in pixels of the picture."""
        half = VIEW / 2 * face_width(face)
        x, y = np.maximum(middle_of(face) - half, 0).astype(int)
        stop_x, stop_y = np.ceil(middle_of(face) + half).astype(int)
        part = image[y:stop_y, x:stop_x]
        view = shrunk(part, VIEW_SIDE)
        scale = part.shape[1] / view.shape[1] * np.array([view.shape[1], view.shape[0]])
        with nullcontext() if self._has_seen_a_hand else silenced():
            found = self._hands.process(view).multi_hand_landmarks or []
        self._has_seen_a_hand |= bool(found)
        return [np.array([(p.x, p.y) for p in hand.landmark], np.float32) * scale + (x, y) for hand in found]


def behind(face: Landmarks, hands: list[Floats]) -> Floats:
    """Return `[478]`, 1 for the landmarks `face [478, 3]` that lie within the outline of a hand `[21, 2]`, else 0."""
    width = face_width(face)
    large = [hand for hand in hands if np.ptp(hand, axis=0).max() >= SMALLEST_HAND * width]
    outlines = [cv2.convexHull(hand.astype(np.float32)) for hand in large]
    inside = [
        [cv2.pointPolygonTest(outline, (float(x), float(y)), True) > -FLESH * width for x, y in face[:, :2]]
        for outline in outlines
    ]
    return np.any(inside, 0).astype(np.float32) if inside else np.zeros(LANDMARK_COUNT, np.float32)


def believed(covered: Booleans) -> Booleans:
    """Return `[L]`: whether a hand covers the face at each look, without single sightings and with short misses."""
    padded = np.pad(covered, MISSES + 1, "edge")
    steady = binary_closing(binary_opening(padded, np.ones(2)), np.ones(MISSES + 1))
    kept: Booleans = steady[MISSES + 1 : -MISSES - 1]
    return kept
