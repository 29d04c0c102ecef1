# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to the engine that runs for a home folder, for the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from ...common.errors import UserError
from ...protocol.messages import STATE_FILE, Announcement

SECONDS_TO_ANSWER = 30.0


def ask(home: Path, method: str, door: str) -> Any:
    """Return what the engine of `home` answers at a door that speaks JSON.

    Raises:
        UserError: no engine runs there, it has gone, it refuses the token, or it refuses what is asked.
    """
    engine = Announcement.read(home)
    if engine is None:
        raise UserError(f"No engine is running for {home}; start one with `semblance serve`.")
    try:
        answer = httpx.request(
            method,
            f"http://{engine.host}:{engine.port}{door}",
            headers={"Authorization": f"Bearer {engine.token}"},
            timeout=SECONDS_TO_ANSWER,
            trust_env=False,
        )
    except httpx.HTTPError:
        raise UserError(
            f"The engine that {home / STATE_FILE} announces does not answer; start it again with `semblance serve`."
        ) from None
    if answer.is_success:
        return answer.json()
    try:
        sentence = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        sentence = f"What answers on port {engine.port} is no Semblance engine; start one with `semblance serve`."
    raise UserError(sentence)
