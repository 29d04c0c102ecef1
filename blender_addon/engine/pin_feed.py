# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the engine solve pinned frames and never waits: the newest wish goes out, one question at a time. No bpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from . import jobs
from .jobs import Bar
from .pulse import soon

if TYPE_CHECKING:
    from ...protocol.client import Client
    from ...protocol.pins import PinnedFace, PinRequest
    from .jobs import Task
    from .process import EnginePlace

Moment = TypeVar("Moment")
"""What a wisher notes with a wish."""
SOLVING = "Solving the frame"


class PinFeed(Generic[Moment]):
    """The newest answer to the newest wish, over a connection that is kept."""

    def __init__(self, place: EnginePlace) -> None:
        self._place = place
        self._client: Client | None = None
        self._wish: tuple[PinRequest, Moment] | None = None
        self._work: Task[tuple[PinnedFace, Moment]] | None = None

    @property
    def idle(self) -> bool:
        """True when there is nothing to bring."""
        return self._wish is None and self._work is None

    def want(self, request: PinRequest, moment: Moment) -> None:
        """Wish for a frame, in place of an older wish that has not been sent."""
        self._wish = (request, moment)

    def step(self) -> tuple[PinnedFace, Moment] | None:
        """Go on as far as it goes without waiting; return the answer that has come, if any.

        Raises:
            UserError: there is no engine, or it refuses; what was wished for is forgotten.
        """
        if self._work is None:
            if self._wish is None:
                return None
            self._work, self._wish = self._brought(*self._wish), None
        try:
            next(self._work)
        except StopIteration as end:
            self._work = None
            answer: tuple[PinnedFace, Moment] = end.value
            return answer
        except BaseException:
            self.close()
            raise
        return None

    def close(self) -> None:
        """Let go of the engine."""
        if self._work:
            self._work.close()
        if self._client:
            self._client.close()
        self._work = self._client = self._wish = None

    def _brought(self, request: PinRequest, moment: Moment) -> Task[tuple[PinnedFace, Moment]]:
        """Connect where that was not done, and ask."""
        if self._client is None:
            self._client = yield from jobs.connecting(self._place)
        question = self._client.ask_pinned(request)
        yield from soon(question, Bar(SOLVING))
        return question.face(), moment


def solving(place: EnginePlace, request: PinRequest) -> Task[PinnedFace]:
    """Have the engine solve one pinned frame, as a task.

    Raises:
        UserError: there is no engine, or it refuses.
    """
    client = yield from jobs.connecting(place)
    try:
        question = client.ask_pinned(request)
        yield from soon(question, Bar(SOLVING))
        return question.face()
    finally:
        client.close()
