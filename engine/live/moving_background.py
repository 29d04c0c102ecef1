# SPDX-License-Identifier: GPL-3.0-or-later
"""A video behind a live avatar: it plays at its own pace, again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...tracking.media.footage import Footage
from .fitting import filled

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from ...tracking.heads.arrays import Image
    from ...tracking.live.source import Clock
    from ...tracking.media.footage import Frame

LONGEST_SIDE = 1920
"""Pixels to which larger videos are shrunk as they are decoded."""
MOST_AT_ONCE = 8
"""Frames by which it moves on for one picture: where decoding is slower, it plays slower, and the avatar does not."""


class Playing:
    """A video whose picture follows the clock. It begins with the first picture that is asked for."""

    def __init__(self, footage: Footage, clock: Clock = time.monotonic) -> None:
        self._footage, self._clock = footage, clock
        self._lasts = 1 / footage.fps
        self._frames: Generator[Frame, None, None] | None = None
        self._shown: Frame | None = None
        self._next: Frame | None = None
        self._start = 0.0

    @classmethod
    def of(cls, path: Path) -> Playing:
        """Open a video.

        Raises:
            UserError: it is damaged, or none.
        """
        return cls(Footage.open(path))

    def filling(self, height: int, width: int) -> Image:
        """Return what is to be seen now as `[height, width, 3]`; what does not fit is cut off evenly.

        Raises:
            UserError: the file is damaged.
        """
        now = self._clock()
        if self._shown is None:
            self._begin(now)
        for _ in range(MOST_AT_ONCE):
            if not self._move_on(now):
                break
        else:
            assert self._shown is not None
            self._start = now - self._shown.time  # it is late: it goes on from here
        assert self._shown is not None
        return filled(self._shown.image, height, width)

    def _begin(self, now: float) -> None:
        """Show the first frame from now on."""
        self._frames = self._footage.frames(LONGEST_SIDE)
        self._shown, self._start = next(self._frames), now
        self._start -= self._shown.time
        self._next = next(self._frames, None)

    def _move_on(self, now: float) -> bool:
        """Show the next frame, if it is due; after the last one the first."""
        assert self._shown is not None
        assert self._frames is not None
        due = self._shown.time + self._lasts if self._next is None else self._next.time
        if now < self._start + due:
            return False
        if self._next is None:
            self._begin(self._start + due)
        else:
            self._shown, self._next = self._next, next(self._frames, None)
        return True
