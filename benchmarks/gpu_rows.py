# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements that stand each for itself: a process for every row of a table, and an end to all of them."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LEAST_SECONDS = 15.0
"""Less is not worth starting a process for."""


@dataclass(frozen=True)
class Row:
    """A measurement, by name, and the seconds that it may take."""

    name: str
    seconds: float


def figures_of(
    rows: Sequence[Row],
    command: Callable[[Row], list[str]],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[Row, str]]:
    """Give each row with what the last line of its command says, or why there is nothing.

    All of them take no longer than `seconds`: the last ones are left out. A process of its own has memory of its own,
    and a GPU that an error has not made useless.
    """
    end = clock() + seconds
    for row in rows:
        left = min(row.seconds, end - clock())
        if left < min(LEAST_SECONDS, row.seconds):
            yield row, f"left out: {seconds / 60:.0f} minutes were over"
        else:
            yield row, last_line(command(row), left)


def last_line(command: list[str], seconds: float) -> str:
    """What a command says last, or how it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"failed: was not done after {seconds:.0f} s"
    said = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    last = said[-1].strip() if said else "nothing was said"
    return f"failed: {last}" if done.returncode else last
