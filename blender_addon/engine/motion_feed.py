# SPDX-License-Identifier: GPL-3.0-or-later
"""Live motions from the engine, as Blender reads them: found, asked for and read in steps that never wait. No bpy."""

from __future__ import annotations

import statistics
import time
from collections import deque
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...protocol.motions import (
    Ended,
    LiveMotion,
    LiveSource,
    SoundRequest,
    ask_for_neutral,
    ask_motions,
    ask_to_listen,
    ask_to_stop_listening,
)
from ..words import translated
from .jobs import asking, connecting
from .pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...protocol.client import Client, Question
    from ...protocol.motions import MotionsQuestion, MotionsRequest
    from .jobs import Task
    from .process import EnginePlace

SILENCE = 20.0
"""Seconds after which a session that says nothing any more, not even that it is there, is lost."""
SPAN = 1.0
"""Seconds over which rate and latency are told."""
WORDS = {
    "looking": "Looking for a face",
    "learning": "Getting to know the face",
    "following": "Following",
    "lost": "Face lost",
}


class MotionFeed:
    """A live session of the engine.

    Attributes:
        source: what is open; None until it is.
        newest: the last motion that came; None until there is one.
        over: it has come to its end by itself.
    """

    def __init__(
        self, place: EnginePlace, request: MotionsRequest, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.source: LiveSource | None = None
        self.newest: LiveMotion | None = None
        self.over = False
        self._place, self._request, self._clock = place, request, clock
        self._connecting: Task[Client] | None = connecting(place)
        self._client: Client | None = None
        self._pulse: Pulse | None = None
        self._question: MotionsQuestion | None = None
        self._text, self._heard = "Asking the engine", clock()
        self._origin: float | None = None
        self._late: deque[tuple[float, float]] = deque()

    def step(self) -> list[LiveMotion]:
        """Go on; return the motions that have come since the last time, oldest first.

        Raises:
            UserError: there is no engine, it cannot open the source, or the session broke off.
        """
        if self._question is None:
            self._connect()
            return []
        came = []
        for each in self._question.told():
            self._heard = self._clock()
            if isinstance(each, LiveSource):
                self.source = each
            elif isinstance(each, Ended):
                self.over = True
                if each.why:
                    raise UserError(each.why)
            else:
                came.append(each)
                self._note(each)
        if self.newest is None and self._pulse is not None:
            self._pulse.feel()  # to open a source takes its time: the first one imports much
        elif self._clock() - self._heard > SILENCE:
            raise UserError("The engine says nothing any more: press Restart Engine, then go live again.")
        return came

    def close(self) -> None:
        """End the session, in which the engine gives the camera back."""
        if self._connecting is not None:
            self._connecting.close()
        for each in (self._client, self._pulse):
            if each is not None:
                each.close()

    @property
    def now(self) -> float:
        """The source's second that is before the camera just now; 0 until something was seen."""
        return 0.0 if self._origin is None else self._clock() - self._origin

    @property
    def text(self) -> str:
        """How it goes, in words."""
        if self.newest is None:
            return self._text if self.source is None else translated("Waiting for {source}", source=self.source.name)
        words = WORDS[self.newest.state]
        if len(self._late) < 2:
            return words
        late = statistics.median(each for _, each in self._late)
        return translated(
            "{words}: {rate:.0f} frames/s, {delay:.0f} ms late",
            words=translated(words),
            rate=len(self._late) / SPAN,
            delay=1000 * late,
        )

    def note_shown(self) -> None:
        """Note that the newest motion is on the head now, for the figures."""
        now = self._clock()
        if self.newest is not None:
            self._late.append((now, self.now - self.newest.time))
        while self._late and self._late[0][0] < now - SPAN:
            self._late.popleft()

    def learning_neutral(self) -> Task[Question]:
        """Have the driver's neutral learnt anew, as a task."""
        session = self._session
        return asking(self._place, lambda client: ask_for_neutral(client, session), "Learning the neutral face")

    def listening(self, file: Path, begins: float) -> Task[Question]:
        """Have what the engine's machine hears recorded into a file from a second of the source on, as a task."""
        session, wanted = self._session, SoundRequest(str(file), begins)
        return asking(self._place, lambda client: ask_to_listen(client, session, wanted), "Opening the microphone")

    def ending_sound(self) -> Task[Question]:
        """Have the recording's file finished, as a task."""
        session = self._session
        return asking(self._place, lambda client: ask_to_stop_listening(client, session), "Keeping the sound")

    @property
    def _session(self) -> str:
        assert self.source is not None  # else nothing is live
        return self.source.session

    def _connect(self) -> None:
        """Find or start the engine, then ask it."""
        assert self._connecting is not None
        try:
            self._text = next(self._connecting).text
        except StopIteration as done:
            self._client, self._connecting = done.value, None
            assert self._client is not None
            self._question, self._heard = ask_motions(self._client, self._request), self._clock()
            self._pulse = Pulse(self._client)
            self._text = "Opening the source"

    def _note(self, motion: LiveMotion) -> None:
        """Keep a motion, and what it tells of the source's clock: the quickest line tells most."""
        self.newest = motion
        origin = self._clock() - motion.age - motion.time
        self._origin = origin if self._origin is None else min(self._origin, origin)
