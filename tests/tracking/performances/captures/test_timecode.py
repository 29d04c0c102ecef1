# SPDX-License-Identifier: GPL-3.0-or-later
"""Timecodes: frame rates inferred, midnight, numbers that drop-frame timecode leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.tracking.performances.captures.timecode import read_timecodes, timecode

HERE = Path("take.csv")


def read(texts: list[str]) -> tuple[np.ndarray, float]:
    return read_timecodes(texts, range(2, len(texts) + 2), HERE)


@given(
    st.sampled_from([24, 25, 30000 / 1001, 30, 50, 60000 / 1001, 60]),
    st.integers(0, 24 * 3600 - 1),
    st.integers(130, 400),
)
def test_any_rate_from_any_moment_on(fps: float, start: int, frames: int) -> None:
    times = np.arange(frames) / fps
    found, rate = read([timecode(start + time, fps) for time in times])
    assert rate == pytest.approx(fps)
    assert found == pytest.approx(times, abs=1e-4)


def test_midnight_lies_between() -> None:
    times, fps = read(["23:59:59:28", "23:59:59:29", "00:00:00:00", "00:00:00:01"])
    assert fps == 30
    assert times == pytest.approx(np.arange(4) / 30)


@pytest.mark.parametrize("sign", [":", ";"])
def test_dropped_numbers_are_no_dropped_frames(sign: str) -> None:
    before = [f"00:00:59{sign}{frame:02d}" for frame in range(30)]
    times, fps = read([*before, f"00:01:00{sign}02", f"00:01:00{sign}03"])
    assert fps == pytest.approx(30000 / 1001)
    assert np.diff(times) == pytest.approx(np.full(31, 1001 / 30000))


def test_known_drop_frame_numbers() -> None:
    assert timecode(1799 * 1001 / 30000, 30000 / 1001) == "00:00:59;29.000"
    assert timecode(1800 * 1001 / 30000, 30000 / 1001) == "00:01:00;02.000"
    assert timecode(17982 * 1001 / 30000, 30000 / 1001) == "00:10:00;00.000"


def test_every_other_number_is_half_the_rate() -> None:
    _, fps = read([f"00:00:{second:02d}:{frame:02d}" for second in (0, 1) for frame in range(0, 60, 2)])
    assert fps == 30


def test_a_clock_that_runs_a_little_slow_drops_nothing() -> None:
    counts = np.arange(4000) * 1.00062 + 0.1
    texts = [f"00:{int(c // 3600):02d}:{int(c // 60 % 60):02d}:{c % 60:06.3f}" for c in counts]
    times, fps = read(texts)
    assert fps == 60
    assert np.diff(times).max() < 1.1 / 60


@pytest.mark.parametrize("text", ["", "12:00", "00:00:00", "00:00:00:xx", "1.25"])
def test_what_is_no_timecode_is_named(text: str) -> None:
    with pytest.raises(UserError, match=r"^Line 3 of take.csv has the timecode “.*”; HH:MM:SS:FF.fff is needed\.$"):
        read(["00:00:00:00", text])


def test_time_that_goes_back_is_named() -> None:
    with pytest.raises(UserError, match=r"In line 4 of take.csv time goes back"):
        read(["00:00:01:00", "00:00:01:01", "00:00:00:10"])
