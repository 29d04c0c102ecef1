# SPDX-License-Identifier: GPL-3.0-or-later
"""What a viewport is brought: the newest wish, all of its pictures at once, and never by waiting."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from semblance.blender_addon.engine import jobs
from semblance.blender_addon.engine.picture_feed import PictureFeed, Wanted, Wish
from semblance.protocol.inputs import Maps
from semblance.protocol.look import USUAL_LOOK
from semblance.protocol.pictures import Pictures


class Engine:
    """Answers as often as it may; a picture's first value is the number of the avatar."""

    def __init__(self) -> None:
        self.answers, self.bad = 99, False
        self.asked: list[str] = []

    def ask_frames(self, avatar, inputs, look):
        self.asked.append(avatar)
        shape = (1, 2, 2, 3 if self.bad else 4)
        pictures = Pictures(np.full(shape, int(avatar), np.uint8))
        return SimpleNamespace(answered=self.answered, pictures=lambda: pictures)

    def answered(self) -> bool:
        self.answers -= 1
        return self.answers >= 0

    def close(self) -> None:
        pass


@pytest.fixture
def engine(monkeypatch):
    made = Engine()

    def connecting(place):
        yield SimpleNamespace(text="Starting the engine")
        return made

    monkeypatch.setattr(jobs, "connecting", connecting)
    return made


def wish(moment: str, *avatars: int) -> Wish:
    nothing = Maps(*np.zeros((2, 1, 4, 4, 3), np.float16))
    return Wish(tuple(Wanted(str(avatar), nothing, USUAL_LOOK) for avatar in avatars), moment)


def brought(feed: PictureFeed, steps: int = 6) -> list[bool]:
    return [feed.step() for _ in range(steps)]


def test_all_pictures_of_a_wish_come_together(engine):
    feed = PictureFeed(place=None)
    assert not feed.step()
    feed.want(wish("now", 3, 7))
    assert feed.step()
    assert (feed.text, feed.answer) == ("Starting the engine", None)
    engine.answers = 0
    assert not any(brought(feed))
    engine.answers = 99
    assert brought(feed).count(True) == 1
    assert feed.idle
    assert feed.answer.moment == "now"
    assert [int(each.rgba[0, 0, 0, 0]) for each in feed.answer.pictures] == [3, 7]
    assert feed.text == ""


def test_only_the_newest_wish_is_sent(engine):
    feed = PictureFeed(place=None)
    feed.want(wish("first", 1))
    feed.step()
    engine.answers = 0
    brought(feed)
    for moment, avatar in (("second", 2), ("third", 3)):
        feed.want(wish(moment, avatar))
        assert feed.wanting
    engine.answers = 1
    feed.step()
    assert feed.answer.moment == "first"
    assert engine.asked == ["1", "3"], "the next question goes out with the answer to the last"
    engine.answers = 1
    brought(feed)
    assert feed.answer.moment == "third"


def test_trouble_is_said_and_rested_from(engine):
    feed = PictureFeed(place=None)
    engine.bad = True
    feed.want(wish("now", 1))
    brought(feed)
    assert "update the engine" in feed.text
    assert feed.answer is None
    feed.want(wish("then", 1))
    assert not any(brought(feed))
