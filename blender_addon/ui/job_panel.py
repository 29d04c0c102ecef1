# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of the engine's jobs: running, waiting, done, failed; with buttons to cancel, retry and use them."""

from __future__ import annotations

from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, StringProperty

from ...common.home import Home
from ...protocol.client import Client
from ...protocol.jobs import JobKind
from ...protocol.messages import AvatarInfo, Job, JobState
from ...protocol.remote_jobs import Notes
from .. import ids, preferences
from ..access import registration_of, scene_of, windows
from ..engine import errands, jobs
from ..engine.errands import Errand, Purpose
from ..engine.job_list import place_in_line, standing_of, title_of
from ..words import translated
from . import activity, job_watch, results
from .long_task import LongTask, note
from .panels import SemblancePanel, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from bpy.stub_internal.rna_enums import IconItems

    from ...protocol.client import Question
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
USABLE = tuple(results.PURPOSES)
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
        scene, place, old = ids.id_of(scene_of(context)), preferences.engine_place(), self.job

        def again() -> jobs.Task[tuple[Job, Errand | None]]:
            asked = yield from jobs.asking(place, lambda client: client.ask_to_retry(old), "Asking the engine")
            new = Job.from_json(asked.wait())
            Notes.read(Home(place.home), old).keep(Home(place.home), new.id)
            errand = errands.read(place.home, old) or wanted_in(scene, new)
            note(new, errand)
            return (yield from jobs.attend(place, new)), errand

        def finish(done: tuple[Job, Errand | None]) -> str:
            job, errand = done
            if job.kind is JobKind.BUILD:
                return results.place_build(job)
            return results.place(job, errand) if errand else translated("{job} is done.", job=title_of(job))

        return self.carry_out(again(), finish, undo=self.bl_label)


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
            return translated("The text editor has it as “{name}”.", name=name)

        return self.ask(lambda client: client.ask_log(job), "Reading the log", show)


class SEMBLANCE_OT_add_result(JobOperator):
    """Put what this job has made into this scene, or onto the head that it was made for"""

    bl_idname = "semblance.add_result"
    bl_label = "Add Result"

    def run(self, context: bpy.types.Context) -> Outcome:
        """Ask the engine for the job and, where it built an avatar, for the avatars; then add it."""
        asked_in, place, wanted = ids.id_of(scene_of(context)), preferences.engine_place(), self.job

        def looked_up() -> jobs.Task[tuple[Job, list[AvatarInfo]]]:
            asked = yield from jobs.asking(place, lambda client: client.ask_job(wanted), "Asking the engine")
            job = yield from jobs.brought(place, Job.from_json(asked.wait()))
            if job.kind is not JobKind.BUILD or job.state is not JobState.DONE:
                return job, []
            asked = yield from jobs.asking(place, Client.ask_avatars, "Asking for the avatars")
            return job, [AvatarInfo.from_json(each) for each in asked.wait()]

        def finish(found: tuple[Job, list[AvatarInfo]]) -> str:
            scene = ids.find_scene(asked_in)
            if scene is None:
                raise activity.NotOpenError("The scene that it was to be added to is no longer open.")
            return results.place_here(scene, *found)

        return self.carry_out(looked_up(), finish, undo=self.bl_label)


class SEMBLANCE_OT_move_job(JobOperator):
    """Swap this job with the next one that waits"""

    bl_idname = "semblance.move_job"
    bl_label = "Move Job"
    later: BoolProperty(name="Later", description="Behind the next one, not before the last one")

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say where it goes."""
        return "Do this job later" if getattr(properties, "later", False) else "Do this job sooner"

    def run(self, context: bpy.types.Context) -> Outcome:
        """Ask the engine."""
        job, later = self.job, self.later
        return self.ask(lambda client: client.ask_to_move(job, later=later), "Asking the engine", lambda _: "")


class SEMBLANCE_OT_clear_jobs(LongTask):
    """Remove finished jobs from the list. What they made stays, and so do results that wait to be added"""

    bl_idname = "semblance.clear_jobs"
    bl_label = "Clear Finished"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to clear."""
        return "" if finished_jobs() else "No job has ended that could be cleared."

    def run(self, context: bpy.types.Context) -> Outcome:
        """Ask the engine to forget one after the other."""
        place, wanted = preferences.engine_place(), [job.id for job in finished_jobs()]

        def clearing() -> jobs.Task[int]:
            for job in wanted:
                yield from jobs.asking(place, methodcaller("ask_to_remove", job), "Clearing the list")
                errands.forget(place.home, job)
            return len(wanted)

        return self.carry_out(clearing(), lambda count: translated("{count} jobs are off the list.", count=count))


def finished_jobs() -> list[Job]:
    """The known jobs that have ended and whose result nobody waits for."""
    waiting = job_watch.waiting()
    return [job for job in job_watch.known.jobs if job.state.ended and job not in waiting]


def wanted_in(scene: str, job: Job) -> Errand | None:
    """What a job of others that is done again here is for, in the scene with this id; None for one of no use here."""
    purpose = results.PURPOSES.get(job.kind)
    return Errand(purpose, scene=scene) if purpose is Purpose.NEW_AVATAR else None


def tell_of_ended(job: Job) -> None:
    """Tell of a job that ended and that no task here follows: of another Blender, or from before this one began."""
    if activity.is_followed(job.id) or job.state is JobState.CANCELLED:
        return
    place = preferences.engine_place()
    if place.remote and errands.read(place.home, job.id) is None:
        return  # of somebody else, who shares the engine
    if job.state is JobState.FAILED:
        said = translated("{job} failed: {error}", job=title_of(job), error=translated(job.error))
        activity.say(activity.Message(said, problem=True))
    elif job.kind is JobKind.BUILD:
        activity.use(title_of(job), lambda: results.place_build(job), job.id, undo="Build Avatar")
    elif job.kind is JobKind.MEASURE:
        return  # the engine may have asked for it by itself
    elif job.kind in USABLE:
        activity.say(activity.Message(activity.offered(translated("{job} is done.", job=title_of(job))), job=job.id))
    else:
        activity.say(activity.Message(translated("{job} is done: the list of jobs has it.", job=title_of(job))))


def tell_of_waiting() -> None:
    """Tell of results that have waited since before this Blender began."""
    if waiting := job_watch.waiting():
        said = "{job} is done (and {count} more)." if len(waiting) > 1 else "{job} is done."
        text = translated(said, job=title_of(waiting[0]), count=len(waiting) - 1)
        activity.say(activity.Message(activity.offered(text), job=waiting[0].id))


class SEMBLANCE_PT_jobs(SemblancePanel):
    """The engine's jobs, newest first."""

    bl_idname = "SEMBLANCE_PT_jobs"
    bl_label = "Jobs"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Say, behind the title, how many are to be done."""
        if count := sum(not job.state.ended for job in job_watch.known.jobs):
            self.layout.label(text=f"({count})")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, known = self.layout, job_watch.known
        if known.text:
            sentence(layout.column(align=True), context, known.text, icon="ERROR")
            layout.operator("semblance.restart_engine", icon="FILE_REFRESH")
        if not known.jobs:
            layout.label(text="No jobs yet", icon="INFO")
        for job in shown_jobs(known.jobs, job_watch.waiting()):
            draw_job(layout, context, job)
        if finished_jobs():
            layout.operator(SEMBLANCE_OT_clear_jobs.bl_idname, icon="TRASH")


def shown_jobs(known: tuple[Job, ...], waiting: list[Job]) -> list[Job]:
    """The jobs to show: all that have not ended or whose result is waiting, and the newest of the others."""
    first = [job for job in known if not job.state.ended] + waiting
    others = [job for job in known if job not in first]
    return first + others[: max(0, MOST_ROWS - len(first))]


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    """Draw a job and its buttons."""
    box = layout.box().column(align=True)
    row = box.row(align=True)
    row.label(text=title_of(job), icon=ICONS[job.state])
    if job.state is JobState.DONE and job.kind in USABLE:
        text = "Add Result" if job in job_watch.waiting() else ""
        row.operator(SEMBLANCE_OT_add_result.bl_idname, text=text, icon="IMPORT").job = job.id
    elif made := made_by(job):
        row.operator("wm.path_open", text="", icon="FILE_FOLDER").filepath = made
    if job.state.ended:
        row.operator(SEMBLANCE_OT_retry_job.bl_idname, text="", icon="FILE_REFRESH").job = job.id
    if job.state is JobState.QUEUED:
        draw_moves(row, job)
    row.operator(SEMBLANCE_OT_show_job_log.bl_idname, text="", icon="TEXT").job = job.id
    if not job.state.ended:
        row.operator(SEMBLANCE_OT_cancel_job.bl_idname, text="", icon="X").job = job.id
    if job.state in (JobState.RUNNING, JobState.CANCELLING):
        box.progress(text=standing_of(job), factor=job.fraction)
    else:
        sentence(box.column(align=True), context, job.error or line_about(job))


def draw_moves(row: bpy.types.UILayout, job: Job) -> None:
    """Draw the buttons that change a waiting job's turn."""
    for later in (False, True):
        icon: IconItems = "TRIA_DOWN" if later else "TRIA_UP"
        move = row.operator(SEMBLANCE_OT_move_job.bl_idname, text="", icon=icon)
        move.job, move.later = job.id, later


def line_about(job: Job) -> str:
    """How a job stands that is not at work; one that waits, behind how many others."""
    before = place_in_line(job, job_watch.known.jobs) if job.state is JobState.QUEUED else 0
    return (
        translated("{standing}, behind {before} more", standing=translated(standing_of(job)), before=before)
        if before
        else standing_of(job)
    )


def made_by(job: Job) -> str:
    """The file or folder that a job which is done has written for the artist; empty for none."""
    made = Path(str(job.result.get("out") or "")) if job.state is JobState.DONE else Path()
    return str(made) if made.is_absolute() else ""  # from another machine, only a name is told


CLASSES = (
    SEMBLANCE_OT_cancel_job,
    SEMBLANCE_OT_retry_job,
    SEMBLANCE_OT_show_job_log,
    SEMBLANCE_OT_add_result,
    SEMBLANCE_OT_move_job,
    SEMBLANCE_OT_clear_jobs,
    SEMBLANCE_PT_jobs,
)

_register, _unregister = registration_of(CLASSES)


def register() -> None:
    """Add the list."""
    _register()
    job_watch.when_ended.append(tell_of_ended)
    job_watch.when_first_known.append(tell_of_waiting)


def unregister() -> None:
    """Undo `register`."""
    job_watch.when_first_known.remove(tell_of_waiting)
    job_watch.when_ended.remove(tell_of_ended)
    _unregister()
