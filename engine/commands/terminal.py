# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress on a terminal: bars with the time left, or plain lines where there is no terminal; Ctrl-C stops politely."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...common.clock import duration
from ...common.progress import Cancelled, Listener, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown() -> Iterator[Listener]:
    """Give a listener that shows progress on standard error, and raises `Cancelled` after the first Ctrl-C or SIGTERM.

    After a second Ctrl-C it is raised at once, wherever the task is.
    """
    with stop_request() as stopped, bars() if sys.stderr.isatty() else plain_lines() as show:

        def listener(progress: Progress) -> None:
            if stopped():
                raise Cancelled
            show(progress)

        yield listener


@contextmanager
def stop_request() -> Iterator[Any]:
    """Give a function that tells whether Ctrl-C or SIGTERM has come."""
    asked = False

    def ask(_number: int, _frame: Any) -> None:
        nonlocal asked
        if asked:
            raise Cancelled
        asked = True

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, ask) for number in numbers]
    try:
        yield lambda: asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def bars() -> Iterator[Listener]:
    """Give a listener that draws one bar a stage."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.fields[stage]}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}"))
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, TextColumn("[dim]{task.fields[detail]}"), console=Console(stderr=True)) as drawn:

        def listener(progress: Progress) -> None:
            fields: dict[str, Any] = {"stage": progress.stage, "left": time_left(progress), "detail": progress.message}
            if progress.stage not in tasks:
                tasks[progress.stage] = drawn.add_task("", total=1.0, **fields)
            drawn.update(tasks[progress.stage], completed=progress.fraction, **fields)

        yield listener


@contextmanager
def plain_lines() -> Iterator[Listener]:
    """Give a listener that prints a line at each new stage, and now and then between."""
    stage, last = "", 0.0

    def listener(progress: Progress) -> None:
        nonlocal stage, last
        now = time.monotonic()
        if progress.stage == stage and now - last < SECONDS_BETWEEN_LINES:
            return
        stage, last = progress.stage, now
        parts = (f"{progress.stage} {progress.fraction:.0%}", progress.message, time_left(progress))
        print(", ".join(part for part in parts if part), file=sys.stderr, flush=True)

    yield listener


def time_left(progress: Progress) -> str:
    """The time left in words; empty while it is unknown."""
    return f"{duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
