# SPDX-License-Identifier: GPL-3.0-or-later
"""How live tracking keeps up: frames a second, latency and dropped frames."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from dataclasses import dataclass

SPAN = 1.0
"""Seconds over which rates and latencies are told."""


@dataclass(frozen=True)
class Reading:
    """What the meter shows.

    Attributes:
        fps: frames finished a second.
        latency: seconds from a picture's capture until its maps are drawn, the median.
        slowest: the longest of these.
        dropped: frames dropped since the start.
    """

    fps: float
    latency: float
    slowest: float
    dropped: int


class Meter:
    """Counts finished and dropped frames; stages of several threads may tell it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dropped = 0
        self._finished: deque[tuple[float, float]] = deque()

    def drop(self) -> None:
        """A frame was dropped."""
        with self._lock:
            self._dropped += 1

    def finish(self, captured: float, finished: float) -> None:
        """A frame is done: when it was captured and finished, in seconds of the same clock."""
        with self._lock:
            self._finished.append((finished, finished - captured))
            while self._finished[0][0] <= finished - SPAN:
                self._finished.popleft()

    def read(self) -> Reading:
        """Return what holds for the last second before the newest frame."""
        with self._lock:
            latencies = [latency for _, latency in self._finished] or [0.0]
            between = self._finished[-1][0] - self._finished[0][0] if self._finished else 0.0
            fps = (len(latencies) - 1) / between if between else 0.0
            return Reading(fps, statistics.median(latencies), max(latencies), self._dropped)
