# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the engine for an avatar's frames, over a connection that is kept from frame to frame. No bpy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ...common.progress import Cancelled
from ...protocol.client import Client, EngineUnreachable, WrongToken
from . import jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ...protocol.inputs import Maps
    from ...protocol.look import Look
    from .process import EnginePlace

SECONDS_BETWEEN_LOOKS = 0.001

_kept: dict[EnginePlace, Client] = {}


def avatar_picture(
    place: EnginePlace,
    avatar: str,
    maps: Maps,
    look: Look,
    broken_off: Callable[[], bool] = lambda: False,
) -> NDArray[np.uint8]:
    """Return `[R, R, 4]` uint8, straight alpha: what an avatar shows for the maps of one frame. Waits for it.

    Finds or starts the engine when there is none; an engine that was restarted is found again.

    Raises:
        UserError: there is no engine, or it cannot render this avatar.
        Cancelled: `broken_off` said so.
    """
    again = place in _kept
    try:
        return ask(place, avatar, maps, look, broken_off)
    except (EngineUnreachable, WrongToken):
        forget(place)
        if not again:
            raise
    return ask(place, avatar, maps, look, broken_off)


def ask(place: EnginePlace, avatar: str, maps: Maps, look: Look, broken_off: Callable[[], bool]) -> NDArray[np.uint8]:
    """Ask for one frame `[R, R, 4]` uint8 and wait, looking up now and then whether anybody still wants it.

    Raises:
        UserError: there is no engine, or it cannot render this avatar.
        Cancelled: `broken_off` said so.
    """
    client = kept_client(place, broken_off)
    question = client.ask_frames(avatar, maps, look)
    while not question.answered():
        if broken_off():
            forget(place)  # the answer would still come, on this connection
            raise Cancelled
        time.sleep(SECONDS_BETWEEN_LOOKS)
    pictures = question.pictures().rgba
    if pictures.ndim != 4 or pictures.shape[-1] != 4 or pictures.dtype != np.uint8:
        raise UserError("The engine sent an unexpected kind of picture; update the engine.")
    picture: NDArray[np.uint8] = pictures[0]
    return picture


def kept_client(place: EnginePlace, broken_off: Callable[[], bool]) -> Client:
    """Return the open client of an engine; connect, and start the engine, when there is none."""

    def look_up(_bar: jobs.Bar) -> None:
        if broken_off():
            raise Cancelled

    if place not in _kept:
        _kept[place] = jobs.run_to_end(jobs.connecting(place), look_up)
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
