# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of the engine's jobs: running, waiting, done, failed; with buttons to cancel, retry and use them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ...common.errors import UserError
from ...protocol.jobs import JobKind
from ...protocol.messages import Job, JobState
from .. import preferences
from ..access import registration_of, scene_of, windows
from ..engine import jobs
from ..engine.job_list import standing_of, title_of
from ..engine.process import why_not_started
from ..properties import head_settings
from . import activity, job_watch
from .job_operators import LongTask, finish_build, finish_new_avatar, hide_startup_cube, look_through_camera
from .panels import SemblancePanel, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from bpy.stub_internal.rna_enums import IconItems

    from ...protocol.client import Client, Question
    from ..operators import Outcome

MOST_ROWS = 8
ICONS: dict[JobState, IconItems] = {
    JobState.QUEUED: "TIME",
    JobState.RUNNING: "PLAY",
    JobState.CANCELLING: "CANCEL",
    JobState.CANCELLED: "CANCEL",
    JobState.FAILED: "ERROR",
    JobState.DONE: "CHECKMARK",
}
USABLE = (JobKind.TRACK, JobKind.PHOTO, JobKind.BUILD)
"""Jobs whose result Blender can put into the scene."""


class JobOperator(LongTask):
    """An operator that is told the id of a job."""

    job: StringProperty(name="Job", description="The job's id", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Jobs are always there to be asked about."""
        return ""

    def ask(self, ask: Callable[[Client], Question], text: str, finish: Callable[[Question], str]) -> Outcome:
        """Ask the engine a short question about the job."""
        return self.carry_out(jobs.asking(preferences.engine_place(), ask, text), finish)


class SEMBLANCE_OT_cancel_job(JobOperator):
    """Stop this job; what it has made so far is kept where it can be continued"""

    bl_idname = "semblance.cancel_job"
    bl_label = "Cancel Job"

    def run(self, context: bpy.types.Context) -> Outcome:
        """Ask the engine to cancel it."""
        job = self.job
        return self.ask(lambda client: client.ask_to_cancel(job), "Cancelling", lambda _: "")


class SEMBLANCE_OT_retry_job(JobOperator):
    """Do the same once more; a build continues where it stopped"""

    bl_idname = "semblance.retry_job"
    bl_label = "Retry Job"

    def run(self, context: bpy.types.Context) -> Outcome:
        """Ask the engine for the same job, and follow it."""
        scene, place, old = scene_of(context).name, preferences.engine_place(), self.job

        def again() -> jobs.Task[Job]:
            asked = yield from jobs.asking(place, lambda client: client.ask_to_retry(old), "Asking the engine")
            new = Job.from_json(asked.wait())
            activity.note_job(new.id)
            return (yield from jobs.attend(place, new))

        return self.carry_out(again(), lambda job: use(scene, job))


class SEMBLANCE_OT_show_job_log(JobOperator):
    """Show what this job has printed, as a text in the text editor"""

    bl_idname = "semblance.show_job_log"
    bl_label = "Show Log"

    def run(self, context: bpy.types.Context) -> Outcome:
        """Fetch the log."""
        job = self.job

        def show(asked: Question) -> str:
            name = f"Log of job {job}"
            text = bpy.data.texts.get(name) or bpy.data.texts.new(name)
            text.from_string(asked.wait_for_bytes(0.0).decode("utf-8", "replace") or "It has printed nothing.\n")
            for window in windows():
                for area in window.screen.areas:
                    if isinstance(editor := area.spaces.active, bpy.types.SpaceTextEditor):
                        editor.text = text
            return f"The text editor has it as “{name}”."

        return self.ask(lambda client: client.ask_log(job), "Reading the log", show)


class SEMBLANCE_OT_use_job(JobOperator):
    """Put what this job has made into the scene"""

    bl_idname = "semblance.use_job"
    bl_label = "Use Result"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> Outcome:
        """Use it."""
        scene, job = scene_of(context).name, self.job
        return self.ask(
            lambda client: client.ask_job(job),
            "Asking the engine",
            lambda asked: use(scene, Job.from_json(asked.wait())),
        )


class SEMBLANCE_OT_restart_engine(LongTask):
    """End the engine and start it again. Builds go on where they were; other jobs have to be started again"""

    bl_idname = "semblance.restart_engine"
    bl_label = "Restart Engine"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why it cannot be restarted now."""
        place = preferences.engine_place()
        if place.remote:
            return "The engine runs on another machine: restart it there."
        return activity.busy_reason() or why_not_started(place)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Restart it."""
        task = jobs.restarting(preferences.engine_place())
        return self.carry_out(task, lambda _: "The engine has started again.")


def use(scene: str, job: Job) -> str:
    """Put what a job has made into a scene; return a sentence about it.

    Raises:
        UserError: the job is not done, or what it made is gone.
    """
    if job.state is not JobState.DONE:
        raise UserError(f"{title_of(job)} is not done ({standing_of(job).lower()}): wait for it, or retry it.")
    if job.kind is JobKind.BUILD:
        return use_build(job)
    if job.kind not in USABLE:
        return f"{title_of(job)} is done: {job.result.get('out') or job.result.get('dataset')}."
    target = bpy.data.scenes.get(scene) or scene_of(bpy.context)
    hide_startup_cube(target)
    source = Path(job.parameters.get("source") or job.parameters["photo"])
    made = finish_new_avatar(target, source, job)
    look_through_camera(made)
    return f"{made.name} is in the scene: press Build Avatar to make it photo-real."


def use_build(job: Job) -> str:
    """Give the heads that were made of a build's dataset their avatar; return a sentence about it."""
    dataset = Path(job.parameters["dataset"])
    heads = [
        each
        for each in bpy.data.objects
        if head_settings(each).is_head and Path(head_settings(each).dataset) == dataset
    ]
    for head in heads:
        finish_build(head, job)
    if not heads:
        return f"The avatar {job.result['avatar_id']} is built: add it with Add Avatar."
    names = " and ".join(head.name for head in heads)
    return f"The avatar of {names} is built: render with the render engine Semblance to see it."


def tell_of_ended(job: Job) -> None:
    """Tell of a job that ended and that no task here follows: of another Blender, or from before this one began."""
    if activity.is_followed(job.id) or job.state is JobState.CANCELLED:
        return
    if job.state is JobState.FAILED:
        activity.say(activity.Message(f"{title_of(job)} failed: {job.error}", problem=True))
    elif job.kind is JobKind.BUILD:
        activity.say(activity.in_window(lambda: activity.Message(use_build(job)))())
    else:
        activity.say(activity.Message(f"{title_of(job)} is done: the list of jobs has it."))


class SEMBLANCE_PT_jobs(SemblancePanel):
    """The engine's jobs, newest first."""

    bl_idname = "SEMBLANCE_PT_jobs"
    bl_label = "Jobs"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        """Say how many are to be done."""
        count = sum(not job.state.ended for job in job_watch.known.jobs)
        self.layout.label(text=f"({count})" if count else "")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, known = self.layout, job_watch.known
        if known.text:
            sentence(layout.column(align=True), context, known.text, icon="ERROR")
            layout.operator(SEMBLANCE_OT_restart_engine.bl_idname, icon="FILE_REFRESH")
        if not known.jobs:
            layout.label(text="No jobs yet", icon="INFO")
        for job in shown_jobs(known.jobs):
            draw_job(layout, job)


def shown_jobs(known: tuple[Job, ...]) -> list[Job]:
    """The jobs to show: all that have not ended, and the newest of the others."""
    to_do = [job for job in known if not job.state.ended]
    ended = [job for job in known if job.state.ended]
    return to_do + ended[: max(0, MOST_ROWS - len(to_do))]


def draw_job(layout: bpy.types.UILayout, job: Job) -> None:
    """Draw a job and its buttons."""
    box = layout.box().column(align=True)
    row = box.row(align=True)
    row.label(text=title_of(job), icon=ICONS[job.state])
    if job.state is JobState.DONE and job.kind in USABLE:
        row.operator(SEMBLANCE_OT_use_job.bl_idname, text="", icon="IMPORT").job = job.id
    if job.state.ended:
        row.operator(SEMBLANCE_OT_retry_job.bl_idname, text="", icon="FILE_REFRESH").job = job.id
    row.operator(SEMBLANCE_OT_show_job_log.bl_idname, text="", icon="TEXT").job = job.id
    if not job.state.ended:
        row.operator(SEMBLANCE_OT_cancel_job.bl_idname, text="", icon="X").job = job.id
    if job.state in (JobState.RUNNING, JobState.CANCELLING):
        box.progress(text=standing_of(job), factor=job.fraction)
    else:
        box.label(text=job.error or standing_of(job))


CLASSES = (
    SEMBLANCE_OT_cancel_job,
    SEMBLANCE_OT_retry_job,
    SEMBLANCE_OT_show_job_log,
    SEMBLANCE_OT_use_job,
    SEMBLANCE_OT_restart_engine,
    SEMBLANCE_PT_jobs,
)

_register, _unregister = registration_of(CLASSES)


def register() -> None:
    """Add the list."""
    _register()
    job_watch.when_ended.append(tell_of_ended)


def unregister() -> None:
    """Undo `register`."""
    job_watch.when_ended.remove(tell_of_ended)
    _unregister()
