# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators share that start long tasks, and the operators that every task has: Cancel and Dismiss.

In a window a task is followed by the timer; without one (command line, tests, farms) the same task runs to its end
inside the operator.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import IntProperty

from ...common.errors import UserError
from ...common.progress import Cancelled
from .. import preferences
from ..access import registration_of, windows
from ..engine import errands, jobs
from ..engine.process import why_no_engine
from ..operators import Outcome, SemblanceOperator
from ..words import translated
from . import activity, job_watch, results

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.jobs import JobRequest
    from ...protocol.messages import Job
    from ..engine.errands import Errand


def engine_reason() -> str:
    """Why the engine can be given no job now; empty when it can."""
    return activity.busy_reason() or why_no_engine(preferences.engine_place())


def linked_reason(head: bpy.types.Object) -> str:
    """Why a head cannot be changed in this file, as a sentence; empty when it can."""
    if head.library is None:
        return ""
    return translated(
        "{head} is linked from another file: do this there, or make a library override of it.", head=head.name
    )


class LongTask(SemblanceOperator):
    """An operator that does a task: in the background of a window, or to its end where there is none."""

    def carry_out(
        self,
        task: jobs.Task[Any],
        finish: Callable[[Any], str],
        *,
        requests: tuple[JobRequest, ...] = (),
        undo: str = "",
        alone: bool = False,
        about: str = "",
    ) -> Outcome:
        """Do `task`, which asks for `requests`, then `finish` with its result; `undo` names the change to the scene,
        `about` what it is about.
        """
        if windows():
            activity.begin(self.bl_label, task, finish, requests=requests, undo=undo, alone=alone, about=about)
            return {"FINISHED"}
        try:
            result = jobs.run_to_end(task)
        except Cancelled:
            return {"CANCELLED"}
        said = activity.conclude(self.bl_label, lambda: finish(result))
        if said.problem:
            raise UserError(said.text)
        if said.text:
            self.report({"INFO"}, said.text)
        return {"FINISHED"}

    def have_done(self, request: JobRequest, errand: Errand) -> Outcome:
        """Have the engine do a job, then put its result where `errand` says."""
        return self.carry_out(
            followed(request, errand),
            lambda job: results.place(job, errand),
            requests=(request,),
            undo=self.bl_label,
            about=errand.name,
        )


def followed(request: JobRequest, errand: Errand | None = None) -> jobs.Task[Job]:
    """Have the engine do a job, so that Cancel can reach it, and its result is offered until it is used."""
    return jobs.follow(preferences.engine_place(), request, lambda job: note(job, errand))


def note(job: Job, errand: Errand | None) -> None:
    """Note that the engine has taken a job, and what for."""
    activity.note_job(job.id)
    if errand:
        with suppress(UserError, OSError):  # without the note, the result is only not offered after a restart
            errands.keep(preferences.home_folder(), job.id, errand)
        job_watch.look_for_errands()


class SEMBLANCE_OT_cancel(SemblanceOperator):
    """Stop the running task; what it has made so far is kept where it can be continued"""

    bl_idname = "semblance.cancel"
    bl_label = "Cancel"

    number: IntProperty(description="Which of the running tasks; 0 for the oldest", options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to cancel."""
        return "" if activity.running() else "Nothing is running."

    def run(self, context: bpy.types.Context) -> Outcome:
        """Cancel."""
        activity.cancel(self.number)
        return {"FINISHED"}


class SEMBLANCE_OT_dismiss(bpy.types.Operator):
    """Forget this message"""

    bl_idname = "semblance.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Forget it."""
        activity.dismiss()
        return {"FINISHED"}


CLASSES = (SEMBLANCE_OT_cancel, SEMBLANCE_OT_dismiss)

register, unregister = registration_of(CLASSES)
