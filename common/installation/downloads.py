# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings files into a folder: behind what an earlier try left, checked by their SHA-256, telling the bytes."""

from __future__ import annotations

import hashlib
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import UserError
from ..files import full_disk_told

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from .indexes import Found

CHUNK = 1 << 18
SILENCE = 30.0
"""Seconds without a byte after which a connection is given up."""
TRIES, PAUSE = 4, 2.0
"""How often one file is asked for where the connection breaks, and seconds before the second try (then doubled)."""
GOES_ON, NOTHING_LEFT = 206, 416
"""HTTP's answers: the rest of the file follows; there is no rest."""
AGAIN = "check the connection and try again: what has come is kept."

Counter = Callable[[int], None]
"""Told how many bytes of a file are there: first what an earlier try left, then often."""


class Broken(Exception):
    """The connection ended before the file did; another try may bring the rest."""


def bring(file: Found, folder: Path, count: Counter) -> Path:
    """Bring a file into a folder; return where it is. What is there already, whole, is only checked.

    Raises:
        UserError: it cannot be had, or is not what its hash says; a part that has come is kept for the next try.
    """
    target = folder / file.name
    if target.is_file() and is_right(target, file.sha256):
        count(target.stat().st_size)
        return target
    partial = target.with_name(f"{target.name}.partial")
    count(partial.stat().st_size if partial.is_file() else 0)
    with full_disk_told(target):
        if here := path_of(file):
            shutil.copyfile(here, partial)
        else:
            download(file, partial, count)
        if not is_right(partial, file.sha256):
            partial.unlink()
            raise UserError(f"{file.name} from {source_of(file)} is not the file that was asked for; nothing was kept.")
        partial.replace(target)
    count(target.stat().st_size)
    return target


def source_of(file: Found) -> str:
    """Where a file comes from, for people."""
    here = path_of(file)
    return str(here.parent) if here else str(urlsplit(file.url).hostname)


def is_right(path: Path, sha256: str) -> bool:
    """Tell whether a file has a hash; without one, that it is some file."""
    return not sha256 or digest_of(path) == sha256


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path_of(file: Found) -> Path | None:
    """Where a file lies on this machine; None where it comes over the network."""
    parts = urlsplit(file.url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def download(file: Found, partial: Path, count: Counter) -> None:
    """Bring a file over HTTP, going on where the connection breaks.

    Raises:
        UserError: nobody answers, the answer is no, or the connection breaks again and again.
    """
    pause = PAUSE
    for attempt in range(TRIES):
        try:
            receive(file, partial, count)
            return
        except Broken as error:
            if attempt == TRIES - 1:
                raise UserError(f"{file.name} did not come whole from {source_of(file)} ({error}); {AGAIN}") from error
            time.sleep(pause)
            pause *= 2


def receive(file: Found, partial: Path, count: Counter) -> None:
    """Receive the rest of a file, once.

    Raises:
        Broken: the connection cannot be made or ends early.
        UserError: the server says no.
    """
    have = partial.stat().st_size if partial.is_file() else 0
    try:
        answer = ask(file, have)
        if answer is None:
            return
        with answer:
            if answer.status != GOES_ON:
                have = 0  # the server begins anew
            total = have + int(answer.headers.get("Content-Length") or 0)
            with partial.open("ab" if have else "wb") as kept:
                while chunk := answer.read(CHUNK):
                    kept.write(chunk)
                    have += len(chunk)
                    count(have)
    except urllib.error.HTTPError as error:
        raise UserError(f"{source_of(file)} answered {error.code} {error.reason} for {file.name}; {AGAIN}") from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, HTTPException) as error:
        raise Broken(str(getattr(error, "reason", error))) from error
    if have < total:
        raise Broken("the connection ended early")


def size_on_server(file: Found) -> int:
    """Bytes of a file whose index does not tell; 0 where its server does not either."""
    request = urllib.request.Request(file.url, headers={"User-Agent": "Semblance"}, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=SILENCE) as answer:
            return int(answer.headers.get("Content-Length") or 0)
    except (OSError, HTTPException, ValueError):
        return 0


def ask(file: Found, have: int) -> HTTPResponse | None:
    """Ask for a file from its byte `have` on; None where there is no more of it."""
    request = urllib.request.Request(file.url, headers={"User-Agent": "Semblance"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=SILENCE)
    except urllib.error.HTTPError as error:
        if have and error.code == NOTHING_LEFT:
            return None
        raise
    return answer
