# SPDX-License-Identifier: GPL-3.0-or-later
"""The live filter leaves rest alone, follows a step without overshoot, calms jitter and knows past frames only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.solving.one_euro import OneEuro

if TYPE_CHECKING:
    from semblance.tracking.performances.performance import Performance

RATE = 30
BLINK, SMILE = ARKIT_NAMES.index("eyeBlinkLeft"), ARKIT_NAMES.index("mouthSmileLeft")
rates = st.floats(10, 60)


def still(frames: int, rate: float = RATE, expression: float = 0.3) -> Performance:
    return at_rest(
        frames,
        expression=expression,
        rotation=Rotation.from_rotvec([0.1, -0.2, 0.3]).as_matrix(),
        translation=(0.1, 0, 0.9),
        gaze=0.1,
        times=np.arange(frames) / rate,
    )


def jitter(values: np.ndarray) -> float:
    return float(np.abs(np.diff(values, 2, axis=0)).mean())


@given(rates, st.floats(0, 1))
def test_what_is_constant_stays(rate: float, expression: float) -> None:
    performance = still(20, rate, expression)
    calm = OneEuro().smoothed(performance)
    for name in ("expression", "rotation", "translation", "gaze"):
        assert getattr(calm, name) == pytest.approx(getattr(performance, name), abs=1e-6)


@settings(max_examples=30)
@given(rates, st.floats(0, 1), st.floats(0, 1))
def test_a_step_is_followed_to_its_end_and_no_further(rate: float, before: float, after: float) -> None:
    performance = still(round(4 * rate), rate, before)
    performance.expression[3:] = after
    followed = OneEuro().smoothed(performance).expression[:, SMILE]
    low, high = min(before, after), max(before, after)
    assert (followed > low - 1e-6).all()
    assert (followed < high + 1e-6).all()
    assert followed[-1] == pytest.approx(after, abs=0.01)


@pytest.mark.slow
@given(rates, st.floats(-1.5, 1.5))
def test_a_turn_is_followed_along_its_axis(rate: float, angle: float) -> None:
    performance = still(round(4 * rate), rate)
    axis = np.array([0.6, 0.0, 0.8])
    performance.rotation[:] = np.eye(3)
    performance.rotation[3:] = Rotation.from_rotvec(angle * axis).as_matrix()
    turned = OneEuro().smoothed(performance).rotation
    assert turned @ turned.swapaxes(1, 2) == pytest.approx(np.tile(np.eye(3), (len(turned), 1, 1)), abs=1e-5)
    along = Rotation.from_matrix(turned).as_rotvec() @ axis * np.sign(angle)
    assert (along < abs(angle) + 1e-5).all()
    assert along[-1] == pytest.approx(abs(angle), abs=0.02)


def test_jitter_of_a_still_head_goes() -> None:
    rng = np.random.default_rng(0)
    performance = still(100)
    performance.translation[:] += rng.normal(0, 0.0003, (100, 3)).astype(np.float32)
    performance.rotation[:] = Rotation.from_rotvec(rng.normal(0, 0.002, (100, 3))).as_matrix()
    performance.gaze[:] += rng.normal(0, 0.005, (100, 2, 2)).astype(np.float32)
    calm = OneEuro().smoothed(performance)
    for name in ("rotation", "translation", "gaze"):
        assert jitter(getattr(calm, name)) < 0.4 * jitter(getattr(performance, name))


def test_a_blink_is_not_lost() -> None:
    performance = still(60)
    performance.expression[:, BLINK] = 0.05
    performance.expression[30:35, BLINK] = [0.4, 0.9, 1.0, 0.8, 0.3]
    blink = OneEuro().smoothed(performance).expression[:, BLINK]
    assert blink.max() > 0.85
    assert abs(int(blink.argmax()) - 32) <= 1


def test_frame_by_frame_is_as_all_at_once() -> None:
    performance = still(30)
    performance.expression[:] = np.random.default_rng(1).random((30, 52))
    whole, live = OneEuro().smoothed(performance), OneEuro()
    pieces = [live.smoothed(performance.at(slice(index, index + 1))) for index in range(30)]
    assert np.concatenate([piece.expression for piece in pieces]) == pytest.approx(whole.expression)


def test_time_that_goes_back_starts_anew() -> None:
    live = OneEuro()
    live.smoothed(still(10))
    other = replace(still(1, expression=0.9), times=np.zeros(1))
    assert live.smoothed(other).expression == pytest.approx(other.expression)


def test_a_long_gap_is_not_smoothed_over() -> None:
    live = OneEuro()
    live.smoothed(still(10))
    later = replace(still(1, expression=0.9), times=np.array([5.0]))
    assert live.smoothed(later).expression == pytest.approx(later.expression, abs=0.03)
