# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress over frames, and time in words."""

from __future__ import annotations

import time

import pytest
from semblance.common.clock import Clock, duration
from semblance.common.progress import Progress


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that clocks read."""
    moment = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    return moment


def test_a_frame_is_told_when_it_begins_or_when_it_is_finished(now: list[float]) -> None:
    heard: list[Progress] = []
    clock = Clock("Drawing", 4, heard.append)
    clock.tell(0)
    now[0] = 6.0
    clock.tell(2)
    clock.tell_finished(3)
    assert heard == [
        Progress("Drawing", 0, 4, "frame 1 of 4"),
        Progress("Drawing", 2, 4, "frame 3 of 4", 6.0),
        Progress("Drawing", 3, 4, "frame 3 of 4", 2.0),
    ]


def test_without_a_total_the_time_left_is_unknown_until_one_is_found(now: list[float]) -> None:
    heard: list[Progress] = []
    clock = Clock("Rendering", 0, heard.append)
    now[0] = 3.0
    clock.tell(1)
    clock.total = 2
    clock.tell(1, "nearly there")
    assert heard == [Progress("Rendering", 1, 0, "frame 2"), Progress("Rendering", 1, 2, "nearly there", 3.0)]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (4801, "1 h 20 min")],
)
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(59, "59 s"), (61, "1 min"), (3540, "59 min"), (3599, "1 h 00 min"), (4830, "1 h 20 min")]
)
def test_a_coarse_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds, coarse=True) == words
