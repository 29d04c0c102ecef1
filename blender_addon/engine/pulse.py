# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells an engine that takes its time from one that hangs: while a long answer is awaited, it is asked short questions
over another connection. No bpy, and nothing here waits.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from ...protocol.client import Client, Question
from ..words import translated
from .link import EngineHangs

if TYPE_CHECKING:
    from collections.abc import Generator

SECONDS_BETWEEN_QUESTIONS = 5.0
PATIENCE = 20.0
"""Seconds without an answer to a short question after which the engine counts as hanging."""

Said = TypeVar("Said")


class Pulse:
    """Feels whether the engine lives that a client speaks to."""

    def __init__(self, client: Client) -> None:
        self._beside = client
        self._client: Client | None = None
        self._question: Question | None = None
        self._since = time.monotonic()

    def feel(self) -> None:
        """Go on asking.

        Raises:
            EngineUnreachable: it has gone, or hangs.
        """
        now = time.monotonic()
        if self._question is None:
            if now - self._since > SECONDS_BETWEEN_QUESTIONS:
                self._client = self._client or Client(self._beside.address)
                self._question, self._since = self._client.ask("GET", "/v1/status"), now
        elif self._question.answered():
            self._question.wait()
            self._question, self._since = None, now
        elif now - self._since > PATIENCE:
            raise EngineHangs(
                translated(
                    "The engine has been silent for {seconds:.0f} seconds: press Restart Engine.", seconds=PATIENCE
                )
            )

    def close(self) -> None:
        """Stop asking."""
        if self._client:
            self._client.close()


def awaited(client: Client, question: Question, text: Said) -> Generator[Said, None, None]:
    """Yield `text` until the answer to a question is there; it may take its time as long as the engine lives.

    Raises:
        EngineUnreachable: the engine has gone, or hangs.
    """
    pulse = Pulse(client)
    try:
        while not question.answered():
            pulse.feel()
            yield text
    finally:
        pulse.close()


def soon(question: Question, text: Said, patience: float | None = None) -> Generator[Said, None, None]:
    """Yield `text` until the answer to a short question is there.

    Raises:
        EngineHangs: it is not there in time.
    """
    began, most = time.monotonic(), PATIENCE if patience is None else patience
    while not question.answered():
        if time.monotonic() - began > most:
            raise EngineHangs(
                translated("The engine has been silent for {seconds:.0f} seconds: press Restart Engine.", seconds=most)
            )
        yield text
