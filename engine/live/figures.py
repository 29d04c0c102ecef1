# SPDX-License-Identifier: GPL-3.0-or-later
"""How a session keeps up, in figures and in words: rate, latency, drops, and what each stage takes."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...tracking.live.meter import SPAN, Meter, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...tracking.live.motion import State

WORDS: Mapping[State, str] = {
    "looking": "Looking for a face",
    "learning": "Getting to know the face",
    "following": "Following",
    "lost": "Face lost",
}


@dataclass(frozen=True)
class Figures:
    """What a session tells of its last second.

    Attributes:
        reading: rate, latency from the picture's capture until the sink has shown it, and drops since the start.
        spent: median seconds of each stage, in their order; latency beyond their sum is waiting.
    """

    reading: Reading
    spent: Mapping[str, float]

    def in_words(self) -> str:
        """One line."""
        reading = self.reading
        stages = ", ".join(f"{name} {1000 * seconds:.0f}" for name, seconds in self.spent.items())
        return (
            f"{reading.fps:.1f} frames/s, latency {1000 * reading.latency:.0f} ms (slowest "
            f"{1000 * reading.slowest:.0f}), {reading.dropped} dropped; {stages} ms"
        )


class SessionMeter:
    """Counts a session's frames; `drop` may be told by several threads, the rest by the sink's only."""

    def __init__(self) -> None:
        self._meter = Meter()
        self._spent: deque[tuple[float, Mapping[str, float]]] = deque()
        self.drop = self._meter.drop

    def finish(self, captured: float, finished: float, spent: Mapping[str, float]) -> None:
        """A picture was shown: when what it shows was captured, when that was, and what each stage took, in seconds."""
        self._meter.finish(captured, finished)
        self._spent.append((finished, spent))
        while self._spent[0][0] <= finished - SPAN:
            self._spent.popleft()

    def read(self) -> Figures:
        """Return what holds for the last second before the newest picture."""
        newest = self._spent[-1][1] if self._spent else {}
        costs = {name: statistics.median(spent[name] for _, spent in self._spent if name in spent) for name in newest}
        return Figures(self._meter.read(), costs)
