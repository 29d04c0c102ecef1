# SPDX-License-Identifier: GPL-3.0-or-later
"""Files to an engine and back, in pieces, by the SHA-256 of their contents. A break is waited out, and the transfer
goes on where it was. Nothing here waits: what takes time is a generator that yields how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..common.errors import UserError
from ..common.files import full_disk_told, hidden_beside
from .address import Address
from .client import Client, EngineRefused, EngineUnreachable, Question
from .connection import Reply
from .references import digesting

OCTETS = "application/octet-stream"
PIECE = 8 << 20
"""Bytes of a piece: large enough for a connection of long ways, small enough to be lost."""
SECONDS_BETWEEN_ATTEMPTS = 2.0
PATIENCE = 600.0
"""Seconds without anything moving after which a broken transfer is given up."""
SECONDS_TO_ANSWER = 300.0
"""For which an engine may be silent that has all of a file and checks its contents."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Moved:
    """How far a transfer is: what is done with which file, and bytes done and to do."""

    doing: str
    name: str
    done: int
    total: int


Moving = Generator[Moved, None, Result]


def sending(address: Address, file: Path, digest: str) -> Moving[None]:
    """Send a file that has this digest, unless the engine has it.

    Raises:
        UserError: the engine cannot be reached for long, or refuses the file; it was changed meanwhile.
    """
    yield from unbroken(address, lambda client: send_once(client, file, digest))


def receiving(address: Address, digest: str, total: int, target: Path, name: str = "") -> Moving[None]:
    """Fetch a file of `total` bytes by its digest, called `name` to the user; what has come of it before a break, or
    before Blender was closed, is used.

    Raises:
        UserError: the engine cannot be reached for long, does not have the file, or sent another one.
    """
    name = name or target.name
    partial = hidden_beside(target.with_name(digest[:32]), ".partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    yield from unbroken(address, lambda client: receive_once(client, digest, total, partial, name))
    checking = digesting(partial)
    while True:
        try:
            done, size = next(checking)
        except StopIteration as end:
            if end.value != digest:
                partial.unlink()
                raise UserError(f"{name} came damaged; fetch it again.") from None
            break
        yield Moved("Checking", name, done, size)
    partial.replace(target)


def unbroken(address: Address, steps: Callable[[Client], Moving[None]]) -> Moving[None]:
    """Do what may be broken off by the connection, again and again until it is done."""
    latest, since, last = Moved("Connecting", "", 0, 0), time.monotonic(), -1
    while True:
        client = Client(address)
        try:
            for latest in steps(client):
                if latest.done > last:
                    last, since = latest.done, time.monotonic()
                yield latest
            return
        except EngineUnreachable:
            if time.monotonic() - since > PATIENCE:
                raise
        finally:
            client.close()
        again = time.monotonic() + SECONDS_BETWEEN_ATTEMPTS
        while time.monotonic() < again:
            yield Moved("Waiting for the engine to go on with", latest.name, latest.done, latest.total)


def send_once(client: Client, file: Path, digest: str) -> Moving[None]:
    """Send what the engine does not have yet of a file."""
    total = file.stat().st_size
    if not total:
        raise UserError(f"{file.name} is empty; choose another file.")
    here, whole = yield from asked_state(client, digest, file.name, total)
    with file.open("rb") as opened:
        while not whole:
            opened.seek(here)
            piece = opened.read(PIECE)
            if not piece:
                raise UserError(f"{file.name} was changed while it was sent; try again.")
            where = f"Content-Range: bytes {here}-{here + len(piece) - 1}/{total}"
            question = Question(client, "PUT", f"/v1/files/{digest}", piece, OCTETS, where)
            try:
                yield from awaited(question, Moved("Sending", file.name, here, total), len(piece))
            except EngineRefused:
                before = here
                here, whole = yield from asked_state(client, digest, file.name, total)
                if not whole and here == before:
                    raise
                continue
            here += len(piece)
            whole = here >= total


def asked_state(client: Client, digest: str, name: str, total: int) -> Moving[tuple[int, bool]]:
    """Ask how many bytes of a file the engine has, and whether that is all."""
    question = Question(client, "HEAD", f"/v1/files/{digest}", None, OCTETS)
    reply = yield from awaited(question, Moved("Sending", name, 0, total), 0)
    try:
        return int(reply.headers["upload-offset"]), reply.headers["upload-complete"] == "?1"
    except (KeyError, ValueError):
        raise EngineRefused("The engine is too old to be sent files; update it.") from None


def receive_once(client: Client, digest: str, total: int, partial: Path, name: str) -> Moving[None]:
    """Fetch what is not here yet of a file."""
    here = partial.stat().st_size if partial.exists() else 0
    with full_disk_told(partial), partial.open("ab") as opened:
        while here < total:
            last = min(here + PIECE, total) - 1
            question = Question(client, "GET", f"/v1/files/{digest}", None, OCTETS, f"Range: bytes={here}-{last}")
            reply = yield from awaited(question, Moved("Fetching", name, here, total), last + 1 - here)
            if reply.status != 206 or not reply.body:
                raise EngineRefused("The engine sent no part of the file; update it.")
            opened.write(reply.body)
            opened.flush()
            here += len(reply.body)


def awaited(question: Question, moved: Moved, most: int) -> Moving[Reply]:
    """Yield how far a piece of at most so many bytes is until it is answered; return the answer.

    Raises:
        EngineUnreachable: nothing moves any more.
    """
    since, last = time.monotonic(), -1
    while not question.answered():
        if question.moved != last:
            since, last = time.monotonic(), question.moved
        elif time.monotonic() - since > SECONDS_TO_ANSWER:
            raise EngineUnreachable("The engine has been silent for minutes.")
        yield Moved(moved.doing, moved.name, moved.done + min(question.moved, most), moved.total)
    return question.wait_for_reply(0.0)
