# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a pass over frames is, and how long it will take."""

from __future__ import annotations

import time

from .progress import Listener, Progress


class Clock:
    """Tells a listener how far a pass over frames is and how long it will take.

    Attributes:
        total: the number of frames; 0 while it is unknown.
    """

    def __init__(self, stage: str, total: int, listener: Listener) -> None:
        self.total = total
        self._stage = stage
        self._listener = listener
        self._start = time.monotonic()

    def tell(self, done: int, message: str | None = None) -> None:
        """Report that `done` frames are finished and the next one is on, or the message."""
        self._report(done, self._numbered(done + 1) if message is None else message)

    def tell_finished(self, done: int) -> None:
        """Report that `done` frames are finished, the last of them just now."""
        self._report(done, self._numbered(done))

    def _numbered(self, frame: int) -> str:
        return f"frame {frame} of {self.total}" if self.total else f"frame {frame}"

    def _report(self, done: int, message: str) -> None:
        passed = time.monotonic() - self._start
        left = passed / done * max(0, self.total - done) if done and self.total else None
        self._listener(Progress(self._stage, done, self.total, message, left))


def duration(seconds: float, *, coarse: bool = False) -> str:
    """A length of time, in seconds, as people say it; `coarse` leaves out seconds after minutes.

    >>> duration(45), duration(125), duration(125, coarse=True), duration(4800)
    ('45 s', '2 min 05 s', '2 min', '1 h 20 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600 and not coarse:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60) if coarse else whole // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
