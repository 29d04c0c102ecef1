# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a viewport its neural pictures and never waits: the newest maps go out, one question at a time. No bpy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...common.errors import UserError
from . import jobs

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from ...protocol.inputs import Maps
    from ...protocol.look import Look
    from .process import EnginePlace

SECONDS_AFTER_AN_ERROR = 3.0
"""Before the engine is asked again; an artist can read the sentence meanwhile."""


@dataclass(frozen=True)
class Wish:
    """A picture wanted: the avatar's id, the maps of one frame, and its look."""

    avatar: str
    maps: Maps
    look: Look


class PictureFeed:
    """The newest picture for the newest wish.

    Attributes:
        picture: `[R, R, 4]` uint8, straight alpha; None before the first.
        text: what to tell the artist while there is nothing to show, or what went wrong.
    """

    def __init__(self, place: EnginePlace) -> None:
        self.picture: NDArray[np.uint8] | None = None
        self.text = ""
        self._place = place
        self._wish: Wish | None = None
        self._work: Generator[None, None, None] | None = None
        self._asking = False
        self._rest_until = 0.0

    @property
    def idle(self) -> bool:
        """True when there is nothing to bring; only then may `step` be left alone."""
        return self._wish is None and not self._asking

    @property
    def wanting(self) -> bool:
        """True while a wish has not been sent yet, so that a newer one would only replace it."""
        return self._wish is not None

    def want(self, wish: Wish) -> None:
        """Wish for a picture, in place of an older wish that has not been sent."""
        self._wish = wish

    def step(self) -> bool:
        """Go on with the work as far as it goes without waiting; tell whether there is something new to show."""
        if self.idle or time.monotonic() < self._rest_until:
            return False
        before = (self.picture, self.text)
        self._work = self._work or self._bring()
        try:
            next(self._work)
        except UserError as error:
            self.close()
            self.text = str(error)
            self._rest_until = time.monotonic() + SECONDS_AFTER_AN_ERROR
        return before[0] is not self.picture or before[1] != self.text

    def close(self) -> None:
        """Let go of the engine."""
        if self._work:
            self._work.close()
        self._work, self._asking = None, False

    def _bring(self) -> Generator[None, None, None]:
        """Connect, then answer wishes; yields instead of waiting."""
        connecting = jobs.connecting(self._place)
        client = None
        try:
            while client is None:
                try:
                    self.text = next(connecting).text
                    yield
                except StopIteration as end:
                    client = end.value
            while True:
                wish, self._wish = self._wish, None
                if wish is None:
                    yield
                    continue
                self._asking = True
                question = client.ask_frames(wish.avatar, wish.maps, wish.look)
                while not question.answered():
                    yield
                self.picture, self.text, self._asking = question.pictures().rgba[0], "", False
                yield
        finally:
            connecting.close()
            if client:
                client.close()
