# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a set-up is: lines like `41.5 % Fetching torch: 800 of 2690 MB, 4 min left`, for people and for Blender."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from ..clock import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINE = re.compile(r"^(\d+(?:\.\d+)?) % (.+)$", re.MULTILINE)
MEGABYTE = 1_000_000
INTERVAL = 1.0
"""Seconds between two lines about the same thing."""
SETTLING = 2.0
"""Seconds after which a rate can be told."""


class Teller:
    """Prints how far a part of the set-up is, which takes it from one share of the whole to another (0 to 1)."""

    def __init__(self, first: float, last: float) -> None:
        self._first, self._last = first, last
        self._told, self._what = 0.0, ""

    def tell(self, share: float, what: str, detail: str = "") -> None:
        """Print that a share of this part is done; the same `what` again only now and then."""
        now = time.monotonic()
        if what == self._what and now - self._told < INTERVAL:
            return
        self._told, self._what = now, what
        whole = self._first + (self._last - self._first) * min(1.0, max(0.0, share))
        print(f"{100 * whole:.1f} % {what}{detail and ': '}{detail}", flush=True)


class Meter:
    """Tells the bytes of many files as one amount, and how long the rest will take."""

    def __init__(self, teller: Teller) -> None:
        self.expected = 0
        """Bytes of all files, as far as is known; corrected on the way."""
        self.done = 0
        """Bytes of the files that are there."""
        self._teller = teller
        self._fresh = 0
        self._start = time.monotonic()

    def of(self, name: str) -> Callable[[int], None]:
        """Return what is to be told the bytes of the next file that are there: at first, what a former try left."""
        before, last = self.done, -1

        def count(have: int) -> None:
            nonlocal last
            self._fresh += max(0, have - last) if last >= 0 else 0
            self.done, last = before + have, have
            self._tell(name)

        return count

    def _tell(self, name: str) -> None:
        expected = max(self.done, self.expected, 1)
        detail = f"{self.done / MEGABYTE:.0f} of {expected / MEGABYTE:.0f} MB"
        passed = time.monotonic() - self._start
        if passed > SETTLING and self._fresh:
            detail += f", {duration(passed / self._fresh * (expected - self.done), coarse=True)} left"
        self._teller.tell(self.done / expected, f"Fetching {name}", detail)


def last_told(log: str) -> tuple[float, str] | None:
    """Return (share done 0 to 1, what is being done) from what a set-up has printed; None where it told nothing yet."""
    lines = LINE.findall(log)
    return (float(lines[-1][0]) / 100, lines[-1][1].strip()) if lines else None


def megabytes_in(folder: Path) -> int:
    """Megabytes on disk below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(file.stat().st_size for file in files) // MEGABYTE
