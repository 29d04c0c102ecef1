# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the engine's own machine keeps up with a session, by how many of its source's frames become pictures.

A frame that comes while all stages are busy is dropped sooner or later, and what was done for it was in vain: a client
that sends no more than is painted leaves the processor to the painting.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...tracking.live.source import Clock

SPAN = 2.0
"""Seconds that a judgement looks at."""
FEWEST = 10
"""Frames that it needs."""
BEHIND, AHEAD = 0.85, 0.95
"""Shares of the frames that become pictures: below the one the machine does not keep up, above the other it does."""
LEAST = 5.0
"""Frames a second that a client is asked for in any case."""
PATIENCE, MORE = 5.0, 1.25
"""Seconds without trouble after which more is tried, and how many times as much."""


class Workload:
    """Follows one session; one thread at a time."""

    def __init__(self, clock: Clock, rate: float) -> None:
        """Start with nothing known; `rate` is of the frames a second that a source gives at most."""
        self._clock, self._most = clock, rate
        self._looks: deque[tuple[float, int, int]] = deque()
        self._changed = clock()
        self.wanted = rate
        """Frames a second that the machine can do with."""

    @property
    def made(self) -> float:
        """Pictures a second, of late."""
        seconds = self._looks[-1][0] - self._looks[0][0] if self._looks else 0.0
        return self._since(1) / seconds if seconds else 0.0

    @property
    def is_limit(self) -> bool:
        """Whether it is this machine that pictures wait for."""
        return self.wanted < self._most or self._share < BEHIND

    def look(self, made: int, dropped: int) -> bool:
        """Take how many pictures were made and frames dropped so far; return whether another number is wanted now."""
        now = self._clock()
        self._looks.append((now, made, dropped))
        while self._looks[0][0] < now - SPAN:
            self._looks.popleft()
        before = self.wanted
        if now - self._changed >= SPAN and self._share < BEHIND:
            self.wanted = min(self._most, max(LEAST, self.made))
        elif now - self._changed >= PATIENCE and self._share > AHEAD:
            self.wanted = min(self._most, MORE * self.wanted)
        if self.wanted != before:
            self._changed = now
        return self.wanted != before

    def words(self) -> str:
        """One sentence: what this machine manages, and what helps."""
        return (
            f"The engine's computer makes {self.made:.0f} pictures a second and no more; close other programs on it, "
            "or choose an avatar of a smaller preset."
        )

    @property
    def _share(self) -> float:
        """Of the frames, what became pictures; 1 where there were too few to tell."""
        made, dropped = self._since(1), self._since(2)
        return made / (made + dropped) if made + dropped >= FEWEST else 1.0

    def _since(self, which: int) -> int:
        """How many more there are of what a look has at a place than at the span's beginning."""
        return int(self._looks[-1][which] - self._looks[0][which]) if self._looks else 0
