# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection is given: over a simulated one, which carries so many bytes a second and lets none overtake."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from semblance.engine.live.pacing import PACES, Downlink
from semblance.engine.live.uplink import Uplink
from semblance.tests.makers.live import FakeClock

STEP = 0.001
PICTURE = 20_000
"""Bytes at the first pace."""


class Wire:
    """Carries bytes one after the other, each `delay` seconds later; acknowledgements come back by the same delay."""

    def __init__(self, clock: FakeClock, carries: float, delay: float = 0.02) -> None:
        self.clock, self.carries, self.delay = clock, carries, delay
        self.free = clock()
        self.arriving: deque[tuple[float, int]] = deque()

    def send(self, number: int, size: int) -> float:
        """Return after how many seconds it is acknowledged."""
        self.free = max(self.free, self.clock()) + size / self.carries
        self.arriving.append((self.free + 2 * self.delay, number))
        return self.free + 2 * self.delay - self.clock()

    def arrived(self) -> list[int]:
        found = []
        while self.arriving and self.arriving[0][0] <= self.clock():
            found.append(self.arriving.popleft()[1])
        return found


class Run:
    """A session of 25 pictures a second over a wire."""

    def __init__(self, carries: float, delay: float = 0.02) -> None:
        self.clock = FakeClock()
        self.link = Downlink(self.clock, 30.0)
        self.wire = Wire(self.clock, carries, delay)
        self.number, self.bytes, self.paces = 0, 0, [PACES[0]]
        self.waited: list[float] = []
        self.link.sent(0, 0)
        self.wire.send(0, 0)

    def go_on(self, seconds: float) -> Run:
        self.waited, self.bytes, self.shown = [], 0, 0
        next_picture, is_waiting = self.clock(), False
        end = self.clock() + seconds
        while self.clock() < end:
            for number in self.wire.arrived():
                self.link.seen(number)
                self.shown += 1
            if self.clock() >= next_picture:
                next_picture, is_waiting = next_picture + 1 / 25, True
            if is_waiting and self.link.wait() <= 0:
                self.number, is_waiting = self.number + 1, False
                size = round(PICTURE * self.link.pace.cost / self.link.pace.rate)
                self.link.sent(self.number, size)
                self.waited.append(self.wire.send(self.number, size))
                self.bytes += size
            if self.link.judge():
                self.paces.append(self.link.pace)
            self.clock.work(STEP)
        return self


def test_a_wide_connection_gets_everything_at_once():
    run = Run(carries=5e6).go_on(10)
    assert run.paces == [PACES[0]]
    assert run.shown == pytest.approx(250, abs=5)
    assert max(run.waited) < 0.06


@pytest.mark.parametrize("delay", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("carries", [300e3, 100e3, 30e3])
def test_a_narrow_connection_gets_what_fits_and_nothing_queues(carries, delay):
    run = Run(carries, delay).go_on(8)
    run.go_on(20)
    assert run.bytes / 20 < carries
    assert np.quantile(run.waited, 0.9) < 2 * delay + 0.15
    assert max(run.waited) < 2 * delay + 0.6, "a try that was too much is taken back soon"
    assert run.shown > 20 * 4


def test_it_says_why():
    run = Run(carries=100e3).go_on(8)
    words = run.link.words(128)
    assert "kB/s: pictures are 128 pixels wide, at most " in words
    told = float(words.split("about ")[1].split()[0])
    assert told == pytest.approx(100, rel=0.3)
    assert Run(carries=5e6).go_on(1).link.words(256) == "The connection carries the full size and rate."


def test_when_the_connection_recovers_everything_comes_back():
    run = Run(carries=60e3).go_on(10)
    assert run.link.pace != PACES[0]
    run.wire.carries = 5e6
    run.go_on(90)
    assert run.link.pace == PACES[0]


def test_a_connection_that_worsens_on_the_way_is_noticed_within_two_seconds():
    run = Run(carries=5e6).go_on(5)
    run.wire.carries = 50e3
    run.go_on(2)
    run.go_on(3)
    assert np.median(run.waited) < 0.25


def test_who_acknowledges_nothing_gets_little():
    clock = FakeClock()
    link, sent = Downlink(clock, 30.0), 0
    for _ in range(20_000):
        if link.wait() <= 0:
            sent += 1
            link.sent(sent, PICTURE)
        link.judge()
        clock.work(STEP)
    assert sent <= 30


def test_an_engine_that_hears_late_of_what_has_come_does_not_blame_the_connection():
    held_up, clock = 0.2, FakeClock()
    link = Downlink(clock, 30.0)
    link.sent(0, 0)
    clock.work(0.02)
    link.seen(0)
    for number in range(1, 200):
        link.sent(number, PICTURE)
        clock.work(0.02 + held_up)
        link.seen(number)
        assert not link.judge(held_up)
    assert not link.is_limit
    link.judge()
    assert link.is_limit, "without a word about that it would have"


def test_of_an_idle_connection_nothing_is_thought_anew():
    run = Run(carries=5e6).go_on(2)
    for _ in range(10_000):
        for number in run.wire.arrived():
            run.link.seen(number)
        assert not run.link.judge()
        run.clock.work(STEP)


def send_up(uplink: Uplink, clock: FakeClock, carries: float, seconds: float) -> list[float]:
    """Camera pictures at the rate and size that is asked for; return how long each was under way."""
    free, due, end, waits = clock(), clock(), clock() + seconds, []
    on_the_way: deque[tuple[float, float]] = deque()
    while clock() < end:
        while on_the_way and on_the_way[0][0] <= clock():
            uplink.arrived(on_the_way.popleft()[1] - 1000)
        wanted = uplink.wanted
        if clock() >= due and len(on_the_way) < 2:
            free = max(free, clock()) + 60_000 * (wanted.side / 640) ** 1.5 / carries
            waits.append(free - clock())
            on_the_way.append((free, clock()))
            due = clock() + 1 / wanted.rate
        uplink.judge()
        clock.work(STEP)
    return waits


def test_a_client_whose_pictures_come_late_is_asked_for_smaller_ones_and_for_larger_ones_again():
    clock = FakeClock()
    uplink = Uplink(clock)
    uplink.arrived(clock() - 1000)
    first = uplink.wanted
    assert send_up(uplink, clock, 10e6, 3)
    assert uplink.wanted == first
    send_up(uplink, clock, 200e3, 10)
    assert uplink.wanted.side < first.side
    assert np.median(send_up(uplink, clock, 200e3, 10)) < 0.15
    send_up(uplink, clock, 10e6, 60)
    assert uplink.wanted == first
