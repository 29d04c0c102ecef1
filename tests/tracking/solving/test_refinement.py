# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole take is refined: steady where nothing moves, as quick as the face where it does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from semblance.benchmarks.lag_and_jitter import jitter, lag
from semblance.common.progress import Cancelled, Progress
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.registry import open_head
from semblance.tracking.solving.landmark_model import LandmarkModel, Pose, Rays
from semblance.tracking.solving.refinement import refined

FRAMES, RATE = 60, 25.0
TIMES = np.arange(FRAMES) / RATE
STILL = np.arange(FRAMES) < 25
JAW, BLINK, LOOK = (ARKIT_NAMES.index(name) for name in ("jawOpen", "eyeBlinkLeft", "eyeLookDownLeft"))
CAMERA = PinholeCamera(1315.0, 1315.0, 256.0, 256.0, 512, 512)


@pytest.fixture(scope="module")
def model() -> LandmarkModel:
    return LandmarkModel.of(open_head("builtin"))


class Scene:
    """A head that is still for a second, then turns, speaks and blinks; its landmarks shake."""

    def __init__(self, model: LandmarkModel) -> None:
        moving = np.clip(TIMES - 1, 0, None)
        turn = np.stack([0.1 * moving, 0.4 * np.sin(2 * moving), 0 * moving], 1)
        self.pose = Pose(
            Rotation.from_rotvec(turn).as_matrix(), np.stack([0.02 * moving, 0 * moving, 0.9 + 0 * moving], 1)
        )
        self.expression = np.zeros((FRAMES, 52))
        self.expression[:, JAW] = 0.25 * (1 - np.cos(8 * moving))
        self.expression[40:44, BLINK] = 0.5, 1, 1, 0.5
        points = self.pose.apply(model.shapes(self.expression))
        noise = np.random.default_rng(3).normal(0, 0.5, (FRAMES, 1, 2)).repeat(478, 1)
        seen = np.concatenate(
            [CAMERA.project(points.astype(np.float32)) + noise, CAMERA.fx * (points[..., 2:] - 0.9) / 0.9], -1
        )
        self.rays = Rays.of(seen.astype(np.float32), CAMERA)
        shaken = self.pose.translation + np.append(noise[:, 0], np.zeros((FRAMES, 1)), 1) * 0.9 / CAMERA.fx
        self.start = Pose(self.pose.rotation, shaken), self.expression + 0.02


@pytest.fixture(scope="module")
def scene(model: LandmarkModel) -> Scene:
    return Scene(model)


@pytest.fixture(scope="module")
def found(model: LandmarkModel, scene: Scene) -> tuple[Pose, np.ndarray]:
    return refined(model, scene.rays, *scene.start, TIMES, RATE)


def test_a_still_head_shakes_less_than_its_landmarks(scene: Scene, found: tuple[Pose, np.ndarray]) -> None:
    assert jitter(found[0].translation, STILL) < 0.5 * jitter(scene.start[0].translation, STILL)


def test_motion_and_speech_do_not_come_late(scene: Scene, found: tuple[Pose, np.ndarray]) -> None:
    pose, expression = found
    off = Rotation.from_matrix(pose.rotation.swapaxes(1, 2) @ scene.pose.rotation).magnitude()
    assert np.degrees(off).max() < 1.5
    assert abs(lag(scene.expression[:, JAW], expression[:, JAW], RATE)) < 0.01
    assert np.abs(expression[:, JAW] - scene.expression[:, JAW]).mean() < 0.08


def test_a_blink_of_four_frames_stays_one(found: tuple[Pose, np.ndarray]) -> None:
    blink = found[1][:, BLINK]
    assert blink[41:43].min() > 0.85
    assert blink[:38].max() < 0.15


def test_expressions_stay_within_bounds_and_unseen_ones_as_they_were(
    scene: Scene, found: tuple[Pose, np.ndarray]
) -> None:
    assert found[1].min() >= 0
    assert found[1].max() <= 1
    assert found[1][:, LOOK] == pytest.approx(scene.start[1][:, LOOK])


def test_hidden_landmarks_are_bridged(model: LandmarkModel, scene: Scene) -> None:
    visibility = np.ones((FRAMES, 478))
    visibility[10:15] = 0
    xy = scene.rays.xy.copy()
    xy[10:15] += 0.1
    pose, _ = refined(model, Rays(xy, scene.rays.z, visibility), *scene.start, TIMES, RATE)
    assert pose.translation[10:15] == pytest.approx(scene.pose.translation[10:15], abs=0.004)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_takes_are_refined(model: LandmarkModel, scene: Scene, frames: int) -> None:
    part = slice(frames)
    pose, expression = refined(
        model, scene.rays.at(part), scene.start[0].at(part), scene.start[1][part], TIMES[part], RATE
    )
    assert np.isfinite(pose.rotation).all()
    assert expression.shape == (frames, 52)


def test_what_is_not_free_stays(model: LandmarkModel, scene: Scene) -> None:
    free = np.zeros(6 + 52, bool)
    free[6 + JAW] = True
    start = scene.start[1].copy()
    start[:, JAW] = 0.3
    pose, expression = refined(model, scene.rays, scene.pose, start, TIMES, RATE, free=free)
    np.testing.assert_allclose(pose.rotation, scene.pose.rotation, atol=1e-9)
    np.testing.assert_array_equal(pose.translation, scene.pose.translation)
    np.testing.assert_array_equal(np.delete(expression, JAW, 1), np.delete(start, JAW, 1))
    assert np.abs(expression[:, JAW] - scene.expression[:, JAW]).mean() < 0.08


def test_it_can_be_cancelled(model: LandmarkModel, scene: Scene) -> None:
    def cancel(_progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        refined(model, scene.rays, *scene.start, TIMES, RATE, cancel)
