# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses the engine: as long as somebody does, or a job is to be done, the engine stays.

A user is present as long as a connection is held open. The system closes it when the user's program ends, in whatever
way, on every system; a program that is busy or stopped need do nothing to stay present.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from ..jobs.scheduler import Scheduler


class Users:
    """Counts who is present, and knows when the engine was last used."""

    def __init__(self) -> None:
        self.present = 0
        self.ever_present = False
        self._used = time.monotonic()

    def note(self) -> None:
        """Note that the engine was used just now."""
        self._used = time.monotonic()

    def come(self) -> None:
        """Count one more."""
        self.present += 1
        self.ever_present = True

    def go(self) -> None:
        """Count one less."""
        self.present -= 1
        self.note()

    @property
    def seconds_away(self) -> float:
        """How long nobody has been present, nor asked for anything."""
        return 0.0 if self.present else time.monotonic() - self._used


class PresenceAnswer(Response):
    """Begins at once, and ends when the asker has gone or the engine leaves."""

    media_type = "text/plain"

    def __init__(self, users: Users, scheduler: Scheduler) -> None:
        super().__init__()
        self._users, self._scheduler = users, scheduler
        del self.headers["content-length"]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; count the asker as long as the answer lasts."""
        self._users.come()
        gone = asyncio.ensure_future(has_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"present\n", "more_body": True})
            while not gone.done() and not self._scheduler.leaving:
                change = asyncio.ensure_future(self._scheduler.change().wait())
                await asyncio.wait({gone, change}, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
            if not gone.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._users.go()


async def has_gone(receive: Receive) -> None:
    """Return when who asked has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
