# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the engine for an avatar's frames, over a connection that is kept from frame to frame."""

from __future__ import annotations

import numpy as np

from ..common.errors import UserError
from . import jobs
from .client import Client, EngineUnreachable, WrongToken
from .engine_process import EnginePlace

_kept: dict[EnginePlace, Client] = {}


def avatar_picture(
    place: EnginePlace, avatar: str, uv: np.ndarray, texture: np.ndarray, time_code: float
) -> np.ndarray:
    """Return `[R, R, 4]` uint8, straight alpha: what an avatar shows for maps `[256, 256, 3]`. Waits for it.

    Finds or starts the engine when there is none; an engine that was restarted is found again.

    Raises:
        UserError: there is no engine, or it cannot render this avatar.
    """
    again = place in _kept
    try:
        return ask(kept_client(place), avatar, uv, texture, time_code)
    except (EngineUnreachable, WrongToken):
        forget(place)
        if not again:
            raise
    return ask(kept_client(place), avatar, uv, texture, time_code)


def ask(client: Client, avatar: str, uv: np.ndarray, texture: np.ndarray, time_code: float) -> np.ndarray:
    """Ask for one frame and wait."""
    pictures = client.frames(avatar, uv=uv[None], texture=texture[None], time_code=time_code)
    if pictures.ndim != 4 or pictures.shape[-1] != 4 or pictures.dtype != np.uint8:
        raise UserError("The engine sent a picture of another kind than expected; update the engine.")
    return pictures[0]


def kept_client(place: EnginePlace) -> Client:
    """Return the open client of an engine; connect, and start the engine, when there is none."""
    if place not in _kept:
        _kept[place] = jobs.run_to_end(jobs.connecting(place))
    return _kept[place]


def forget(place: EnginePlace) -> None:
    """Close the kept connection to an engine."""
    client = _kept.pop(place, None)
    if client:
        client.close()


def forget_all() -> None:
    """Close every kept connection."""
    for place in list(_kept):
        forget(place)
