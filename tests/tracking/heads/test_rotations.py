# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations there and back, and against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp
from semblance.tracking.heads.rotations import blended, from_angles, from_vectors, to_angles, to_vectors

ANGLES = st.floats(-3.14, 3.14)


@given(st.tuples(ANGLES, ANGLES, ANGLES))
def test_vectors_agree_with_scipy_and_come_back(vector: tuple[float, float, float]) -> None:
    matrix = from_vectors(np.array([vector]))
    assert matrix == pytest.approx(Rotation.from_rotvec([vector]).as_matrix(), abs=1e-9)
    assert from_vectors(to_vectors(matrix)) == pytest.approx(matrix, abs=1e-9)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0.8, 0), (-0.6, 0, 0.8)])
def test_half_turns_come_back(axis: tuple[float, float, float]) -> None:
    matrix = from_vectors(np.pi * np.array([axis]))
    assert from_vectors(to_vectors(matrix)) == pytest.approx(matrix, abs=1e-9)


@given(st.floats(-1.5, 1.5), ANGLES, ANGLES)
def test_angles_come_back(pitch: float, yaw: float, roll: float) -> None:
    matrix = from_angles(np.array([[pitch, yaw, roll]]))
    assert matrix == pytest.approx(Rotation.from_euler("YXZ", [[yaw, pitch, roll]]).as_matrix(), abs=1e-9)
    assert to_angles(matrix) == pytest.approx(np.array([[pitch, yaw, roll]]), abs=1e-6)


def test_angles_mean_what_they_say() -> None:
    forward, left_ear = np.array([0, 0, -1.0]), np.array([1.0, 0, 0])
    assert (from_angles(np.array([0.3, 0, 0])) @ forward)[1] > 0, "a positive pitch looks down"
    assert (from_angles(np.array([0, 0.3, 0])) @ forward)[0] < 0, "a positive yaw looks to the subject's right"
    assert (from_angles(np.array([0, 0, 0.3])) @ left_ear)[1] > 0, "a positive roll lowers the left ear"


def test_between_two_rotations_is_the_shortest_way() -> None:
    ends = Rotation.from_rotvec([[0.1, 0.2, 0.3], [1.0, -0.7, 0.4]])
    share = np.linspace(0, 1, 5)
    first, second = (np.repeat(each[None], 5, 0) for each in ends.as_matrix())
    assert blended(first, second, share) == pytest.approx(Slerp([0, 1], ends)(share).as_matrix(), abs=1e-9)
