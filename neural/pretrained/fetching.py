# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a file of weights over HTTP, when the user asks for it: resumable, and checked by its SHA-256."""

from __future__ import annotations

import http.client
import queue
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.files import full_disk_told
from .recognition import digest
from .registry import MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...common.progress import Listener
    from .registry import WeightFile

SILENCE = 30.0
"""Seconds without a byte after which a connection is given up."""
LISTENING = 0.5
"""Seconds between looks at whether the user wants to stop."""
GOES_ON, NOTHING_LEFT = 206, 416
"""HTTP's answers: the rest of the file follows; there is no rest."""
CHUNK, CHUNKS_AHEAD = 1 << 18, 16
AGAIN = "check the connection and run the same command again: it goes on where it stopped."


def fetch(file: WeightFile, folder: Path, listener: Listener) -> Path:
    """Fetch a published file into `folder`, going on where an earlier try stopped; return where it is.

    Raises:
        UserError: it cannot be fetched, or what came is not the published file.
        Cancelled: the listener stopped it; what has come is kept for the next try.
    """
    target = folder / file.names[0]
    partial = target.with_name(f"{target.name}.partial")
    folder.mkdir(parents=True, exist_ok=True)
    if not target.is_file():
        with full_disk_told(target):
            download(file, partial, listener)
            check(file, partial, listener)
            partial.replace(target)
    return target


def download(file: WeightFile, partial: Path, listener: Listener) -> None:
    """Bring a published file into `partial`, behind what is there already.

    Raises:
        UserError: the connection fails, or ends before all has come.
    """
    have = partial.stat().st_size if partial.is_file() else 0
    answer = opened(file, have)
    if answer is None:
        return
    if answer.status != GOES_ON:
        have = 0  # the server begins anew
    total = have + int(answer.headers.get("Content-Length") or 0) or file.size
    clock, came = Clock("Fetching", total - have, listener), 0
    with partial.open("ab" if have else "wb") as kept:
        for chunk in chunks(answer, file):
            kept.write(chunk)
            came += len(chunk)
            clock.tell(came, f"{file.names[0]}, {(have + came) / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB")
    if have + came < total:
        raise UserError(f"{file.names[0]} was not fetched whole: the connection ended early; {AGAIN}")


def opened(file: WeightFile, have: int) -> http.client.HTTPResponse | None:
    """Ask for a published file from its byte `have` on; None when there is no more of it.

    Raises:
        UserError: nobody answers, or the answer is no.
    """
    request = urllib.request.Request(file.url, headers={"User-Agent": "Semblance"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=SILENCE)
    except urllib.error.HTTPError as error:
        if error.code == NOTHING_LEFT:
            return None
        raise UserError(
            f"{file.names[0]} was not fetched: {request.host} answered {error.code} {error.reason}; try again later."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{file.names[0]} was not fetched: {request.host} cannot be reached ({reason}); {AGAIN}"
        ) from error
    return answer


def chunks(answer: http.client.HTTPResponse, file: WeightFile) -> Iterator[bytes]:
    """Give what a server sends; empty bytes now and then while it sends nothing, so that the user can stop.

    A thread reads, since a read cannot be interrupted, and closes the connection, since that would wait for the read.

    Raises:
        UserError: the connection fails.
    """
    coming: queue.Queue[bytes | Exception | None] = queue.Queue(CHUNKS_AHEAD)
    given_up = threading.Event()

    def put(item: bytes | Exception | None) -> None:
        waiting = True
        while waiting and not given_up.is_set():
            with suppress(queue.Full):
                coming.put(item, timeout=LISTENING)
                waiting = False

    def read() -> None:
        try:
            with answer:
                while not given_up.is_set() and (chunk := answer.read(CHUNK)):
                    put(chunk)
            put(None)
        except Exception as error:  # told by the thread that waits
            put(error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            try:
                item = coming.get(timeout=LISTENING)
            except queue.Empty:
                item = b""
            if item is None:
                return
            if isinstance(item, Exception):
                raise UserError(f"{file.names[0]} was not fetched whole ({item}); {AGAIN}") from item
            yield item
    finally:
        given_up.set()


def check(file: WeightFile, partial: Path, listener: Listener) -> None:
    """Compare what came with the published SHA-256; remove it where it is something else.

    Raises:
        UserError: it is something else.
    """
    found = digest(partial, Clock("Checking", partial.stat().st_size, listener))
    if not found.startswith(file.sha256):
        partial.unlink()
        raise UserError(
            f"What came from {file.url} is not the published {file.names[0]} (SHA-256 {found}); nothing was kept."
        )
