# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver's motions as they come: what is asked for, and the lines of JSON that answer (`POST /v1/live/motions`).

The first line says what is open, then comes one for each motion, an empty one where none comes for a while, and at last
why there are no more.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from .client import Client, NotAnEngine, Question, quoted
from .connection import LineExchange

PATH = "/v1/live/motions"
LINES_TYPE = "application/x-ndjson"
SECONDS_BETWEEN_LINES = 1.0
"""The longest silence of an engine that has no motion to tell of."""
MOST_LINE_BYTES = 1 << 16
NUMBERS = {"expression": 52, "rotation": 9, "translation": 3, "gaze": 4}
"""How many numbers a motion has of each, in a row."""

LiveState = Literal["looking", "learning", "following", "lost"]
STATES = ("looking", "learning", "following", "lost")


@dataclass(frozen=True)
class MotionsRequest:
    """Who is to be driven, and by what: one of the three sources.

    Attributes:
        person: who is driven, at rest, as `tracking.performances.rest.rest_metadata` has it.
        camera: number of a camera of the engine's machine.
        stream: absolute path of a video or a performance there, played at its own pace.
        live_link: port there that a phone with Live Link Face sends to; 0 for any.
        head_path: file of the person's morphable head, where it is not the built-in one.
    """

    person: dict[str, Any]
    camera: int | None = None
    stream: str | None = None
    live_link: int | None = None
    head_path: str | None = None


@dataclass(frozen=True)
class LiveSource:
    """An open source: the session's id, what the source is called to the user, its nominal motions a second."""

    session: str
    name: str
    fps: float


@dataclass(frozen=True)
class LiveMotion:
    """What the person who is driven does at one moment.

    Attributes:
        time: seconds since the source's first picture. age: seconds from its capture to when this was sent.
        state: "looking" for a face, "learning" who it is, "following" it, or having "lost" it.
        expression: `[52]`, 0 to 1; rotation: `[3 * 3]`, translation: `[3]`, of the head in camera space, metres;
            gaze: `[2 * 2]`, radians; all as in `Performance`.
    """

    time: float
    age: float
    state: LiveState
    expression: tuple[float, ...]
    rotation: tuple[float, ...]
    translation: tuple[float, ...]
    gaze: tuple[float, ...]


@dataclass(frozen=True)
class Ended:
    """There are no more motions: why, as a sentence; empty where the source has come to its end."""

    why: str = ""


@dataclass(frozen=True)
class SoundRequest:
    """Record what the engine's machine hears.

    Attributes:
        file: absolute path of a .wav to write. begins: the source's second that it begins with.
    """

    file: str
    begins: float


Told = LiveSource | LiveMotion | Ended
KINDS: dict[str, type[LiveSource] | type[LiveMotion] | type[Ended]] = {
    "open": LiveSource,
    "motion": LiveMotion,
    "ended": Ended,
}
HEARTBEAT = b"{}\n"


def line_of(told: Told) -> bytes:
    """Return a line of JSON."""
    name = next(name for name, kind in KINDS.items() if isinstance(told, kind))
    return json.dumps({name: asdict(told)}).encode() + b"\n"


def read_line(line: bytes) -> Told | None:
    """Read a line; None for one that only says that the engine is there.

    Raises:
        ValueError: it is none of ours, or its numbers are not as they should be.
    """
    try:
        said = json.loads(line)
        if not said:
            return None
        (name, values), *others = said.items()
        kind = KINDS[name]
        known = {each.name: values[each.name] for each in fields(kind)}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("no line of motions") from error
    if others or set(known) != {each.name for each in fields(kind)}:
        raise ValueError("no line of motions")
    if kind is LiveMotion:
        for each, count in NUMBERS.items():
            known[each] = numbers(known[each], count)
        known["time"], known["age"] = numbers([known["time"], known["age"]], 2)
        if known["state"] not in STATES:
            raise ValueError("no state")
    if kind is LiveSource:
        (known["fps"],) = numbers([known["fps"]], 1)
    return kind(**known)


def numbers(values: Any, count: int) -> tuple[float, ...]:
    """Return finite numbers. Raises ValueError where there are others, or not so many."""
    if not isinstance(values, list) or len(values) != count:
        raise ValueError("not so many numbers")
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in values):
        raise ValueError("no numbers")
    return tuple(float(each) for each in values)


class MotionsQuestion(Question):
    """A question that motions answer, for as long as there are some; close its client to end it."""

    most = MOST_LINE_BYTES
    kind = LineExchange

    def told(self) -> list[Told]:
        """Return what has come since the last time; never waits.

        Raises:
            UserError: the engine refuses, has gone, or says what it should not.
        """
        over = self.answered()
        assert isinstance(self._exchange, LineExchange)
        try:
            read = [read_line(line) for line in self._exchange.lines()]
        except ValueError as error:
            raise NotAnEngine("The engine sent no motions; update it, or this extension.") from error
        if over and not any(isinstance(each, Ended) for each in read):
            self.wait_for_bytes(0.0)
            read.append(Ended("The engine has ended the session; go live again."))
        return [each for each in read if each is not None]


def ask_motions(client: Client, request: MotionsRequest) -> MotionsQuestion:
    """Ask for motions, over a connection that nothing else is asked over."""
    return MotionsQuestion(client, "POST", PATH, json.dumps(asdict(request)).encode(), "application/json")


def ask_for_neutral(client: Client, session: str) -> Question:
    """Ask to learn the driver's neutral anew, from now on."""
    return client.ask("POST", f"{PATH}/{quoted(session)}/neutral")


def ask_to_listen(client: Client, session: str, request: SoundRequest) -> Question:
    """Ask to record what is heard."""
    return client.ask("POST", f"{PATH}/{quoted(session)}/sound", asdict(request))


def ask_to_stop_listening(client: Client, session: str) -> Question:
    """Ask to end the recording; its file is there, whole, when this is answered."""
    return client.ask("DELETE", f"{PATH}/{quoted(session)}/sound")
