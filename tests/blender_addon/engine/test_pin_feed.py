# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinned frames come back one after the other, the newest wish first, over one connection, and never by waiting."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from semblance.blender_addon.engine import jobs
from semblance.blender_addon.engine.pin_feed import PinFeed
from semblance.common.errors import UserError


class Engine:
    """Answers a question, by its own text, as often as it may."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers, self.connected, self.refuses = 0, 0, False

    def ask_pinned(self, request):
        self.asked.append(request)
        return SimpleNamespace(answered=self.answered, face=lambda: self.face(request))

    def answered(self) -> bool:
        self.answers -= 1
        return self.answers >= 0

    def face(self, request):
        if self.refuses:
            raise UserError("No.")
        return f"{request} solved"

    def close(self) -> None:
        pass


@pytest.fixture
def engine(monkeypatch):
    made = Engine()

    def connecting(place):
        made.connected += 1
        yield SimpleNamespace(text="Starting the engine")
        return made

    monkeypatch.setattr(jobs, "connecting", connecting)
    return made


def brought(feed: PinFeed, steps: int = 8) -> list:
    return [answer for _ in range(steps) if (answer := feed.step())]


def test_while_one_is_solved_only_the_newest_of_the_others_waits(engine):
    feed = PinFeed(place=None)
    feed.want("first", 1)
    assert brought(feed) == []
    feed.want("second", 2)
    feed.want("third", 3)
    engine.answers = 99
    assert brought(feed) == [("first solved", 1), ("third solved", 3)]
    assert engine.asked == ["first", "third"]
    assert engine.connected == 1
    assert feed.idle


def test_a_refusal_forgets_the_wish_and_the_next_one_connects_anew(engine):
    feed = PinFeed(place=None)
    engine.answers, engine.refuses = 99, True
    feed.want("first", 1)
    with pytest.raises(UserError):
        brought(feed)
    assert feed.idle
    engine.refuses = False
    feed.want("second", 2)
    assert brought(feed) == [("second solved", 2)]
    assert engine.connected == 2
