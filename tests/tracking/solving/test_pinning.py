# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinned landmarks: they are met, and the rest of the face hardly moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.pin_points import PIN_POINTS
from semblance.tracking.solving.landmark_model import LandmarkModel, Pose
from semblance.tracking.solving.pinning import Pins, belief, solve_pinned

CAMERA = PinholeCamera.default(512)
JAW, SMILE, BLINK = (ARKIT_NAMES.index(name) for name in ("jawOpen", "mouthSmileLeft", "eyeBlinkLeft"))
POSE = Pose(Rotation.from_euler("yx", [0.2, 0.1]).as_matrix()[None], np.array([[0.02, 0.01, 0.8]]))
EXPRESSION = np.zeros(52)
EXPRESSION[[JAW, SMILE]] = 0.3, 0.4
HEAD = load_builtin()
IDENTITY = np.random.default_rng(0).normal(0, 0.6, len(HEAD.identity_basis))
MODEL = LandmarkModel.of_person(HEAD, IDENTITY)
LID, LIP_CORNER, NOSE, BROW, CHIN = 386, 61, 4, 105, 152


def projected(expression, pose):
    return CAMERA.project(pose.apply(MODEL.shapes(expression[None]))[0])


BEFORE = projected(EXPRESSION, POSE)


def pinned(moves):
    """Solve with landmarks moved by so many pixels; return expression, pose, and how far each pin is missed."""
    landmarks = np.array(list(moves))
    pins = Pins(landmarks, BEFORE[landmarks] + np.array(list(moves.values()), float))
    expression, pose = solve_pinned(MODEL, CAMERA, EXPRESSION, POSE, pins)
    missed = np.linalg.norm(projected(expression, pose)[landmarks] - pins.xy, axis=1)
    far = belief(MODEL.shapes(EXPRESSION[None])[0], pins) > 0.95
    moved = np.linalg.norm(projected(expression, pose) - BEFORE, axis=1)
    return expression, pose, missed, moved[far]


def turned_by(pose):
    return np.degrees(Rotation.from_matrix(POSE.rotation[0].T @ pose.rotation[0]).magnitude())


@pytest.mark.parametrize(
    ("moves", "drift"),
    [
        ({LID: (0, 6)}, 0.7),
        ({LIP_CORNER: (-8, -5)}, 0.5),
        ({BROW: (0, -6)}, 0.5),
        ({CHIN: (0, 8)}, 2.0),
        ({NOSE: (8, 0)}, 2.5),
        ({LID: (0, 6), LIP_CORNER: (-8, -5), BROW: (0, -4)}, 1.5),
        ({13: (0, -3), 14: (0, 5), 61: (3, 0), 291: (-3, 0)}, 0.5),
    ],
)
def test_pins_are_met_and_the_rest_of_the_face_hardly_moves(moves, drift):
    expression, _, missed, others = pinned(moves)
    assert missed.max() < 0.5
    assert others.mean() < drift
    assert expression.min() >= 0
    assert expression.max() <= 1


def test_a_lid_that_is_pulled_down_closes_its_own_eye_and_hardly_turns_the_head():
    expression, pose, *_ = pinned({LID: (0, 6)})
    changed = expression - EXPRESSION
    assert changed[BLINK] > 0.3
    assert np.abs(np.delete(changed, BLINK)).max() < 0.1
    assert turned_by(pose) < 1


def test_a_nose_that_is_pulled_aside_turns_the_head():
    _, pose, *_ = pinned({NOSE: (8, 0)})
    assert 2 < turned_by(pose) < 10


def test_pins_where_the_landmarks_already_are_change_nothing():
    expression, pose, *_ = pinned({LID: (0, 0), LIP_CORNER: (0, 0)})
    np.testing.assert_allclose(expression, EXPRESSION, atol=1e-6)
    np.testing.assert_allclose(pose.translation, POSE.translation, atol=1e-6)


def test_the_truth_is_found_again_from_pins_on_all_of_the_face():
    truth = EXPRESSION.copy()
    truth[[JAW, SMILE]] = 0.5, 0.1
    moved = Pose(POSE.rotation @ Rotation.from_euler("yz", [4, 2], degrees=True).as_matrix(), POSE.translation + 0.004)
    seen, points = projected(truth, moved), [point for part in PIN_POINTS.values() for point in part]
    expression, pose, missed, _ = pinned({point: seen[point] - BEFORE[point] for point in points})
    assert np.median(missed) < 0.2
    assert expression[JAW] == pytest.approx(0.5, abs=0.12)
    assert np.degrees(Rotation.from_matrix(moved.rotation[0].T @ pose.rotation[0]).magnitude()) < 0.5


def test_pins_that_contradict_each_other_leave_a_face():
    expression, pose, _, _ = pinned({LID: (60, 0), 385: (-60, 0), NOSE: (0, 80), 61: (0, -200), 291: (0, 200)})
    assert expression.min() >= 0
    assert expression.max() <= 1
    assert turned_by(pose) < 62
    assert pose.translation[0, 2] >= 0.4


def test_what_no_lid_can_do_is_done_in_part():
    expression, pose, missed, _ = pinned({LID: (0, 60)})
    assert expression[BLINK] == pytest.approx(1, abs=0.01)
    assert missed[0] > 1
    assert turned_by(pose) < 10


def test_what_landmarks_do_not_show_stays_as_the_artist_has_it():
    before = EXPRESSION.copy()
    before[ARKIT_NAMES.index("tongueOut")] = 0.7
    before[ARKIT_NAMES.index("eyeLookUpLeft")] = 0.3
    expression, _ = solve_pinned(MODEL, CAMERA, before, POSE, Pins(np.array([LID]), BEFORE[[LID]] + 4))
    for name in ("tongueOut", "eyeLookUpLeft"):
        assert expression[ARKIT_NAMES.index(name)] == pytest.approx(before[ARKIT_NAMES.index(name)])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.sampled_from([point for part in PIN_POINTS.values() for point in part]),
        st.tuples(st.floats(-600, 600), st.floats(-600, 600)),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_pinned_the_head_stays_a_head_before_the_camera(moves):
    expression, pose, *_ = pinned(moves)
    assert np.isfinite(expression).all()
    assert expression.min() >= 0
    assert expression.max() <= 1
    np.testing.assert_allclose(pose.rotation[0] @ pose.rotation[0].T, np.eye(3), atol=1e-6)
    assert 0.4 <= pose.translation[0, 2] <= 1.2
