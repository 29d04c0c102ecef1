# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine on another machine that the artist uses: its address, and how it stands, in plain words. No bpy.

The address lies in a file of the engine's home that only this user may read, not in Blender's preferences nor in any
.blend; for its token see `tokens`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.files import write_privately
from ...protocol import known_engines
from ...protocol.address import Address
from ...protocol.client import UnknownCertificate, read_status
from ..words import translated
from . import tokens
from .jobs import Bar, as_bars, connecting
from .pulse import soon

if TYPE_CHECKING:
    from pathlib import Path

    from ...protocol.messages import Status
    from .jobs import Task
    from .process import EnginePlace

FILE = "remote_engine.json"


@dataclass(frozen=True)
class Standing:
    """How the engine stands.

    Attributes:
        text: a sentence; good: it can be used.
        found: fingerprint of the certificate that it shows, where that has to be accepted first; else empty.
        place: whose that is (`Address.place`).
    """

    text: str
    good: bool = False
    found: str = ""
    place: str = ""


def url_of(home: Path) -> str:
    """The address that the artist has entered; empty for none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((home / FILE).read_text(encoding="utf-8"))["url"])
    return ""


def keeping(home: Path, url: str, token: str) -> Task[str]:
    """Keep an address and its token, whose characters are checked; without a token, the one that is kept already
    counts. Returns where the token is kept, for a sentence; empty when there is none.

    Raises:
        UserError: the address or the token can be none.
    """
    url = url.strip().rstrip("/")
    Address.of_url(url, "")
    kept = ""
    if token.strip():
        kept = yield from as_bars(tokens.keeping(home, url, token))
    write_privately(home / FILE, json.dumps({"url": url}))
    return kept


def looking(place: EnginePlace) -> Task[Standing]:
    """Ask the engine how it stands, as a task that does not fail: what is wrong is its result."""
    try:
        client = yield from connecting(place)
        try:
            question = client.ask("GET", "/v1/status")
            yield from soon(question, Bar("Asking the engine"))
            return standing_of(read_status(question.wait()))
        finally:
            client.close()
    except UnknownCertificate as error:
        return Standing(str(error), found=error.found, place=Address.of_url(place.url, "").place)
    except UserError as error:
        return Standing(str(error))


def standing_of(status: Status) -> Standing:
    """How an engine stands that answers.

    >>> from ...protocol.messages import Status
    >>> standing_of(Status("1", 1, "cuda", "NVIDIA H200", "2", [], "", 0, jobs_running=1, jobs_queued=2)).text
    'Ready on NVIDIA H200; jobs running: 1, waiting: 2.'
    """
    device = status.device_name if status.device == "cuda" else translated("its CPU, where large avatars take hours")
    running, waiting = status.jobs_running, status.jobs_queued
    said = (
        "Ready on {device}; jobs running: {running}, waiting: {waiting}."
        if running or waiting
        else "Ready on {device}."
    )
    return Standing(translated(said, device=device, running=running, waiting=waiting), good=True)


def accept(home: Path, standing: Standing) -> None:
    """Accept the certificate that the engine has shown.

    Raises:
        UserError: the disk is full.
    """
    known_engines.accept(home, standing.place, standing.found)
