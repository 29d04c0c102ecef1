# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of a long task, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class Cancelled(Exception):
    """Raised out of a progress listener to stop the task; tasks clean up and let it pass."""


class GoodEnough(Exception):
    """Raised out of a progress listener, where `Progress.may_end` is true, to have the task end with what it has."""


@dataclass(frozen=True)
class Progress:
    """Where a task stands.

    Attributes:
        stage: what is being done, as shown to the user ("Tracking", "Training").
        done: work done in this stage, in any unit.
        total: work in this stage; 0 when unknown.
        message: a short line of detail ("frame 120 of 502", "L1 0.043").
        seconds_left: estimated time to the end of the stage; None while unknown.
        preview: path of a picture of the current state; None when there is none.
        may_end: the task can end here with what it has made so far, and does so on `GoodEnough`.
    """

    stage: str
    done: float
    total: float
    message: str = ""
    seconds_left: float | None = None
    preview: str | None = None
    may_end: bool = False

    @property
    def fraction(self) -> float:
        """Share of the stage that is done, 0 to 1."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else 0.0


Listener = Callable[[Progress], None]
"""Called often by a long task. It may raise `Cancelled` to stop the task, or `GoodEnough` where the task may end."""


def silent(_progress: Progress) -> None:
    """A listener that ignores what it hears."""
