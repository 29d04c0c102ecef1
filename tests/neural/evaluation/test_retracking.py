# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances of expression, pose and keypoints are zero for equal faces and right for known changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from semblance.neural.evaluation.figures import NO_FACE, NO_HEAD, WEIGHTS_MISSING
from semblance.neural.evaluation.observer import Observer, Row
from semblance.neural.evaluation.retracking import Distances, retracked
from semblance.tracking.detection.landmarks import eye_distance
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES, MorphableHead
from semblance.tracking.heads.registry import open_head
from semblance.tracking.photos.photo_file import read_photo
from semblance.tracking.solving.landmark_model import LandmarkModel, Pose

FRAMES, DISTANCE = 20, 0.9
CAMERA = PinholeCamera(657.5, 657.5, 128, 128, 256, 256)
JAW = ARKIT_NAMES.index("jawOpen")


@pytest.fixture(scope="module")
def head() -> MorphableHead:
    return open_head("builtin")


def faces(head: MorphableHead, jaw: float = 0.0, degrees: float = 0.0, swing: float = 0.2) -> np.ndarray:
    """Landmarks `[T, 478, 3]` of a take in which the head turns and the mouth moves; `jaw` and `degrees` more."""
    moment = np.linspace(0, 2 * np.pi, FRAMES)
    expression = np.zeros((FRAMES, 52))
    expression[:, JAW] = 0.2 + swing * np.sin(2 * moment) + jaw
    turn = np.stack([0 * moment, 0.3 * np.sin(moment) + np.radians(degrees), 0 * moment], 1)
    pose = Pose(Rotation.from_rotvec(turn).as_matrix(), np.tile([0, 0, DISTANCE], (FRAMES, 1)))
    points = pose.apply(LandmarkModel.of(head).shapes(expression))
    depth = CAMERA.fx * (points[..., 2:] - DISTANCE) / DISTANCE
    return np.concatenate([CAMERA.project(points.astype(np.float32)), depth], -1).astype(np.float32)


@pytest.mark.slow
def test_equal_faces_are_no_distance_apart(head):
    seen = list(faces(head))
    assert retracked(seen, seen, head, CAMERA).distances() == Distances(
        0, pytest.approx(0, abs=1e-3), 0, 0, pytest.approx(1), pytest.approx(1)
    )


@pytest.mark.slow
def test_a_turned_head_is_a_distance_of_pose(head):
    found = retracked(list(faces(head, degrees=5)), list(faces(head)), head, CAMERA).distances()
    assert found.pose == pytest.approx(5, abs=1)


def test_an_open_jaw_is_a_distance_of_expression(head):
    found = retracked(list(faces(head, jaw=0.3)), list(faces(head)), head, CAMERA).distances()
    assert found.expression == pytest.approx(0.3, abs=0.1)
    assert found.pose < 1.5


@pytest.mark.slow
@pytest.mark.parametrize("opens", [0.5, 1.2])
def test_a_mouth_that_mumbles_or_exaggerates_is_told(head, opens):
    seen, shut = faces(head), faces(head, swing=0.0)
    found = retracked(list(shut + np.float32(opens) * (seen - shut)), list(seen), head, CAMERA).distances()
    assert found.mouth_gain == pytest.approx(opens, abs=0.02)
    assert found.mouth_likeness == pytest.approx(1, abs=0.01)


@pytest.mark.slow
def test_a_mouth_that_keeps_still_follows_nothing(head):
    seen, still = list(faces(head)), [faces(head, swing=0.0)[0]] * FRAMES
    assert retracked(seen, still, head, CAMERA).distances().mouth_gain is None
    mumbled = retracked(still, seen, head, CAMERA).distances()
    assert mumbled.mouth_gain == pytest.approx(0, abs=1e-6)
    assert mumbled.mouth_likeness is None


@pytest.mark.slow
def test_keypoints_are_counted_in_pixels_and_in_distances_of_the_eyes(head):
    seen = faces(head)
    found = retracked(list(seen + np.array([3, 4, 0], np.float32)), list(seen), head, CAMERA).distances()
    assert found.keypoint == pytest.approx(5, abs=1e-3)
    assert found.keypoint_share == pytest.approx((5 / eye_distance(seen)).mean(), rel=1e-3)


@pytest.mark.slow
def test_frames_without_a_face_do_not_count(head):
    seen = list(faces(head))
    hidden = [None, *seen[1:]]
    assert retracked(hidden, seen, head, CAMERA).distances().keypoint == 0
    assert retracked([None] * FRAMES, seen, head, CAMERA) is None


@pytest.mark.slow
def test_distances_are_of_the_chosen_frames(head):
    seen = list(faces(head))
    moved = [None, seen[1], *(face + np.array([3, 4, 0], np.float32) for face in seen[2:])]
    found = retracked(moved, seen, head, CAMERA)
    assert found.distances([0]) is None
    assert found.distances([0, 1]).keypoint == 0
    assert found.distances([2, 5]).keypoint == pytest.approx(5, abs=1e-3)


@pytest.mark.slow
def test_a_picture_that_equals_the_footage_is_tracked_alike(shared, head, monkeypatch):
    monkeypatch.setattr("semblance.neural.pretrained.weights.find", lambda names: None)
    photos = [read_photo(shared / "media/portraits" / f"person_003_{name}.jpg") for name in ("neutral", "smiling")]
    pictures = [cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA) for photo in photos]
    matte = np.ones(pictures[0].shape[:2], np.float32)
    camera = PinholeCamera.default(len(matte))
    with Observer("cpu") as observer:
        same, other, blank = Row(observer), Row(observer), Row(observer)
        for index, picture in enumerate(pictures):
            truth, again = observer.look(picture, matte), observer.look(picture, matte)
            rival = observer.look(pictures[1 - index], matte)
            black = observer.look(np.zeros_like(picture), matte)
            for row, own in ((same, again), (other, rival), (blank, black)):
                row.add(index, own, truth, matte, matte > 0)
    found = same.figures(head, camera)
    assert (found.expression, found.keypoint, found.flicker, found.found) == (0, 0, 0, 1)
    assert found.pose == pytest.approx(0, abs=1e-3)
    assert found.ms_ssim == pytest.approx(1, abs=1e-4)
    assert (found.lpips, found.fid, found.csim) == (WEIGHTS_MISSING,) * 3
    apart = other.figures(head, camera)
    assert apart.expression > 0.3
    assert apart.flicker > 1
    assert apart.keypoint_share > 0.02
    assert other.figures(None, camera).pose == NO_HEAD
    faceless = blank.figures(head, camera)
    assert (faceless.expression, faceless.found) == (NO_FACE, 0)
