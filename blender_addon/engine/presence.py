# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps an engine from leaving as long as this program runs, by a connection held open to it. No bpy.

When this program ends, in whatever way, the system closes the connection and the engine knows. Nothing has to be done
to keep it, so that a Blender that renders for an hour stays present.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...protocol.client import Client, EngineUnreachable, Question

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from ...protocol.address import Address

PATIENCE = 10.0


@dataclass(frozen=True)
class Presence:
    """A connection held open."""

    client: Client
    question: Question

    def is_with(self, address: Address) -> bool:
        """Tell whether it is still open, and to this engine."""
        return self.client.address == address and not self.question.answered()


_held: dict[Path, Presence] = {}


def stay(home: Path, address: Address) -> Generator[str, None, None]:
    """Be present at the engine of `home`; yields while it has not taken note.

    Raises:
        EngineUnreachable: it has just gone, or does not answer.
    """
    held = _held.get(home)
    if held and held.is_with(address):
        return
    client, began = Client(address), time.monotonic()
    question = client.ask("GET", "/v1/presence")
    while not question.begun and not question.answered():
        if time.monotonic() - began > PATIENCE:
            client.close()
            raise EngineUnreachable("The engine accepts connections and does not answer; restart it.")
        yield "Asking the engine"
    if question.begun != 200:
        client.close()
        if question.begun:
            return  # an engine of an older version, which does not ask who uses it
        raise EngineUnreachable("The engine has just ended; try again.")
    leave(home)
    _held[home] = Presence(client, question)


def leave(home: Path) -> None:
    """Be no longer present at the engine of `home`."""
    held = _held.pop(home, None)
    if held:
        held.client.close()


def leave_all() -> None:
    """Be no longer present at any engine."""
    for home in list(_held):
        leave(home)
