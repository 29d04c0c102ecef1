# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates are changed without changing the motion; gaps are found and filled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.rotations import from_vectors, to_vectors
from semblance.tracking.performances.resampling import at_rate, with_gaps_filled

if TYPE_CHECKING:
    from semblance.tracking.performances.performance import Performance

SMILE = ARKIT_NAMES.index("mouthSmileLeft")


def swinging(frames: int, fps: float) -> Performance:
    """A smile that comes and a head that turns, both at constant speed."""
    times = np.arange(frames) / fps
    expression = np.zeros((frames, 52), np.float32)
    expression[:, SMILE] = times / 2
    return at_rest(
        frames,
        expression=expression,
        rotation=from_vectors(np.outer(times, [0, 1, 0])),
        translation=np.stack([times, 0 * times, 1 + 0 * times], 1),
        times=times + 3.0,
        fps=fps,
    )


@pytest.mark.parametrize("fps", [24, 25, 30000 / 1001, 30, 120])
def test_another_rate_keeps_the_motion(fps: float) -> None:
    moved = at_rate(swinging(61, 60), fps)
    assert moved.times == pytest.approx(np.arange(len(moved)) / fps)
    assert moved.times[-1] == pytest.approx(1.0, abs=1 / fps)
    assert moved.fps == fps
    assert moved.expression[:, SMILE] == pytest.approx(moved.times / 2, abs=1e-5)
    assert to_vectors(moved.rotation)[:, 1] == pytest.approx(moved.times, abs=1e-5)
    assert moved.translation[:, 0] == pytest.approx(moved.times, abs=1e-5)
    assert moved.confidence.min() == 1


def test_the_same_rate_keeps_every_frame() -> None:
    performance = swinging(10, 25)
    assert np.array_equal(at_rate(performance, 25).expression, performance.expression)


def test_a_single_frame_stays_one() -> None:
    assert len(at_rate(swinging(1, 25), 60)) == 1


def test_gaps_are_filled_with_no_confidence() -> None:
    whole = swinging(20, 30)
    filled = with_gaps_filled(whole.at(np.r_[0:4, 9:20]))
    assert filled.times == pytest.approx(whole.times)
    assert filled.expression == pytest.approx(whole.expression, abs=1e-5)
    assert np.flatnonzero(filled.confidence == 0).tolist() == [4, 5, 6, 7, 8]


def test_what_has_no_gap_is_left_alone() -> None:
    performance = swinging(5, 30)
    assert with_gaps_filled(performance) is performance


def test_hours_between_two_takes_are_refused() -> None:
    performance = replace(swinging(3, 60), times=np.array([0, 1 / 60, 9000.0]))
    with pytest.raises(UserError, match="Between frames 1 and 2 9000 s are missing; split the file there"):
        with_gaps_filled(performance)
