# SPDX-License-Identifier: GPL-3.0-or-later
"""The solved identity of most frames tells whose the others are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.tests.makers.footage import portrait
from semblance.tracking.detection.landmarks import LandmarkDetector
from semblance.tracking.solving.same_person import shows_another

if TYPE_CHECKING:
    from semblance.tracking.detection.landmarks import Landmarks
    from semblance.tracking.heads.head import MorphableHead


@pytest.fixture(scope="module")
def face() -> Landmarks:
    with LandmarkDetector(still=True) as detector:
        found = detector.detect(portrait())
    assert found is not None
    return found


def test_a_part_with_another_face_is_found(face: Landmarks, head: MorphableHead) -> None:
    noise = np.random.default_rng(1).normal(0, 0.5, (50, *face.shape)).astype(np.float32)
    frames = face + noise
    frames[40:] += 30
    parts = np.repeat([0, 1, 2], (30, 10, 10))
    frames[30:40] = (frames[30:40] - face[0]) * (1.45, 1, 1) + face[0]
    assert shows_another(head, frames, parts).tolist() == (parts == 1).tolist()


def test_a_single_part_and_short_ones_are_one_persons(face: Landmarks, head: MorphableHead) -> None:
    frames = np.tile(face, (10, 1, 1))
    assert not shows_another(head, frames, np.zeros(10, int)).any()
    frames[5:] *= (1.4, 1, 1)
    assert not shows_another(head, frames, np.repeat([0, 1], 5)).any()
