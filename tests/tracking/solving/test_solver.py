# SPDX-License-Identifier: GPL-3.0-or-later
"""The solver finds what a head was made of, from its projected landmarks alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from semblance.tracking.detection.landmarks import eye_distance
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES, MorphableHead
from semblance.tracking.media.crop import choose_crop, picture_camera
from semblance.tracking.media.footage import Footage
from semblance.tracking.solving import closed_form
from semblance.tracking.solving.closed_form import Solution
from semblance.tracking.solving.gaze import solve_gaze
from semblance.tracking.solving.landmark_weights import lid_gaps, mouth_gap
from semblance.tracking.solving.person import solve_person
from semblance.tracking.solving.solver import frame_rate, solve_still, solve_take

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 24
CAMERA = PinholeCamera(1315.0, 1315.0, 300.0, 260.0, 512, 512)


def solve(head: MorphableHead, landmarks: np.ndarray, camera: PinholeCamera) -> Solution:
    return closed_form.solve(landmarks, camera, solve_person(head, landmarks, camera))


class Actor:
    """A made-up person's take: what the solver should find, and what it is given."""

    def __init__(self, head: MorphableHead) -> None:
        rng = np.random.default_rng(7)
        self.identity = rng.normal(0, 0.7, len(head.identity_basis)).astype(np.float32)
        self.expression = np.zeros((FRAMES, 52), np.float32)
        wave = 0.5 - 0.5 * np.cos(np.linspace(0, 2 * np.pi, FRAMES))
        for names, amount in ((("eyeBlinkLeft", "eyeBlinkRight"), 1.0), (("jawOpen",), 0.7)):
            self.expression[:, [ARKIT_NAMES.index(name) for name in names]] = amount * wave[:, None]
        self.expression[12:, [ARKIT_NAMES.index("mouthSmileLeft"), ARKIT_NAMES.index("mouthSmileRight")]] = 0.6
        turns = np.stack([0.15 * np.sin(4 * wave), 0.4 * np.sin(np.arange(FRAMES) / 3), 0.1 * wave], 1)
        self.rotation = Rotation.from_rotvec(turns).as_matrix().astype(np.float32)
        self.translation = rng.normal((0.01, -0.02, 0.9), 0.02, (FRAMES, 3)).astype(np.float32)
        self.gaze = np.stack([0.2 * np.sin(wave * 5), 0.3 * np.cos(wave * 7)], 1)[:, None].repeat(2, 1)
        self.landmarks = np.stack([self.seen(head, frame) for frame in range(FRAMES)])

    def seen(self, head: MorphableHead, frame: int) -> np.ndarray:
        vertices = head.shape(self.identity, self.expression[frame], self.gaze[frame])[head.landmarks]
        points = vertices @ self.rotation[frame].T + self.translation[frame]
        depth = (points[:, 2] - points[:468, 2].mean()) * CAMERA.fx / self.translation[frame, 2]
        return np.concatenate([CAMERA.project(points), depth[:, None]], 1).astype(np.float32)


@pytest.fixture(scope="module")
def actor(head: MorphableHead) -> Actor:
    return Actor(head)


def test_pose_and_expression_are_recovered(head: MorphableHead, actor: Actor) -> None:
    solution = solve(head, actor.landmarks, CAMERA)
    turned = Rotation.from_matrix(solution.rotation.swapaxes(1, 2) @ actor.rotation).magnitude()
    assert np.degrees(turned).mean() < 1.5
    assert solution.error.max() < 0.02
    for name, allowed in (("jawOpen", 0.15), ("eyeBlinkLeft", 0.15), ("eyeBlinkRight", 0.15)):
        column = ARKIT_NAMES.index(name)
        assert np.abs(solution.expression[:, column] - actor.expression[:, column]).mean() < allowed, name
    assert solution.expression.min() >= 0
    assert solution.expression.max() <= 1


def test_eyes_shut_are_a_blink_of_one_and_eyes_open_of_none(head: MorphableHead, actor: Actor) -> None:
    blink = solve(head, actor.landmarks, CAMERA).expression[:, ARKIT_NAMES.index("eyeBlinkLeft")]
    assert blink[0] < 0.1
    assert blink[FRAMES // 2] > 0.85


@pytest.mark.slow
def test_distance_does_not_matter_to_expression(head: MorphableHead, actor: Actor) -> None:
    """A picture twice as large of the same take has the same solution."""
    twice = solve(head, 2 * actor.landmarks, CAMERA.resized(1024, 1024))
    once = solve(head, actor.landmarks, CAMERA)
    assert twice.expression == pytest.approx(once.expression, abs=0.02)
    assert twice.translation == pytest.approx(once.translation, abs=0.005)


def test_columns_of_zeros_are_harmless(head: MorphableHead, actor: Actor) -> None:
    identity_basis, expression_basis = head.identity_basis.copy(), head.expression_basis.copy()
    identity_basis[5:], expression_basis[30:] = 0, 0
    poor = replace(head, identity_basis=identity_basis, expression_basis=expression_basis)
    solution = solve(poor, actor.landmarks, CAMERA)
    assert np.isfinite(solution.expression).all()
    assert (solution.expression[:, 30:] == 0).all()
    assert (solution.identity[5:] == 0).all()


def test_gaze_is_recovered_and_held_through_a_blink(head: MorphableHead, actor: Actor) -> None:
    known = Solution(actor.identity, actor.expression, actor.rotation, actor.translation, np.zeros(FRAMES, np.float32))
    found = solve_gaze(head, known, actor.landmarks, CAMERA, rest=np.zeros((2, 2)))
    open_eyes = actor.expression[:, ARKIT_NAMES.index("eyeBlinkLeft")] < 0.6
    assert np.degrees(np.abs(found - actor.gaze)[open_eyes]).mean() < 2
    shut = found[~open_eyes]
    last, first = found[open_eyes.argmin() - 1], found[len(found) - open_eyes[::-1].argmin()]
    assert (shut >= np.minimum(last, first) - 1e-5).all()
    assert (shut <= np.maximum(last, first) + 1e-5).all()


def test_gaze_sides_and_signs(head: MorphableHead) -> None:
    """An iris seen further down is a positive pitch, one further to the picture's left a positive yaw."""
    still = np.zeros(len(head.identity_basis), np.float32), np.zeros((1, 52), np.float32)
    pose = np.eye(3, dtype=np.float32)[None], np.array([[0, 0, 0.9]], np.float32)
    landmarks = np.zeros((1, 478, 3), np.float32)
    landmarks[0, :, :2] = CAMERA.project(head.shape(still[0], still[1][0])[head.landmarks] + pose[1][0])
    landmarks[:, 468:] += np.array([-3, 2, 0], np.float32)
    solution = Solution(*still, *pose, np.zeros(1, np.float32))
    pitch, yaw = solve_gaze(head, solution, landmarks, CAMERA)[0].mean(0)
    assert pitch > 0.05
    assert yaw > 0.1


def test_a_photo_gives_one_frame(head: MorphableHead, actor: Actor) -> None:
    image = np.full((520, 600, 3), 128, np.uint8)
    performance = solve_still(head, actor.landmarks[3], image)
    assert len(performance) == 1
    assert performance.texture.shape == (len(head.texture_basis),)
    assert performance.extra["reprojection_error"] < 0.03


@pytest.mark.slow
def test_frames_without_a_face_are_filled_with_no_confidence(head: MorphableHead, actor: Actor, tmp_path: Path) -> None:
    landmarks = actor.landmarks.copy()
    landmarks[5:8] = np.nan
    footage = Footage(tmp_path / "take.mp4", 25.0, FRAMES, (600, 520), None)
    image = np.full((520, 600, 3), 128, np.uint8)
    performance = solve_take(head, landmarks, np.arange(FRAMES) / 25, footage, image)
    assert len(performance) == FRAMES
    assert (performance.confidence[5:8] == 0).all()
    assert (np.delete(performance.confidence, [5, 6, 7]) > 0).all()
    assert np.isfinite(performance.rotation).all()
    assert np.linalg.det(performance.rotation) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("times", "nominal", "expected"),
    [(np.arange(50) / 25, 25.0, 25.0), (np.arange(50) / 25, 1000.0, 25.0), (np.array([0.0]), 30.0, 30.0)],
)
def test_frame_rates_that_times_contradict_are_not_believed(times: np.ndarray, nominal: float, expected: float) -> None:
    assert frame_rate(times, nominal) == pytest.approx(expected)


@pytest.mark.slow
def test_real_faces_are_met_closely(shared: Path, head: MorphableHead) -> None:
    """Landmarks measured on real videos: small error, blinks that follow the lids, a jaw that follows the lips."""
    measured = np.load(shared / "media" / "landmarks_videos.npz")
    for name in ("kitchen_talk", "wide_mouth"):
        landmarks = measured[name][::3]
        solution = solve(head, landmarks, picture_camera(choose_crop(landmarks)))
        lids = lid_gaps(landmarks) / eye_distance(landmarks)
        mouth = mouth_gap(landmarks) / eye_distance(landmarks)
        blinks = solution.expression[:, [ARKIT_NAMES.index("eyeBlinkLeft"), ARKIT_NAMES.index("eyeBlinkRight")]]
        assert solution.error.mean() < 0.03, name
        assert np.corrcoef(lids[0], blinks[:, 0])[0, 1] < -0.85, name
        assert np.corrcoef(lids[1], blinks[:, 1])[0, 1] < -0.85, name
        assert np.corrcoef(mouth, solution.expression[:, ARKIT_NAMES.index("jawOpen")])[0, 1] > 0.75, name
