# SPDX-License-Identifier: GPL-3.0-or-later
"""Hidden regions and frames lose their confidence, and so do those that fit badly; turned landmarks count less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.performances.performance import REGIONS, TRUSTED, Performance
from semblance.tracking.solving.agreement import mesh_landmarks
from semblance.tracking.solving.confidence import rated, region_landmarks
from semblance.tracking.solving.landmark_model import LandmarkModel, Person
from semblance.tracking.solving.visibility import visibility_by_turn

if TYPE_CHECKING:
    from semblance.tracking.detection.landmarks import Landmarks
    from semblance.tracking.heads.head import MorphableHead

FRAMES = 30
CAMERA = PinholeCamera.default(512)
LEFT_CHEEK, RIGHT_CHEEK = 454, 234


def turning(head: MorphableHead, yaws: np.ndarray) -> Performance:
    return at_rest(len(yaws), head, rotation=Rotation.from_rotvec(np.outer(yaws, [0, 1, 0])).as_matrix(), camera=CAMERA)


def detected(head: MorphableHead, performance: Performance) -> Landmarks:
    noise = np.random.default_rng(0).normal(0, 0.5, (len(performance), 478, 3))
    return (mesh_landmarks(head, performance, CAMERA) + noise).astype(np.float32)


def test_what_is_seen_and_fits_is_trusted(head: MorphableHead) -> None:
    performance = turning(head, np.zeros(FRAMES))
    found = rated(head, performance, CAMERA, detected(head, performance), np.zeros((FRAMES, 478)))
    assert found.trusted.all()
    assert (found.region_confidence >= TRUSTED).all()


def test_a_hand_over_the_mouth_is_marked_there_only(head: MorphableHead) -> None:
    performance = turning(head, np.zeros(FRAMES))
    hidden = np.zeros((FRAMES, 478))
    mouth = REGIONS.index("mouth")
    hidden[10:15, region_landmarks()[mouth]] = 1
    found = rated(head, performance, CAMERA, detected(head, performance), hidden)
    assert (~found.trusted).nonzero()[0].tolist() == [10, 11, 12, 13, 14]
    assert (found.region_confidence[10:15, mouth] < TRUSTED).all()
    assert (np.delete(found.region_confidence[10:15], mouth, 1) >= TRUSTED).all()
    assert (found.confidence > 0).all()


def test_a_frame_that_fits_badly_is_marked(head: MorphableHead) -> None:
    performance = turning(head, np.zeros(FRAMES))
    landmarks = detected(head, performance)
    landmarks[7] += np.random.default_rng(1).normal(0, 8, (478, 3)).astype(np.float32)
    found = rated(head, performance, CAMERA, landmarks, np.zeros((FRAMES, 478)))
    assert (~found.trusted).nonzero()[0].tolist() == [7]


def test_every_landmark_belongs_to_one_region() -> None:
    assert sorted(np.concatenate(region_landmarks())) == list(range(478))


def test_the_far_side_of_a_turned_head_counts_less(head: MorphableHead) -> None:
    performance = turning(head, np.array([0.0, 0.9, -0.9]))
    model = LandmarkModel.of(head)
    person = Person(performance.identity, model, model)
    ahead, one, other = visibility_by_turn(head, person, detected(head, performance), CAMERA)
    assert (ahead == 1).all()
    assert {LEFT_CHEEK, RIGHT_CHEEK} == {
        min((LEFT_CHEEK, RIGHT_CHEEK), key=turned.__getitem__) for turned in (one, other)
    }
    assert min(one.min(), other.min()) > 0
    assert one.max() == other.max() == 1
