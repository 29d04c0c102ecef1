# SPDX-License-Identifier: GPL-3.0-or-later
"""A session from its source to its pictures: what is shown, how late it is, and what happens to old frames."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.engine.live.backgrounds import plain_picture, with_driver
from semblance.engine.live.figures import SessionMeter
from semblance.engine.live.session import actor_of, live_pictures
from semblance.protocol.inputs import Maps, PosedMesh
from semblance.tests.makers.footage import portrait
from semblance.tests.makers.live import SIDE, FakeClock, InStep, StandInAvatar, opening
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.live.motion import Motion, TrackedFace
from semblance.tracking.live.source import Shot

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from semblance.engine.live.session import LivePicture


def shown(source: InStep, avatar: StandInAvatar, **options: object) -> list[LivePicture]:
    pictures = []
    with closing(live_pictures(source, actor_of(avatar, **options))) as session:  # type: ignore[arg-type]
        for picture in session:
            pictures.append(picture)
            source.shown.release()
    return pictures


def levels(pictures: list[LivePicture]) -> list[int]:
    return [int(each.picture[0, 0, 0]) for each in pictures]


def test_an_avatar_does_what_its_driver_does():
    avatar = StandInAvatar()
    pictures = shown(InStep(opening([*[0.0] * 12, 0.5, 1.0, 0.0])), avatar)
    assert levels(pictures) == [0] * 12 + [100, 200, 0]
    assert [each.performance.times[0] for each in pictures] == pytest.approx(np.arange(15) / 10)
    assert len(avatar.painted) == 16, "and one before the source started"


@pytest.mark.parametrize("inputs", [Maps, PosedMesh])
def test_every_kind_of_avatar_gets_its_inputs(inputs):
    avatar = StandInAvatar(inputs=inputs)
    pictures = shown(InStep(opening([0.0, 0.0])), avatar)
    assert len(pictures) == 2
    assert {type(each) for each in avatar.painted} == {inputs}
    assert list(pictures[0].spent) == ["draw", "paint", "background"]


def test_a_performance_of_the_avatars_own_is_taken_as_it_is():
    person = at_rest(head=load_builtin())
    whole = replace(at_rest(4, head=load_builtin(), expression=0.25), identity=person.identity)
    pictures = shown(InStep(opening([0.25] * 8)), StandInAvatar(person=person), driver=whole)
    assert levels(pictures)[-1] == 50
    others = shown(InStep(opening([0.25] * 8)), StandInAvatar(), driver=replace(whole, identity=person.identity + 1))
    assert levels(others)[-1] == 0, "another's open mouth at rest is his neutral"


def test_the_newest_motion_wins_and_the_others_are_dropped():
    begun, go_on = threading.Event(), threading.Event()
    dropped: list[None] = []
    first = threading.Event()

    def paint() -> None:
        if first.is_set():
            begun.set()
            assert go_on.wait(60)
        first.set()

    class Rushing:
        name, fps = "a rush", 10.0

        def motions(self, dropped: Callable[[], None]) -> Generator[Motion, None, None]:
            motions = opening([0.0] * 40)
            yield motions[0]
            assert begun.wait(60)
            yield from motions[1:]
            go_on.set()

    source, actor = Rushing(), actor_of(StandInAvatar(paint=paint))
    with closing(live_pictures(source, actor, dropped=lambda: dropped.append(None))) as session:
        times = [round(10 * each.motion.time) for each in session]
    assert times[-1] == 39, "the last one is always shown"
    assert len(times) + len(dropped) == 40
    assert len(times) <= 8, "what waited is gone"
    assert times == sorted(times)


def test_a_source_that_fails_ends_the_session_with_its_sentence_and_no_thread_stays():
    before = set(threading.enumerate())

    class Failing:
        name, fps = "a test", 10.0

        def motions(self, dropped: Callable[[], None]) -> Generator[Motion, None, None]:
            yield from opening([0.0, 0.0])
            raise UserError("The camera is gone.")

    with (
        pytest.raises(UserError, match="The camera is gone"),
        closing(live_pictures(Failing(), actor_of(StandInAvatar()))) as session,
    ):
        list(session)
    source = InStep(opening([0.0] * 9))
    with closing(live_pictures(source, actor_of(StandInAvatar()))) as session:
        next(session)
        source.shown.release(9)  # a source goes on, also while it is being left
    assert before.issuperset(threading.enumerate())


class Flashing:
    """A camera's pictures of a face, and a patch in the corner that is white from one of them on; in step."""

    name, fps, size = "a test", 1 / 0.15, (256, 256)

    def __init__(self, clock: FakeClock, count: int, white_from: int) -> None:
        self.clock, self.count, self.white_from = clock, count, white_from
        self.shown = threading.Semaphore(1)
        self.flashed_at = 0.0

    def shots(self) -> Generator[Shot, None, None]:
        for index in range(self.count):
            if not self.shown.acquire(timeout=300):
                return
            picture = portrait()
            picture[:48, :48] = 255 if index >= self.white_from else 0
            if index == self.white_from:
                self.flashed_at = self.clock()
            yield Shot(picture, index * 0.15, self.clock())


def is_white(picture: np.ndarray) -> bool:
    """Whether the patch, in the corner of the inset in the lower left corner, is white."""
    margin, inset = round(SIDE / 40), SIDE // 4
    corner = picture[SIDE - margin - inset :, margin : margin + inset][:2, :2]
    return bool(corner.min() > 200)


def test_latency_measured_from_outside_is_what_the_session_tells():
    clock = FakeClock()
    source = Flashing(clock, count=16, white_from=14)
    avatar = StandInAvatar(paint=lambda: clock.work(0.040))
    actor = actor_of(avatar, laid=with_driver(plain_picture))
    meter, told, outside, states = SessionMeter(), [], [], []
    with closing(live_pictures(TrackedFace(source, actor.head, clock), actor, clock=clock)) as session:
        for each in session:
            clock.work(0.010)  # showing it
            meter.finish(each.motion.captured, clock(), each.spent)
            states.append(each.motion.state)
            if is_white(each.picture):
                told.append(clock() - each.motion.captured)
                outside.append(clock() - source.flashed_at)
            source.shown.release()
    assert len(outside) == 2
    assert outside[0] == pytest.approx(0.050)
    assert told[0] == pytest.approx(outside[0])
    reading = meter.read()
    assert reading.reading.latency == pytest.approx(0.050)
    assert reading.spent == pytest.approx({"face": 0, "solve": 0, "draw": 0, "paint": 0.04, "background": 0})
    assert (states[0], states[-1]) == ("learning", "following")


def test_figures_in_words():
    meter = SessionMeter()
    for index in range(26):
        spent = {"face": 0.005, "paint": 0.016 if index else 9.0}
        meter.finish(index / 25, index / 25 + 0.048, spent)
    meter.drop()
    words = meter.read().in_words()
    assert words == "25.0 frames/s, latency 48 ms (slowest 48), 1 dropped; face 5, paint 16 ms"
