# SPDX-License-Identifier: GPL-3.0-or-later
"""Retargeting: the driver's change on the avatar's rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES, gaze_rotation
from semblance.tracking.performances.performance import Crop, Performance
from semblance.tracking.performances.rest import rest_pose
from semblance.tracking.performances.retarget import retarget

BLINK, JAW = ARKIT_NAMES.index("eyeBlinkLeft"), ARKIT_NAMES.index("jawOpen")


def someone(seed: int, frames: int = 20, distance: float = 0.9) -> Performance:
    rng = np.random.default_rng(seed)
    yaws = rng.normal(0.1 * (seed % 3), 0.1, frames)
    return at_rest(
        frames,
        identity=rng.normal(size=4).astype(np.float32),
        texture=rng.normal(size=3).astype(np.float32),
        expression=rng.beta(1, 4, (frames, 52)),
        rotation=np.stack([gaze_rotation(0.05, yaw) for yaw in yaws]),
        translation=rng.normal((0.02, 0, distance), 0.01, (frames, 3)),
        gaze=rng.normal(0, 0.1, (frames, 2, 2)),
        times=np.arange(frames) / 25,
        camera=PinholeCamera.default(512 if seed % 2 else 256),
        crop=Crop(float(seed), 0.0, 300.0),
        fps=25.0 + seed % 5,
        source=f"{seed}.mp4",
    )


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_driving_oneself_changes_nothing(seed: int) -> None:
    person = someone(seed)
    driven = retarget(person, person)
    assert driven.expression == pytest.approx(person.expression, abs=1e-5)
    assert driven.rotation == pytest.approx(person.rotation, abs=1e-5)
    assert driven.translation == pytest.approx(person.translation, abs=1e-5)


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=25)
def test_who_it_is_stays_the_avatars_and_motion_is_the_drivers(one: int, other: int) -> None:
    driver, avatar = someone(one, 15), someone(other, 30)
    driven = retarget(driver, avatar)
    assert len(driven) == 15
    assert 0 <= driven.expression.min() <= driven.expression.max() <= 1
    assert driven.rotation @ driven.rotation.swapaxes(1, 2) == pytest.approx(np.tile(np.eye(3), (15, 1, 1)), abs=1e-4)
    assert (driven.identity == avatar.identity).all()
    assert (driven.texture == avatar.texture).all()
    assert (driven.camera, driven.crop) == (avatar.camera, avatar.crop)
    assert (driven.gaze == driver.gaze).all()
    assert (driven.times == driver.times).all()
    assert (driven.fps, driven.source) == (driver.fps, driver.source)


def test_a_driver_at_rest_leaves_the_avatar_at_rest() -> None:
    driver, avatar = someone(1), someone(2)
    for name in ("expression", "rotation", "translation"):
        getattr(driver, name)[:] = getattr(driver, name)[0]
    driven = retarget(driver, avatar)
    rotation, translation = rest_pose(avatar)
    assert driven.rotation == pytest.approx(np.tile(rotation, (20, 1, 1)), abs=1e-5)
    assert driven.translation == pytest.approx(np.tile(translation, (20, 1)), abs=1e-5)
    assert np.ptp(driven.expression, axis=0).max() < 1e-6


def test_a_shut_eye_is_shut_on_the_avatar() -> None:
    driver, avatar = someone(3), someone(4)
    driver.expression[7, BLINK] = 1
    avatar.expression[:, BLINK] = 0.3
    assert retarget(driver, avatar).expression[7, BLINK] == pytest.approx(1)


def test_a_far_driver_moves_the_avatar_as_far_on_the_picture() -> None:
    driver, avatar = someone(5, distance=1.8), someone(5, distance=0.9)
    driver.translation[:] = driver.translation[0]
    driver.translation[3, 0] += 0.1
    moved = retarget(driver, avatar).translation
    assert moved[3, 0] - moved[0, 0] == pytest.approx(0.05, rel=0.05)


def test_frames_without_a_face_do_not_shape_the_rest() -> None:
    driver, avatar = someone(6), someone(7)
    expected = retarget(driver, avatar).expression[:15]
    driver.confidence[15:] = 0
    with_gap = retarget(driver.at(slice(0, 15)), avatar).expression
    driver.expression[15:] = 0
    assert retarget(driver, avatar).expression[:15] == pytest.approx(with_gap)
    assert expected.shape == with_gap.shape


def test_the_jaw_opens_as_much_as_the_drivers() -> None:
    driver, avatar = someone(8), someone(9)
    driver.expression[:], avatar.expression[:] = 0, 0
    driver.expression[5, JAW] = 0.6
    assert retarget(driver, avatar).expression[5, JAW] == pytest.approx(0.6, abs=1e-5)
