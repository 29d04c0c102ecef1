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
from .pulse import awaited

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.inputs import Inputs
    from ...protocol.look import Look
    from ...protocol.pictures import Pictures
    from .process import EnginePlace

SECONDS_BETWEEN_LOOKS = 0.001

_kept: dict[EnginePlace, Client] = {}


def avatar_pictures(
    place: EnginePlace,
    avatar: str,
    inputs: Inputs,
    look: Look,
    broken_off: Callable[[], bool] = lambda: False,
) -> Pictures:
    """Return what an avatar shows for the inputs of one frame. Waits for it.

    Finds or starts the engine when there is none; an engine that was restarted is found again.

    Raises:
        UserError: there is no engine, it hangs, or it cannot render this avatar.
        Cancelled: `broken_off` said so.
    """
    again = place in _kept
    try:
        return ask(place, avatar, inputs, look, broken_off)
    except (EngineUnreachable, WrongToken):
        forget(place)
        if not again:
            raise
    except BaseException:
        forget(place)  # an answer may still come, on this connection
        raise
    return ask(place, avatar, inputs, look, broken_off)


def ask(place: EnginePlace, avatar: str, inputs: Inputs, look: Look, broken_off: Callable[[], bool]) -> Pictures:
    """Ask for one frame and wait, looking up now and then whether anybody still wants it.

    Raises:
        UserError: there is no engine, or it cannot render this avatar.
        Cancelled: `broken_off` said so.
    """
    client = kept_client(place, broken_off)
    question = client.ask_frames(avatar, inputs, look)
    for _ in awaited(client, question, None):
        if broken_off():
            raise Cancelled
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return checked(question.pictures())


def checked(pictures: Pictures) -> Pictures:
    """Return what the engine sent. Raises UserError when it is not as it should be."""
    rgba, depth = pictures.rgba, pictures.depth
    is_good = rgba.ndim == 4 and rgba.shape[-1] == 4 and rgba.dtype == np.uint8 and len(rgba) > 0
    if not is_good or (depth is not None and depth.shape != rgba.shape[:3]):
        raise UserError("The engine sent an unexpected kind of picture; update the engine.")
    return pictures


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
