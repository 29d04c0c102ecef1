# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that paints more slowly than frames come: it asks for fewer, and says that it is its own computer."""

from __future__ import annotations

import pytest
from semblance.engine.live.workload import Workload
from semblance.tests.makers.live import FakeClock

STEP = 0.1
CAMERA = 30.0


class Session:
    """A client that sends what is wanted, and a machine that makes `paints` pictures a second of it at most."""

    def __init__(self, paints: float) -> None:
        self.clock = FakeClock()
        self.workload = Workload(self.clock, CAMERA)
        self.paints, self.made, self.dropped = paints, 0.0, 0.0

    def go_on(self, seconds: float) -> Session:
        for _ in range(round(seconds / STEP)):
            self.clock.work(STEP)
            sent = self.workload.wanted
            self.made += STEP * min(sent, self.paints)
            self.dropped += STEP * max(0.0, sent - self.paints)
            self.workload.look(int(self.made), int(self.dropped))
        return self


def test_a_machine_that_keeps_up_is_given_everything():
    session = Session(paints=40).go_on(30)
    assert session.workload.wanted == CAMERA
    assert not session.workload.is_limit


@pytest.mark.parametrize("paints", [6.0, 11.0, 20.0])
def test_a_slow_machine_is_given_about_what_it_paints_and_says_so(paints):
    session = Session(paints).go_on(4)
    assert session.workload.is_limit
    before = session.dropped
    session.go_on(60)
    assert (session.dropped - before) / 60 < 0.2 * paints, "hardly any frame is worked on in vain"
    assert session.workload.made == pytest.approx(paints, rel=0.15)
    assert session.workload.words().startswith("The engine's computer makes ")
    assert f"makes {session.workload.made:.0f} pictures a second" in session.workload.words()


def test_a_machine_that_has_nothing_else_to_do_any_more_is_given_everything_again():
    session = Session(paints=8).go_on(10)
    session.paints = 60
    session.go_on(60)
    assert session.workload.wanted == CAMERA
    assert not session.workload.is_limit
