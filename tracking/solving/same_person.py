# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether parts of a take show one person: by how well the identity that is solved from one part fits the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..media.crop import choose_crop, picture_camera
from . import closed_form
from .person import FRAMES, solve_person

if TYPE_CHECKING:
    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Booleans, Numbers
    from ..heads.head import MorphableHead

FITS = 2.2
"""The identity fits a part whose mean error is up to this many times that of the part it was solved from: on footage of
eight people, other parts of one person's came to 0.9 to 1.8, a third of the others' to more than 2.2."""
SPREAD = 4
"""Frames of a part that are looked at, over those that a person is solved from."""


def shows_another(head: MorphableHead, landmarks: Landmarks, parts: Numbers) -> Booleans:
    """Tell which frames show somebody else than most do.

    Args:
        head: the morphable head to solve for.
        landmarks: `[T, 478, 3]` pixels, all of frames with a face.
        parts: `[T]` number of the part that each frame belongs to.

    Returns:
        `[T]`: True in all frames of a part that the person of the longest part does not fit.
    """
    numbers, lengths = np.unique(parts, return_counts=True)
    longest = numbers[lengths.argmax()]
    own = thinned(landmarks[parts == longest])
    if len(numbers) < 2 or len(own) < FRAMES:
        return np.zeros(len(parts), bool)
    camera = picture_camera(choose_crop(own))
    person = solve_person(head, own, camera)

    def error(part: Landmarks) -> float:
        return float(closed_form.solve(part, camera, person).error.mean())

    limit = FITS * error(own)
    others = [number for number in numbers if number != longest and error(thinned(landmarks[parts == number])) > limit]
    return np.isin(parts, others)


def thinned(landmarks: Landmarks) -> Landmarks:
    """Evenly chosen frames of `[T, 478, 3]`, so many as are looked at."""
    chosen = np.unique(np.linspace(0, len(landmarks) - 1, min(len(landmarks), SPREAD * FRAMES)).round().astype(int))
    few: Landmarks = landmarks[chosen]
    return few
