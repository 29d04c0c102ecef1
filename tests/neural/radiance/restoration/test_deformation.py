# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head does between two poses: turning is no stretch, and a jaw that opens turns no skull."""

import numpy as np
import pytest
from semblance.neural.radiance.restoration.deformation import Stretch, best_turn, skull, turn_between
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.head import ARKIT_NAMES, gaze_rotation

HEAD = load_builtin()
REST = HEAD.mean.astype(np.float32)
TURN = gaze_rotation(0.2, 0.6)


def expressing(name: str) -> np.ndarray:
    weights = np.zeros(52, np.float32)
    weights[ARKIT_NAMES.index(name)] = 1
    return HEAD.posed(REST, weights)


def test_turning_is_no_stretch_and_stretching_is():
    stretch = Stretch(REST, HEAD.triangles)
    assert stretch.to(REST @ TURN.T + 1).max() < 5e-3
    np.testing.assert_allclose(stretch.to(REST * 2), 2 * np.log(2), rtol=1e-3)
    wider = stretch.to(REST * np.array([1.2, 1, 1]))
    assert wider.min() >= 0
    assert wider.max() == pytest.approx(np.log(1.2), abs=0.01)


def test_a_smile_stretches_the_cheeks_and_not_the_forehead():
    change = Stretch(REST, HEAD.triangles).to(expressing("mouthSmileLeft"))
    assert change[HEAD.landmarks[291]] > 0.2  # the left corner of the mouth
    assert change[HEAD.landmarks[10]] < 0.02


def test_a_turn_is_found():
    rotation, translation = best_turn(REST, REST @ TURN.T + [0.1, 0.2, 0.9])
    np.testing.assert_allclose(rotation, TURN, atol=1e-5)
    np.testing.assert_allclose(translation, [0.1, 0.2, 0.9], atol=1e-5)


@pytest.mark.parametrize("expression", ["jawOpen", "browInnerUp", "mouthSmileLeft"])
def test_an_expression_turns_no_skull(expression):
    above = skull(HEAD)
    assert above.sum() > 500
    rotation, translation = turn_between(REST[above], (expressing(expression) @ TURN.T)[above])
    np.testing.assert_allclose(rotation, TURN, atol=3e-3)
    np.testing.assert_allclose(translation, 0, atol=5e-4)
