# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the engine's jobs by a timer, from Blender's start on: also at those of other Blenders, and of dead ones."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...protocol.messages import JobState
from ..engine import errands
from ..engine.job_list import JobList
from ..preferences import engine_place, home_folder
from .activity import redraw, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.messages import Job
    from ..engine.errands import Errand

SECONDS_BETWEEN_STEPS = 0.25
SECONDS_TO_BEGIN = 1.0

known = JobList(engine_place)
"""The engine's jobs."""
when_ended: list[Callable[[Job], None]] = []
"""Told of each job that has newly ended."""
when_first_known: list[Callable[[], None]] = []
"""Told once, when jobs are known for the first time."""
when_looked: list[Callable[[], None]] = []
"""Called after every look."""
_errands: dict[str, Errand] = {}
"""What those of them were asked for whose result is not yet where it belongs, by the jobs' ids."""


def datasets_to_come() -> list[str]:
    """The names of datasets that jobs in the engine are going to make."""
    asked = [str(job.parameters.get("dataset", "")) for job in known.jobs if not job.state.ended]
    return [Path(each).name for each in asked]


def waiting() -> list[Job]:
    """The jobs that are done and whose result is not where it belongs, nor about to be put there; newest first."""
    followed = {activity.job for activity in running()}
    done = [job for job in known.jobs if job.state is JobState.DONE and job.id not in followed]
    return [job for job in done if job.id in _errands]


def look_for_errands() -> None:
    """Look what the known jobs were asked for."""
    found = {job.id: errands.read(home_folder(), job.id) for job in known.jobs}
    _errands.clear()
    _errands.update({job: errand for job, errand in found.items() if errand})


def look() -> float:
    """Go on looking (called by the timer); returns the seconds to the next time."""
    before = known.jobs, known.text, known.build.number
    try:
        ended = known.step()
        if known.jobs != before[0]:
            look_for_errands()
        for job in ended:
            for hear in when_ended:
                hear(job)
        if known.jobs and not before[0]:
            for be_told in when_first_known:
                be_told()
        for go_on in when_looked:
            go_on()
    except Exception:
        traceback.print_exc()  # the timer must live on
    if (known.jobs, known.text, known.build.number) != before:
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
    _errands.clear()
