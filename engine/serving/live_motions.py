# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of live motions (`protocol.motions`): a driver here moves a head that the asker draws himself.

The session lives as long as the answer to who asked for it: closing that connection gives the camera back.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import Body, Depends, FastAPI, HTTPException, Request, Response

from ...common.errors import UserError
from ...protocol.motions import (
    HEARTBEAT,
    LINES_TYPE,
    PATH,
    SECONDS_BETWEEN_LINES,
    LiveSource,
    MotionsRequest,
    SoundRequest,
    line_of,
)
from ...tracking.heads.registry import open_head
from ...tracking.performances.rest import rest_performance
from .presence import has_gone

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from ...tracking.performances.performance import Performance
    from ..jobs.scheduler import Scheduler
    from ..live.motions import MotionSession
    from .presence import Users

MOST_SESSIONS = 8
MOST_CAMERAS, MOST_PORTS = 100, 1 << 16
SHAPES = {"expression": (1, 52), "rotation": (1, 3, 3), "translation": (1, 3), "gaze": (1, 2, 2)}


def add_live_motions(app: FastAPI) -> None:
    """Add the endpoints."""
    sessions: dict[str, MotionSession] = {}
    app.state.live_motions = sessions

    @app.post(PATH, response_class=Response, responses={200: {"content": {LINES_TYPE: {"schema": {"type": "string"}}}}})
    async def motions(request: Request, asked: Annotated[MotionsRequest, Body()]) -> Response:
        if len(sessions) >= MOST_SESSIONS:
            raise UserError(f"{MOST_SESSIONS} live sessions are running already; end one of them first.")
        session = await asyncio.to_thread(opened, asked)
        return MotionsAnswer(session, sessions, request.app.state.users, request.app.state.scheduler)

    @app.post(PATH + "/{id}/neutral")
    async def learn_neutral(session: KnownSession) -> LiveSource:
        session.learn_anew()
        return source_of(session)

    @app.post(PATH + "/{id}/sound")
    async def listen(session: KnownSession, asked: Annotated[SoundRequest, Body()]) -> LiveSource:
        file = Path(asked.file)
        if (
            not file.is_absolute()
            or file.suffix.lower() != ".wav"
            or "\0" in asked.file
            or not np.isfinite(asked.begins)
        ):
            raise UserError("The sound is recorded into an absolute path that ends in .wav; choose one.")
        await asyncio.to_thread(session.listen, file, asked.begins)
        return source_of(session)

    @app.delete(PATH + "/{id}/sound")
    async def stop_listening(session: KnownSession) -> LiveSource:
        await asyncio.to_thread(session.stop_listening)
        return source_of(session)


def known_session(request: Request, id: str) -> MotionSession:
    """The session that the path names, else 404."""
    session: MotionSession | None = request.app.state.live_motions.get(id)
    if session is None:
        raise HTTPException(404, f"There is no live session {id}; it has ended.")
    return session


KnownSession = Annotated[Any, Depends(known_session)]
"""A `MotionSession`, whose module takes seconds to import: FastAPI looks up what annotations name."""


def source_of(session: MotionSession) -> LiveSource:
    """What a session has open."""
    return session.source


class MotionsAnswer(Response):
    """Lines for as long as there are motions, the asker listens and the engine stays."""

    media_type = LINES_TYPE

    def __init__(
        self, session: MotionSession, sessions: dict[str, MotionSession], users: Users, scheduler: Scheduler
    ) -> None:
        super().__init__()
        self._session, self._sessions, self._users, self._scheduler = session, sessions, users, scheduler
        del self.headers["content-length"]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        session, loop, news = self._session, asyncio.get_running_loop(), asyncio.Event()
        self._sessions[session.id] = session
        self._users.come()
        gone = asyncio.ensure_future(has_gone(receive))
        gone.add_done_callback(lambda _: news.set())

        def tell() -> None:
            with suppress(RuntimeError):  # the engine has just ended
                loop.call_soon_threadsafe(news.set)

        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send(body(line_of(session.source)))
            session.start(tell)
            ended = None
            while ended is None and not gone.done() and not self._scheduler.leaving:
                news.clear()
                came, ended = session.take()
                if said := b"".join(line_of(each) for each in came):
                    await send(body(said))
                elif ended is None:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(news.wait(), SECONDS_BETWEEN_LINES)
                        continue
                    await send(body(HEARTBEAT))
            if not gone.done():
                await send(body(line_of(ended) if ended else b"", more=False))
        finally:
            gone.cancel()
            session.leave()
            del self._sessions[session.id]
            self._users.go()


def body(said: bytes, more: bool = True) -> dict[str, Any]:
    """A part of an answer."""
    return {"type": "http.response.body", "body": said, "more_body": more}


def opened(asked: MotionsRequest) -> MotionSession:
    """Open a source for a person.

    Raises:
        UserError: the person is none, or the source cannot be used.
    """
    from ..live.drivers import driver_of
    from ..live.motions import MotionSession

    given = [each for each in (asked.camera, asked.stream, asked.live_link) if each is not None]
    if len(given) != 1:
        raise UserError("A live session has one source: a camera, a file or a phone's port.")
    if not 0 <= (asked.camera or 0) < MOST_CAMERAS or not 0 <= (asked.live_link or 0) < MOST_PORTS:
        raise UserError("There is no camera or port of this number; choose another.")
    paths = [Path(each) for each in (asked.stream, asked.head_path) if each]
    if any("\0" in str(each) or not each.is_absolute() for each in paths):
        raise UserError("The paths of a live session are absolute; give the whole path.")
    own = person_of(asked)
    head = open_head(own.head, Path(asked.head_path) if asked.head_path else None)
    with ExitStack() as stack:
        stream = Path(asked.stream) if asked.stream else None
        driver = stack.enter_context(driver_of(head, asked.camera, stream, asked.live_link))
        return MotionSession(driver, stack.pop_all(), own)


def person_of(asked: MotionsRequest) -> Performance:
    """Read the person who is driven.

    Raises:
        UserError: it is none.
    """
    try:
        own = rest_performance(asked.person)
        fits = all(np.shape(getattr(own, name)) == shape for name, shape in SHAPES.items())
        whole = fits and all(np.isfinite(getattr(own, name)).all() for name in SHAPES)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        whole = False
    if not whole or not isinstance(own.head, str) or own.camera.width <= 0 or own.camera.fx <= 0:
        raise UserError("The live session was not told whose head it moves; update this extension or the engine.")
    return own
