# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the engine's jobs by a timer, from Blender's start on: also at those of other Blenders, and of dead ones."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine.job_list import JobList
from ..preferences import engine_place
from .activity import redraw

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.messages import Job

SECONDS_BETWEEN_STEPS = 0.25
SECONDS_TO_BEGIN = 1.0

known = JobList(engine_place)
"""The engine's jobs."""
when_ended: list[Callable[[Job], None]] = []
"""Told of each job that has newly ended."""


def datasets_to_come() -> list[str]:
    """The names of datasets that jobs in the engine are going to make."""
    asked = [str(job.parameters.get("dataset", "")) for job in known.jobs if not job.state.ended]
    return [Path(each).name for each in asked]


def look() -> float:
    """Go on looking (called by the timer); returns the seconds to the next time."""
    before = known.jobs, known.text
    try:
        for job in known.step():
            for hear in when_ended:
                hear(job)
    except Exception:
        traceback.print_exc()  # the timer must live on
    if (known.jobs, known.text) != before:
        redraw()
    return SECONDS_BETWEEN_STEPS


def register() -> None:
    """Look at the jobs; without a window nobody would see them."""
    if not bpy.app.background:
        bpy.app.timers.register(look, first_interval=SECONDS_TO_BEGIN, persistent=True)


def unregister() -> None:
    """Undo `register`."""
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)
    known.close()
    known.jobs = ()
