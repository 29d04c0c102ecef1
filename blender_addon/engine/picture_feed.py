# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a viewport its neural pictures and never waits: the newest wish goes out, one question at a time. No bpy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ...common.errors import UserError
from . import jobs
from .frame_service import checked
from .pulse import awaited

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...protocol.client import Client
    from ...protocol.inputs import Inputs
    from ...protocol.look import Look
    from ...protocol.pictures import Pictures
    from .process import EnginePlace

Moment = TypeVar("Moment")
"""What a wisher notes with a wish."""

SECONDS_AFTER_AN_ERROR = 3.0
"""Before the engine is asked again; an artist can read the sentence meanwhile."""


@dataclass(frozen=True)
class Wanted:
    """A picture wanted: the avatar's id, the inputs of one frame, and its look."""

    avatar: str
    inputs: Inputs
    look: Look


@dataclass(frozen=True, eq=False)
class Wish(Generic[Moment]):
    """Pictures wanted of one moment, of which the wisher knows more than the engine needs."""

    wanted: tuple[Wanted, ...]
    moment: Moment


@dataclass(frozen=True, eq=False)
class Answer(Generic[Moment]):
    """A wish's pictures, in its order."""

    pictures: tuple[Pictures, ...]
    moment: Moment


class PictureFeed(Generic[Moment]):
    """The newest answer to the newest wish.

    Attributes:
        answer: None before the first.
        text: what to tell the artist while there is nothing to show, or what went wrong.
    """

    def __init__(self, place: EnginePlace) -> None:
        self.answer: Answer[Moment] | None = None
        self.text = ""
        self._place = place
        self._wish: Wish[Moment] | None = None
        self._work: Generator[None, None, None] | None = None
        self._asking = False
        self._rest_until = 0.0

    @property
    def idle(self) -> bool:
        """True when there is nothing to bring; only then may `step` be left alone."""
        return self._wish is None and not self._asking

    @property
    def wanting(self) -> bool:
        """True while a wish has not been sent yet, so that a newer one would only replace it."""
        return self._wish is not None

    def want(self, wish: Wish[Moment]) -> None:
        """Wish for pictures, in place of an older wish that has not been sent."""
        self._wish = wish

    def step(self) -> bool:
        """Go on with the work as far as it goes without waiting; tell whether there is something new to show."""
        if self.idle or time.monotonic() < self._rest_until:
            return False
        before = (self.answer, self.text)
        self._work = self._work or self._bring()
        try:
            next(self._work)
        except UserError as error:
            self.close()
            self.text = str(error)
            self._rest_until = time.monotonic() + SECONDS_AFTER_AN_ERROR
        return before[0] is not self.answer or before[1] != self.text

    def close(self) -> None:
        """Let go of the engine."""
        if self._work:
            self._work.close()
        self._work, self._asking = None, False

    def _bring(self) -> Generator[None, None, None]:
        """Connect, then answer wishes; yields instead of waiting."""
        connecting = jobs.connecting(self._place)
        client = None
        try:
            while client is None:
                try:
                    self.text = next(connecting).text
                    yield
                except StopIteration as end:
                    client = end.value
            while True:
                wish, self._wish = self._wish, None
                if wish is None:
                    yield
                    continue
                self._asking = True
                pictures: tuple[Pictures, ...] = ()
                for wanted in wish.wanted:
                    pictures += ((yield from self._picture(client, wanted)),)
                self.answer, self.text, self._asking = Answer(pictures, wish.moment), "", False
        finally:
            connecting.close()
            if client:
                client.close()

    def _picture(self, client: Client, wanted: Wanted) -> Generator[None, None, Pictures]:
        """Ask for one picture; yields instead of waiting."""
        question = client.ask_frames(wanted.avatar, wanted.inputs, wanted.look)
        yield from awaited(client, question, None)
        return checked(question.pictures())
