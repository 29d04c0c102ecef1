# SPDX-License-Identifier: GPL-3.0-or-later
"""The live door: one WebSocket that runs a session for whoever is at its other end (docs/developers.md).

The session works in threads of its own; here, on the event loop, messages come and go. A picture that is not sent yet
when the next one is ready gives way to it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ...common.errors import UserError
from ...common.failures import log_traceback, mendable, sentence_about
from ...tracking.heads.head import ARKIT_NAMES
from ..live.figures import WORDS, SessionMeter
from ..live.pacing import Downlink
from ..live.uplink import WANTED, Uplink
from ..live.workload import Workload
from .avatar_cache import AvatarCache
from .callers import is_own
from .live_messages import (
    CAMERA_HEADER,
    MOST_MESSAGE,
    Change,
    ControlsAsked,
    Shown,
    Start,
    Stop,
    picture_header,
    read_first,
    read_further,
    read_picture,
)
from .live_run import Begun, Listeners, LiveRun, Ready
from .presence import Users

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi import FastAPI

PATH = "/v1/live"
SECONDS_FOR_THE_FIRST = 10.0
SECONDS_BETWEEN_STATES = 0.5
SECONDS_BETWEEN_LOOKS = 0.1
"""At how the connection does."""
LOOKS_REMEMBERED = 10
SECONDS_TO_END = 10.0
"""For which the session's thread is waited for."""
MOST_SESSIONS = 4
USUAL_RATE = 30.0
LONGEST_REASON = 123
"""Bytes of a close's reason."""
DONE, TOO_LARGE, LEAVING = 1000, 1009, 1012
GARBAGE, NO_TOKEN, NO_AVATAR, TOO_LATE, IMPOSSIBLE, TOO_MANY, OWN_FAULT = 4400, 4401, 4404, 4408, 4422, 4429, 4500
OF_THE_DOOR: dict[str, str] = {"easing": "Face lost: easing to rest", "resting": "Face lost: at rest"}
OF_THE_DOOR.update(WORDS.items())
CALIBRATING = "Getting to know the face: look at the camera with a calm face"
UNSETTLED = frozenset({"looking", "learning"})
"""States in which frames are dropped that a session which has settled would paint: finding a person takes a moment."""
ELSEWHERE = frozenset({"camera", "stream", "live-link"})


class Refused(Exception):
    """The session ends with a code and one sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


class LiveDoor:
    """Lets clients in, a few at a time."""

    def __init__(self, avatars: AvatarCache, users: Users, token: str, hosts: frozenset[str] | None, log: Path) -> None:
        """Open the door; `token` and `hosts` as in `server.create_app`, `log` is where faults of ours go."""
        self._avatars, self._users, self._log = avatars, users, log
        self._token, self._hosts = token.encode(), hosts
        self._sessions = 0

    async def enter(self, websocket: WebSocket) -> None:
        """Serve one client to the end of its session."""
        headers = websocket.headers
        if not is_own(headers.get("host", ""), headers.get("origin"), self._hosts):
            said = {"detail": "The engine answers only to its own pages and names; open its page at its own address."}
            await websocket.send_denial_response(JSONResponse(said, 403))
            return
        await websocket.accept()
        self._users.come()
        try:
            await self._serve(websocket)
        except Refused as refused:
            await end(websocket, refused.code, refused.sentence)
        except WebSocketDisconnect:
            pass
        except Exception as error:
            await end(websocket, *self._about(error))
        finally:
            self._users.go()

    async def _serve(self, websocket: WebSocket) -> None:
        asked = await self._first(websocket)
        path = await asyncio.to_thread(self._avatars.find, asked.avatar)
        if path is None:
            raise Refused(NO_AVATAR, "There is no such avatar in the engine's home; build it, or choose another.")
        if self._sessions >= MOST_SESSIONS:
            raise Refused(TOO_MANY, f"The engine runs {MOST_SESSIONS} live sessions already; end one of them first.")
        self._sessions += 1
        try:
            await Conversation(websocket, asked, path, self._about).go_on()
        finally:
            self._sessions -= 1

    async def _first(self, websocket: WebSocket) -> Start:
        """The first message, if it is good."""
        try:
            message = await asyncio.wait_for(received(websocket), SECONDS_FOR_THE_FIRST)
        except TimeoutError:
            raise Refused(TOO_LATE, "The first message did not come in time; connect again.") from None
        if isinstance(message, bytes):
            raise Refused(GARBAGE, "The first message must be text that starts a session; load the page anew.")
        try:
            asked = read_first(message)
        except UserError as error:
            raise Refused(GARBAGE, str(error)) from None
        if not hmac.compare_digest(asked.token.encode(errors="replace"), self._token):
            raise Refused(NO_TOKEN, "The token is wrong; read it anew from engine.json in the engine's home.")
        if asked.source in ELSEWHERE and self._hosts is None:
            raise Refused(IMPOSSIBLE, "An engine on another machine has no such source; send your camera's pictures.")
        if asked.source == "stream" and asked.stream is None:
            raise Refused(GARBAGE, "The source is a stream, but none is named; name a video or a performance.")
        return asked

    def _about(self, error: Exception) -> tuple[int, str]:
        """Close code and sentence about an error; a fault of ours goes to the log."""
        if mended := mendable(error):
            return IMPOSSIBLE, str(mended)
        return OWN_FAULT, sentence_about(error, log_traceback(error, self._log))


class Conversation:
    """What is said with one client whose session runs."""

    def __init__(
        self, websocket: WebSocket, asked: Start, file: Path, about: Callable[[Exception], tuple[int, str]]
    ) -> None:
        self._websocket, self._asked, self._about = websocket, asked, about
        self._clock = time.monotonic
        self._meter = SessionMeter()
        self._down, self._up = Downlink(self._clock, asked.rate or USUAL_RATE), Uplink(self._clock)
        self._workload, self._held_up = Workload(self._clock, WANTED[0].rate), deque[float](maxlen=LOOKS_REMEMBERED)
        self._news = asyncio.Event()
        self._ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._begun: Begun | None = None
        self._waiting: Ready | None = None
        self._on_the_way: dict[int, Ready] = {}
        self._last: Ready | None = None
        self._number = self._made = self._lost = 0
        self._said = ""
        self._next_state = 0.0
        self._sending = asyncio.Lock()
        self._run = LiveRun(asked, file, self._listeners(), self._clock)
        if asked.time is not None:
            self._up.arrived(asked.time)

    async def go_on(self) -> None:
        """Run the session until either end has had enough, or it fails."""
        self._run.start()
        parts = (self._listen(), self._send(), self._watch(), self._has_ended())
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._run.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.wait({self._ended}, timeout=SECONDS_TO_END)
        raise Refused(DONE, "The session has ended.")

    def _listeners(self) -> Listeners:
        """What the session's thread calls, handed over to the event loop."""
        loop = asyncio.get_running_loop()

        def on_the_loop(call: Callable[..., None], value: Any) -> None:
            with suppress(RuntimeError):  # the loop may be closed
                loop.call_soon_threadsafe(call, value)

        def end(failure: Exception | None) -> None:
            if not self._ended.done():
                self._ended.set_result(failure)

        return Listeners(*(partial(on_the_loop, call) for call in (self._begin, self._take, end)))

    async def _has_ended(self) -> None:
        failure = await asyncio.shield(self._ended)
        if failure is not None:
            raise Refused(*self._about(failure))

    async def _listen(self) -> None:
        """Hear what the client says."""
        while True:
            message = await received(self._websocket)
            try:
                if isinstance(message, bytes):
                    await self._take_camera_picture(message)
                elif not self._hear(message):
                    return
            except UserError as error:
                raise Refused(GARBAGE, str(error)) from None

    async def _take_camera_picture(self, message: bytes) -> None:
        number, moment, jpeg = read_picture(message)
        if self._run.pictures is None:
            raise UserError("Camera pictures are of no use to this session; start one whose source is pictures.")
        if self._run.pictures.give(jpeg, number, moment):
            self._run.drop()
        self._up.arrived(moment)
        await self._say(type="got", number=number)

    def _hear(self, text: str) -> bool:
        """Do what a text message asks; return False when it asks for the end."""
        said = read_further(text)
        if isinstance(said, Stop):
            return False
        if isinstance(said, Shown):
            self._note_shown(said.number)
        elif isinstance(said, ControlsAsked):
            self._run.control(said.time, said.values())
        elif isinstance(said, Change):
            self._down.rate = said.rate or self._down.rate
            self._run.choose(said)
        return True

    def _note_shown(self, number: int) -> None:
        self._down.seen(number)
        shown = self._on_the_way.pop(number, None)
        if shown is not None:
            self._meter.finish(shown.captured, self._clock(), shown.spent)
        self._news.set()

    def _begin(self, begun: Begun) -> None:
        """The avatar is read."""
        self._begun = begun
        self._news.set()

    async def _greet(self, begun: Begun) -> None:
        """Tell the client that the avatar is read; its answer is the first measure of the connection."""
        self._down.sent(0, 0)
        names = list(ARKIT_NAMES) if self._asked.source == "controls" else []
        said = {"type": "started", "avatar": self._asked.avatar, "kind": begun.kind, "turns": begun.turns}
        await self._say(**said, size=begun.size, controls=names, send=self._wanted())

    def _take(self, ready: Ready) -> None:
        """A picture is ready: one that still waits gives way."""
        if self._waiting is not None:
            self._lost += 1
        self._waiting = self._last = ready
        self._made += 1
        self._news.set()

    async def _send(self) -> None:
        """Send the newest picture whenever there is one and room for it."""
        while True:
            self._news.clear()
            if self._begun is not None:
                begun, self._begun = self._begun, None
                await self._greet(begun)
            wait = self._down.wait() if self._waiting is not None else None
            if wait is not None and wait <= 0:
                await self._send_picture()
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait)

    async def _send_picture(self) -> None:
        ready, self._waiting = self._waiting, None
        assert ready is not None
        self._number += 1
        spent = {**ready.spent, "inside": self._clock() - ready.captured}
        header = picture_header(
            is_webp=ready.is_webp, state=ready.state, number=self._number, time=ready.time, shows=ready.shows,
            size=ready.size, spent=spent,
        )  # fmt: skip
        self._down.sent(self._number, len(header) + len(ready.file))
        self._on_the_way[self._number] = ready
        for old in [number for number in self._on_the_way if number <= self._number - 100]:
            del self._on_the_way[old]
        async with self._sending:
            await self._websocket.send_bytes(header + ready.file)

    async def _watch(self) -> None:
        """Look at how the connection and this machine do, and tell the client now and then."""
        while True:
            slept = self._clock()
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            self._held_up.append(self._clock() - slept - SECONDS_BETWEEN_LOOKS)
            has_changed = self._up.judge()
            if self._last is not None and self._last.state not in UNSETTLED:
                has_changed |= self._workload.look(self._made, self._run.dropped)
            if self._down.judge(max(self._held_up)):
                self._run.pace(self._down.pace.share, self._down.pace.quality)
                has_changed = True
            state = self._last.state if self._last is not None else ""
            if self._last is not None and (has_changed or state != self._said or self._clock() >= self._next_state):
                self._said, self._next_state = state, self._clock() + SECONDS_BETWEEN_STATES
                await self._say(**self._state(self._last))

    def _state(self, last: Ready) -> dict[str, Any]:
        """How the session does."""
        figures = self._meter.read()
        width, height = last.size
        pace, wanted = self._down.pace, self._down.pictures_a_second
        return {
            "type": "state",
            "state": last.state,
            "words": CALIBRATING if last.is_calibrating else OF_THE_DOOR[last.state],
            "calibrating": last.is_calibrating,
            "fps": round(figures.reading.fps, 1),
            "latency_ms": milliseconds(figures.reading.latency),
            "round_trip_ms": milliseconds(self._down.round_trip),
            "stages_ms": {name: milliseconds(seconds) for name, seconds in figures.spent.items()},
            "dropped": self._run.dropped + self._lost,
            "pace": {
                "width": width,
                "height": height,
                "rate": round(wanted, 1),
                "quality": pace.quality,
                "why": self._why(width),
            },
            "send": self._wanted(),
        }

    def _why(self, width: int) -> str:
        """What limits size and rate, in a sentence or two."""
        if not self._workload.is_limit:
            return self._down.words(width)
        return f"{self._workload.words()} {self._down.words(width)}" if self._down.is_limit else self._workload.words()

    def _wanted(self) -> dict[str, Any]:
        """What camera pictures should be like."""
        wanted = self._up.wanted
        rate = round(min(wanted.rate, self._workload.wanted), 1)
        return {"side": wanted.side, "quality": wanted.quality, "rate": rate}

    async def _say(self, **message: Any) -> None:
        async with self._sending:
            await self._websocket.send_text(json.dumps(message))


def add_live(app: FastAPI, door: LiveDoor) -> None:
    """Add the live door."""
    app.router.routes.append(WebSocketRoute(PATH, door.enter, name="live"))


async def received(websocket: WebSocket) -> str | bytes:
    """The next message.

    Raises:
        WebSocketDisconnect: the client has gone.
        Refused: it is too large.
    """
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    if text is not None:
        return str(text)
    data: bytes = message["bytes"]
    if len(data) > MOST_MESSAGE + CAMERA_HEADER.size:
        raise Refused(TOO_LARGE, f"A message is larger than {MOST_MESSAGE} bytes; send smaller pictures.")
    return data


async def end(websocket: WebSocket, code: int, sentence: str) -> None:
    """Say why the session ends, and close."""
    if websocket.application_state is not WebSocketState.CONNECTED:
        return
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_text(json.dumps({"type": "ended", "code": code, "detail": sentence}))
        await websocket.close(code, sentence.encode()[:LONGEST_REASON].decode(errors="ignore"))


def milliseconds(seconds: float) -> float:
    """Seconds in milliseconds, in few digits."""
    return round(1000 * seconds, 1)
