# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the engine of a home, or starts one that all programs on this machine share. No bpy, and nothing here waits:
what takes time is a generator that yields while it waits, stepped by Blender's timer or by a loop.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.home import Home
from ...common.locks import Lock, taken
from ...common.processes import is_alive
from ...protocol.address import Address
from ...protocol.client import Client, EngineUnreachable, NotAnEngine, WrongToken, read_status
from ...protocol.messages import Announcement
from ..words import translated
from . import tokens
from .presence import leave, stay
from .process import EnginePlace, last_line, read_end, spawn, why_not_reached, why_not_started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator

SECONDS_TO_START = 90.0
"""Importing PyTorch from a cold, slow disk takes most of a minute."""
SECONDS_TO_STOP = 15.0
PATIENCE = 10.0
"""Seconds after which an engine that accepts connections and says nothing counts as hanging."""
STARTING_LOCK = "starting.lock"
"""Name of the file, in the engine's home folder, that whoever starts an engine holds locked."""

_started: list[subprocess.Popen[bytes]] = []
"""Engines that this program has started: one that has ended must be asked how, else the system keeps its number."""


class EngineHangs(EngineUnreachable):
    """An engine runs and does not answer."""


def connect(place: EnginePlace) -> Generator[str, None, Client]:
    """Find the engine, or start one; yields what is going on while waiting and returns a `Client`.

    Raises:
        UserError: there is no engine and none can be started, or the one there is does not answer.
    """
    if place.remote:
        if reason := why_not_reached(place):
            raise UserError(reason)
        token = place.token or (yield from tokens.finding(place.home, place.url))
        return (yield from greet_remote(place.address(token)))
    said = Announcement.read(place.home)
    return (yield from find(place)) or (yield from start(place, said))


def find(place: EnginePlace, dead: Announcement | None = None) -> Generator[str, None, Client | None]:
    """Return a client of the engine that is announced on this machine, and be present there; None when there is none.

    `dead` is an announcement that is known to be of a dead engine.

    Raises:
        UserError: the engine is of another version, or hangs.
    """
    reap()
    said = Announcement.read(place.home)
    if said is None or said == dead:
        return None
    client = None
    try:
        client = yield from greet(Client(Address.announced(said)))
        yield from stay(place.home, client.address)
    except EngineHangs:
        if is_alive(said.process):
            raise
        return None  # another program, on the old port of a dead engine
    except (EngineUnreachable, WrongToken, NotAnEngine):
        if client:
            client.close()
        return None  # a dead engine's state file, or another program on its old port
    return client


def greet(client: Client, patience: float | None = None) -> Generator[str, None, Client]:
    """Ask a possible engine who it is; returns the client when it answers as an engine that accepts our token.

    `patience` is for how many seconds it may say nothing.
    """
    question = client.ask("GET", "/v1/status")
    began = time.monotonic()
    while not question.answered():
        if time.monotonic() - began > (PATIENCE if patience is None else patience):
            client.close()
            raise EngineHangs("The engine accepts connections and does not answer: press Restart Engine.")
        yield "Asking the engine"
    read_status(question.wait())
    return client


def greet_remote(address: Address) -> Generator[str, None, Client]:
    """Ask an engine on another machine who it is.

    Raises:
        UserError: it does not answer, does not accept the token, or is of another version.
    """
    client = Client(address)
    try:
        return (yield from greet(client))
    except WrongToken:
        raise WrongToken(
            translated(
                "The engine at {place} does not accept the token: enter it anew with Use Remote Engine in the "
                "Semblance preferences.",
                place=address.place,
            )
        ) from None
    except EngineHangs:
        raise EngineHangs(
            translated(
                "The engine at {place} accepts connections and does not answer: wait, or restart it there.",
                place=address.place,
            )
        ) from None
    except EngineUnreachable:
        raise EngineUnreachable(
            translated(
                "The engine at {place} cannot be reached: see that it runs there, and that the address is right.",
                place=address.place,
            )
        ) from None


def start(place: EnginePlace, dead: Announcement | None = None) -> Generator[str, None, Client]:
    """Start an engine that ends when its last user has gone; yields while it starts and returns a `Client`.

    Who comes while another program starts the engine waits for that one. `dead` is an announcement that is known to be
    of a dead engine.

    Raises:
        UserError: it cannot be started, ends at once or takes too long; the sentence names the log.
    """
    reason = why_not_started(place)
    if reason:
        raise UserError(reason)
    place.home.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    lock: Lock | None = None
    process: subprocess.Popen[bytes] | None = None
    try:
        while time.monotonic() - began < SECONDS_TO_START:
            had_lock = lock is not None
            if client := (yield from find(place, dead)):
                return client
            lock = lock or taken(place.home / STARTING_LOCK)
            if had_lock and (process is None or process.poll() == 0):  # 0: it has left again, unused
                process = spawn(serving(place), place.log)
                _started.append(process)
            if process and process.poll():
                raise UserError(why_it_ended(place))
            yield translated("Starting the engine ({seconds:.0f} s)", seconds=time.monotonic() - began)
    finally:
        if lock:
            lock.let_go()
    if process:
        process.kill()
    raise UserError(
        translated(
            "The engine did not start within {seconds:.0f} seconds; its log is {log}.",
            seconds=SECONDS_TO_START,
            log=place.log,
        )
    )


def serving(place: EnginePlace) -> list[str]:
    """The command of an engine."""
    return [str(place.interpreter()), "-m", "semblance.engine.commands.cli", "serve", "--home", str(place.home),
            "--while-used"]  # fmt: skip


def why_it_ended(place: EnginePlace) -> str:
    """Say why an engine that was started has ended."""
    if "No such option" in read_end(place.log):
        return "The engine is older than this extension: press Set Up Again in the Semblance preferences."
    return translated(
        "The engine ended while starting ({reason}); its log is {log}.", reason=last_line(place.log), log=place.log
    )


def restart(place: EnginePlace) -> Generator[str, None, Client]:
    """End the engine of this machine, also one that hangs, and start another; builds go on where they were.

    Raises:
        UserError: none can be started.
    """
    yield from end(place)
    return (yield from start(place))


def end(place: EnginePlace) -> Generator[str, None, None]:
    """End the engine of this machine, also one that hangs; yields until it has ended."""
    said, began = Announcement.read(place.home), time.monotonic()
    leave(place.home)
    while said and is_served(place):
        hangs = time.monotonic() - began > SECONDS_TO_STOP
        with suppress(OSError):
            os.kill(said.process, signal.SIGTERM if not hangs or sys.platform == "win32" else signal.SIGKILL)
        reap()
        yield "Ending the engine"


def end_unless_busy(place: EnginePlace) -> Generator[str, None, None]:
    """End the engine of this machine, where there is one, so that its files can be changed.

    Raises:
        UserError: it has jobs to do.
    """
    client = None if place.remote else (yield from find(place))
    if client is None:
        return
    try:
        status = client.status()
    finally:
        client.close()
    if status.jobs_running or status.jobs_queued:
        raise UserError("The engine is running jobs: wait for them, or cancel them, and do this then.")
    yield from end(place)


def is_served(place: EnginePlace) -> bool:
    """Tell whether an engine has this home: it holds its lock as long as it lives."""
    file = Home(place.home).lock
    lock = taken(file) if file.is_file() else None
    if lock:
        lock.let_go()
    return lock is None and file.is_file()


def reap() -> None:
    """Let the system forget the engines of ours that have ended."""
    _started[:] = [process for process in _started if process.poll() is None]
