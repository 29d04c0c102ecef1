# SPDX-License-Identifier: GPL-3.0-or-later
"""How large and how many pictures a connection is given, by what has got through: one that would wait is not sent.

The far end acknowledges what it has shown. How much later than usual that comes tells what waits on the way; how much
has come in the meantime tells what the connection carries.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...tracking.live.source import Clock

TOLERATED = 0.08
"""Seconds by which acknowledgements may come later than the quickest did: decoding, and the picture itself."""
JUDGED = 0.6
"""Seconds of acknowledgements, and of silence, that a judgement looks at."""
FEWEST = 3
"""Acknowledgements that a judgement needs."""
REMEMBERED = 60.0
"""Seconds for which the quickest acknowledgement counts."""
GIVEN_UP = 2.0
"""Seconds after which a picture that nobody acknowledged does not count any more."""
SETTLING = 1.0
"""Seconds from one change to the next one down."""
PATIENCE, LONGEST_PATIENCE = 3.0, 60.0
"""Seconds without trouble after which more is tried; they double whenever more was too much."""
SHARE_USED = 0.8
"""Of what gets through."""


@dataclass(frozen=True)
class Pace:
    """What is sent.

    Attributes:
        share: of the wanted side in pixels. quality: of JPEG or WebP, 1 to 100. rate: share of the wanted rate.
        cost: bytes a second, as a share of the first pace's, roughly.
    """

    share: float
    quality: int
    rate: float
    cost: float


PACES = (
    Pace(1.0, 85, 1.0, 1.0),
    Pace(1.0, 70, 1.0, 0.62),
    Pace(0.75, 70, 1.0, 0.4),
    Pace(0.5, 70, 1.0, 0.22),
    Pace(0.5, 60, 0.5, 0.09),
    Pace(0.375, 50, 0.5, 0.05),
    Pace(0.25, 50, 0.34, 0.02),
    Pace(0.25, 40, 0.17, 0.008),
)


class Downlink:
    """Decides what a connection is given; one thread at a time."""

    def __init__(self, clock: Clock, rate: float) -> None:
        """Start with everything; `rate` is of the pictures a second that are wanted."""
        self.rate = rate
        self._clock = clock
        self._level = 0
        self._on_the_way: dict[int, tuple[float, int]] = {}
        self._seen: deque[tuple[float, float, int]] = deque()
        self._quickest: deque[tuple[float, float]] = deque()
        self._next = -float("inf")
        self._changed = clock()
        self._trouble = clock()
        self._patience = PATIENCE
        self._rose = False
        self.carried = 0.0
        """Bytes a second that got through, when it was last too little."""

    @property
    def pace(self) -> Pace:
        """What is to be sent now."""
        return PACES[self._level]

    @property
    def round_trip(self) -> float:
        """Seconds from sending a picture until it is known to be shown: the median of late."""
        return statistics.median(trip for _, trip, _ in self._seen) if self._seen else 0.0

    @property
    def pictures_a_second(self) -> float:
        """How many are sent at most."""
        return self.rate * self.pace.rate

    def wait(self) -> float:
        """Return for how many seconds no further picture may be sent, unless one is acknowledged before."""
        now = self._clock()
        self._give_up(now)
        if len(self._on_the_way) >= self._window():
            return min(sent for sent, _ in self._on_the_way.values()) + GIVEN_UP - now
        return max(0.0, self._next - now)

    def sent(self, number: int, size: int) -> None:
        """A picture of so many bytes was sent."""
        now, apart = self._clock(), 1 / self.pictures_a_second
        self._next = max(self._next, now - apart) + apart
        self._on_the_way[number] = now, size

    def seen(self, number: int) -> None:
        """A picture that was sent is known to be shown; others are passed over."""
        if number not in self._on_the_way:
            return
        now = self._clock()
        sent, size = self._on_the_way.pop(number)
        self._seen.append((now, now - sent, size))
        while self._quickest and self._quickest[-1][1] >= now - sent:
            self._quickest.pop()
        self._quickest.append((now, now - sent))

    def judge(self, held_up: float = 0.0) -> bool:
        """Change the pace where it has to be, and return whether it was; ask now and then.

        `held_up` are the seconds by which this end, being busy, hears late of what has come, which is no fault of the
        connection's.
        """
        now = self._clock()
        self._forget(now)
        if self._is_late(now, held_up):
            self._trouble = now
            if now - self._changed < SETTLING or self._level == len(PACES) - 1:
                return False
            self.carried = self._throughput()
            self._patience = min(2 * self._patience, LONGEST_PATIENCE) if self._has_just_risen(now) else self._patience
            self._set(self._level_for(SHARE_USED * self.carried), now)
            return True
        if self._level and now - self._trouble >= self._patience and self._seen:
            self._set(self._level - 1, now)
            self._trouble = now
            return True
        return False

    @property
    def is_limit(self) -> bool:
        """Whether it is the connection that pictures wait for."""
        return self._level > 0

    def words(self, width: int) -> str:
        """One sentence: what is sent and why; `width` is of the pictures in pixels."""
        if not self.is_limit:
            return "The connection carries the full size and rate."
        carried = f"carries about {self.carried / 1000:.0f} kB/s" if self.carried else "is slow"
        rate = self.pictures_a_second
        return f"The connection {carried}: pictures are {width} pixels wide, at most {rate:.0f} a second."

    def _has_just_risen(self, now: float) -> bool:
        return self._rose and now - self._changed < 2 * PATIENCE

    def _set(self, level: int, now: float) -> None:
        self._rose = level < self._level
        self._level, self._changed = level, now
        self._seen.clear()

    def _base(self) -> float:
        """Seconds that the quickest acknowledgement of late took."""
        return self._quickest[0][1] if self._quickest else 0.0

    def _window(self) -> int:
        """Pictures that may be on the way: as many as an untroubled connection holds, and one."""
        return max(2, ceil(self.pictures_a_second * (self._base() + TOLERATED / 2)) + 1)

    def _is_late(self, now: float, held_up: float) -> bool:
        """Tell whether pictures wait on the way."""
        usual = self._base() + held_up
        oldest = max((now - sent for sent, _ in self._on_the_way.values()), default=0.0)
        if oldest > usual + max(JUDGED, 2 * TOLERATED):
            return True
        return len(self._seen) >= FEWEST and self.round_trip > usual + TOLERATED

    def _throughput(self) -> float:
        """Bytes a second that got through of late."""
        if len(self._seen) < 2:
            return 0.0
        between = self._seen[-1][0] - self._seen[0][0]
        return sum(size for _, _, size in list(self._seen)[1:]) / between if between > 0 else 0.0

    def _level_for(self, budget: float) -> int:
        """The first pace below this one that fits into so many bytes a second; the next but one if that is unknown."""
        sizes = [size for _, _, size in self._seen] or [size for _, size in self._on_the_way.values()]
        now_spent = statistics.fmean(sizes) * self.pictures_a_second if sizes else 0.0
        below = range(self._level + 1, len(PACES))
        if not budget:
            return below[min(1, len(below) - 1)]
        return next((level for level in below if now_spent * PACES[level].cost / self.pace.cost <= budget), below[-1])

    def _forget(self, now: float) -> None:
        self._give_up(now)
        while self._seen and self._seen[0][0] < now - JUDGED and len(self._seen) > FEWEST:
            self._seen.popleft()
        while len(self._quickest) > 1 and self._quickest[0][0] < now - REMEMBERED:
            self._quickest.popleft()

    def _give_up(self, now: float) -> None:
        for number in [number for number, (sent, _) in self._on_the_way.items() if now - sent >= GIVEN_UP]:
            del self._on_the_way[number]
