# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures of a performance measure what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semblance.benchmarks.lag_and_jitter import jitter, lag, still_frames

RATE = 25.0
MOMENTS = np.arange(100) / RATE


@given(late=st.floats(-0.12, 0.12))
def test_lag_is_found_to_a_fraction_of_a_frame(late: float) -> None:
    def signal(moments: np.ndarray) -> np.ndarray:
        return np.exp(-(((moments - 2) / 0.2) ** 2))

    assert lag(signal(MOMENTS), signal(MOMENTS - late), RATE) == pytest.approx(late, abs=0.01)


def test_jitter_is_the_deviation_of_noise_and_blind_to_drift() -> None:
    still = np.ones(len(MOMENTS), bool)
    noise = np.random.default_rng(0).normal(0, 0.2, (len(MOMENTS), 1))
    assert jitter(noise + MOMENTS[:, None], still) == pytest.approx(0.2, rel=0.2)
    assert jitter(MOMENTS[:, None], still) == pytest.approx(0, abs=1e-9)


def test_still_frames_are_where_nothing_moves_but_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (len(MOMENTS), 1))
    path = np.where(MOMENTS < 2, 0, np.sin(3 * (MOMENTS - 2)))[:, None]
    assert still_frames(path + noise, RATE)[60:].sum() == 0
