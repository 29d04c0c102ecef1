# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing calms what is still, leaves blinks alone and never comes late."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.solving.smoothing import at_times, smoothed

if TYPE_CHECKING:
    from semblance.tracking.performances.performance import Performance

FRAMES = 100
BLINK, SMILE = ARKIT_NAMES.index("eyeBlinkLeft"), ARKIT_NAMES.index("mouthSmileLeft")


def still_performance(frames: int = FRAMES) -> Performance:
    return at_rest(frames, expression=0.3)


def jitter(values: np.ndarray) -> float:
    return float(np.abs(np.diff(values, 2, axis=0)).mean())


def test_jitter_of_a_still_head_goes() -> None:
    rng = np.random.default_rng(0)
    performance = still_performance()
    noise = rng.normal(0, 0.003, (FRAMES, 3))
    performance.rotation[:] = Rotation.from_rotvec(noise).as_matrix()
    performance.translation[:] += rng.normal(0, 0.0005, (FRAMES, 3)).astype(np.float32)
    calm = smoothed(performance)
    assert jitter(calm.rotation) < 0.2 * jitter(performance.rotation)
    assert jitter(calm.translation) < 0.2 * jitter(performance.translation)


def test_a_blink_keeps_its_depth_and_its_frame() -> None:
    performance = still_performance()
    performance.expression[:, BLINK] = 0.05
    performance.expression[48:53, BLINK] = [0.4, 0.9, 1.0, 0.8, 0.3]
    blink = smoothed(performance).expression[:, BLINK]
    assert blink.argmax() == 50
    assert blink.max() > 0.95


def test_motion_is_not_delayed() -> None:
    performance = still_performance()
    swing = 0.3 * np.sin(np.arange(FRAMES) / 6)
    performance.rotation[:] = Rotation.from_rotvec(np.outer(swing, [0, 1, 0])).as_matrix()
    found = Rotation.from_matrix(smoothed(performance).rotation).as_rotvec()[:, 1]
    assert found == pytest.approx(swing, abs=0.02)
    lags = [np.corrcoef(found[5:-5], swing[5 + lag : FRAMES - 5 + lag])[0, 1] for lag in (-1, 0, 1)]
    assert np.argmax(lags) == 1


def test_a_steady_drift_is_kept_to_the_ends() -> None:
    performance = still_performance()
    performance.expression[:, SMILE] = np.linspace(0.1, 0.9, FRAMES)
    assert smoothed(performance).expression[:, SMILE] == pytest.approx(performance.expression[:, SMILE], abs=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_short_takes_pass(frames: int) -> None:
    assert len(smoothed(still_performance(frames))) == frames


def test_gaps_are_interpolated_with_no_confidence() -> None:
    performance = still_performance(3)
    performance.expression[:, SMILE] = [0.0, 0.2, 0.8]
    performance = at_times(replace(performance, times=np.array([0.04, 0.08, 0.16])),
                           np.array([0.0, 0.04, 0.08, 0.12, 0.16, 0.2]))  # fmt: skip
    assert performance.confidence.tolist() == [0, 1, 1, 0, 1, 0]
    assert performance.expression[:, SMILE] == pytest.approx([0.0, 0.0, 0.2, 0.5, 0.8, 0.8])
