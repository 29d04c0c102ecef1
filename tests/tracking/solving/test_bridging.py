# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps are bridged smoothly and within bounds; what is seen stays; hidden regions do not hold the others back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.performances.performance import REGIONS, Performance
from semblance.tracking.solving.bridging import EASING, SHORT, bridged, columns_of, filled
from semblance.tracking.solving.smoothing import at_times

RATE = 25
SMILE, BLINK = ARKIT_NAMES.index("mouthSmileLeft"), ARKIT_NAMES.index("eyeBlinkLeft")
REST = np.zeros(1, np.float32)


def take(frames: int) -> Performance:
    turns = Rotation.from_rotvec(np.outer(np.linspace(0, 1, frames), [0, 0.8, 0])).as_matrix()
    return at_rest(frames, rotation=turns, times=np.arange(frames) / RATE)


def gap(frames: int, start: int, stop: int) -> np.ndarray:
    known = np.ones(frames, bool)
    known[start:stop] = False
    return known


@given(
    arrays(np.float32, (60, 3), elements=st.floats(0, 1, width=32)),
    arrays(bool, 60),
    arrays(np.float32, 3, elements=st.floats(0, 1, width=32)),
)
def test_what_is_seen_stays_and_bridges_keep_within_bounds(
    values: np.ndarray, known: np.ndarray, rest: np.ndarray
) -> None:
    found = filled(values, known, np.arange(60) / RATE, rest)
    assert (found[known] == values[known]).all()
    assert found.min() >= -1e-6
    assert found.max() <= 1 + 1e-6


@given(st.integers(1, 60), st.floats(0, 1, width=32), st.floats(0, 1, width=32))
def test_bridges_do_not_jump(length: int, before: float, after: float) -> None:
    values = np.full((length + 20, 1), before, np.float32)
    values[10 + length :] = after
    found = filled(values, gap(len(values), 10, 10 + length), np.arange(len(values)) / RATE, REST)
    quickest = 2 * max(before, after, abs(after - before)) / min(EASING * RATE, (length + 1) / 2)
    assert np.abs(np.diff(found[:, 0])).max() <= quickest + 1e-6


def test_a_short_gap_is_crossed_and_a_long_one_comes_to_rest() -> None:
    values = np.ones((100, 1), np.float32)
    short, long = (
        filled(values, gap(100, 20, stop), np.arange(100) / RATE, REST) for stop in (20 + int(SHORT * RATE) - 1, 70)
    )
    assert (short == 1).all()
    assert long[45] == 0
    assert long[20] > 0.9
    assert long[69] > 0.9


def test_a_take_that_begins_or_ends_unseen_does_so_at_rest() -> None:
    known = gap(100, 0, 40) & gap(100, 60, 100)
    found = filled(np.ones((100, 1), np.float32), known, np.arange(100) / RATE, REST)
    assert found[[0, 99]].tolist() == [[0], [0]]


def test_a_hidden_mouth_is_bridged_while_the_eyes_go_on() -> None:
    performance = take(50)
    performance.expression[:, SMILE] = 0.5
    performance.expression[20:28, SMILE] = 0.9
    performance.expression[24, BLINK] = 1.0
    performance.region_confidence[20:28, REGIONS.index("mouth")] = 0.1
    found = bridged(performance).expression
    assert found[:, SMILE] == pytest.approx(0.5, abs=1e-6)
    assert found[24, BLINK] == 1


def test_lost_frames_turn_on_and_their_rotations_stay_rotations() -> None:
    whole = take(60)
    seen = gap(60, 20, 50)
    found = bridged(at_times(whole.at(seen), whole.times))
    assert (found.confidence == seen).all()
    assert found.rotation @ found.rotation.swapaxes(1, 2) == pytest.approx(np.tile(np.eye(3), (60, 1, 1)), abs=1e-5)
    assert found.rotation == pytest.approx(whole.rotation, abs=1e-3)


def test_a_take_without_any_face_is_at_rest() -> None:
    performance = replace(take(5), expression=np.full((5, 52), 0.4, np.float32)).lost_at(np.ones(5, bool))
    assert bridged(performance).expression == pytest.approx(0.4)


def test_every_expression_belongs_to_one_region() -> None:
    columns = np.concatenate([columns_of(region) for region in REGIONS])
    assert sorted(columns) == list(range(52))


def test_an_eye_that_is_hidden_looks_where_the_other_one_does() -> None:
    performance = take(30)
    performance.gaze[:, 1] = 0.2
    performance.gaze[10:20, 0] = -0.6
    performance.gaze[:10, 0] = performance.gaze[20:, 0] = 0.2
    regions = performance.region_confidence.copy()
    regions[10:20, REGIONS.index("leftEye")] = 0.3
    np.testing.assert_allclose(bridged(replace(performance, region_confidence=regions)).gaze, 0.2, atol=1e-6)
