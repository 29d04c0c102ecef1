# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something is done that takes time from training: seldom enough to cost a small share of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Pace:
    """Says when something is due again.

    Args:
        seconds: from one time to the next, at least.
        share: of all time that it may take at most, above 0 to 1: what took long waits longer for its next time.
        first: seconds to the first time.
        clock: gives the time in seconds.
    """

    def __init__(self, seconds: float, share: float, first: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._share, self._clock = seconds, share, clock
        self._next = clock() + first

    @property
    def is_due(self) -> bool:
        """Whether it is time."""
        return self._clock() >= self._next

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Do it in the body, whose time counts."""
        began = self._clock()
        yield
        ended = self._clock()
        self._next = max(began + self._seconds, began + (ended - began) / self._share)
