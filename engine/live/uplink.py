# SPDX-License-Identifier: GPL-3.0-or-later
"""What pictures a client is asked for, by how late those come that it sends.

The client's clock and this one's differ by an amount that nobody knows; how much that difference seems to grow is how
long a picture was held up on the way.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...tracking.live.source import Clock

TOLERATED = 0.1
"""Seconds by which pictures may come later than the quickest did."""
JUDGED = 0.6
FEWEST = 3
REMEMBERED = 60.0
SETTLING = 1.0
PATIENCE, LONGEST_PATIENCE = 4.0, 60.0
"""As in `pacing`."""


@dataclass(frozen=True)
class Wanted:
    """Camera pictures as the client should send them: longer side in pixels, quality 0 to 1, pictures a second."""

    side: int
    quality: float
    rate: float


WANTED = (
    Wanted(640, 0.8, 30),
    Wanted(480, 0.75, 30),
    Wanted(360, 0.7, 30),
    Wanted(320, 0.6, 15),
    Wanted(240, 0.6, 15),
    Wanted(240, 0.5, 8),
)


class Uplink:
    """Decides what a client is asked for; one thread at a time."""

    def __init__(self, clock: Clock) -> None:
        """Start with the best."""
        self._clock = clock
        self._level = 0
        self._late: deque[tuple[float, float]] = deque()
        self._quickest: deque[tuple[float, float]] = deque()
        self._changed = self._trouble = clock()
        self._patience = PATIENCE
        self._rose = False

    @property
    def wanted(self) -> Wanted:
        """What is to be asked for now."""
        return WANTED[self._level]

    def arrived(self, time: float) -> None:
        """A message came that the client sent at a time of its own clock, in seconds."""
        now = self._clock()
        apart = now - time
        while self._quickest and self._quickest[-1][1] >= apart:
            self._quickest.pop()
        self._quickest.append((now, apart))
        while len(self._quickest) > 1 and self._quickest[0][0] < now - REMEMBERED:
            self._quickest.popleft()
        self._late.append((now, apart - self._quickest[0][1]))

    def judge(self) -> bool:
        """Change what is asked for where it has to be, and return whether it was; ask now and then."""
        now = self._clock()
        while self._late and self._late[0][0] < now - JUDGED and len(self._late) > FEWEST:
            self._late.popleft()
        if len(self._late) >= FEWEST and statistics.median(late for _, late in self._late) > TOLERATED:
            self._trouble = now
            if now - self._changed < SETTLING or self._level == len(WANTED) - 1:
                return False
            if self._rose and now - self._changed < 2 * PATIENCE:
                self._patience = min(2 * self._patience, LONGEST_PATIENCE)
            self._set(self._level + 1, now)
            return True
        if self._level and self._late and now - self._trouble >= self._patience:
            self._set(self._level - 1, now)
            self._trouble = now
            return True
        return False

    def _set(self, level: int, now: float) -> None:
        self._rose = level < self._level
        self._level, self._changed = level, now
        self._late.clear()
