# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress on a terminal: bars with the time left, or plain lines where there is no terminal; Ctrl-C stops politely."""

from __future__ import annotations

import io
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


STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""What asks a command to stop, where the system knows it: Ctrl-C, the system, a terminal that closes, Ctrl-Break."""


class StopRequest:
    """Whether the user wants the command to stop: asked politely first, then obeyed at once.

    Once it was obeyed, what has been begun is being cleaned up, and nothing may disturb that.
    """

    def __init__(self) -> None:
        self._is_asked = self._is_obeyed = False

    def ask(self, _number: int, _frame: Any) -> None:
        """Handle a signal.

        Raises:
            Cancelled: it is the second one, wherever the task is.
        """
        if self._is_asked:
            self.obey()
        self._is_asked = True

    def __call__(self) -> bool:
        """Tell whether it was asked."""
        return self._is_asked

    def obey(self) -> None:
        """Break the task off, once.

        Raises:
            Cancelled: the first time.
        """
        if not self._is_obeyed:
            self._is_obeyed = True
            raise Cancelled


@contextmanager
def shown() -> Iterator[Listener]:
    """Give a listener that shows progress on standard error, and raises `Cancelled` after the first request to stop
    (`STOPPING`).

    After a second one it is raised at once, wherever the task is.
    """
    with stop_request() as stop, bars() if sys.stderr.isatty() else plain_lines() as show:

        def listener(progress: Progress) -> None:
            if stop():
                stop.obey()
            show(progress)

        yield listener


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Give what tells whether somebody has asked to stop. What was ignored before, as under `nohup`, still is."""
    stop = StopRequest()
    numbers = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = [signal.signal(number, stop.ask) for number in heard]
    try:
        yield stop
    finally:
        for number, handler in zip(heard, before, strict=True):
            signal.signal(number, handler)


def print_anything() -> None:
    """Let letters that the terminal or file cannot show be printed as their numbers, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
