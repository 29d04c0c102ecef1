# SPDX-License-Identifier: GPL-3.0-or-later
"""The build that runs, or ran last: its picture, its losses, its time left, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...protocol.messages import Job, JobState
from .. import preferences
from ..access import registration_of, windows
from ..engine.build_view import is_at_work, watched_loss
from ..engine.job_list import standing_of, title_of
from ..operators import SemblanceOperator
from ..words import translated
from . import job_watch
from .build_pictures import IMAGE, pictures
from .job_panel import ICONS, JobOperator, SEMBLANCE_OT_cancel_job, SEMBLANCE_OT_retry_job
from .panels import SemblancePanel, sentence

if TYPE_CHECKING:
    from ..operators import Outcome

NO_PICTURE = "There is no picture of the avatar yet: wait until its training has begun."


class SEMBLANCE_OT_finish_build(JobOperator):
    """End this build with the avatar as it is now. Building again goes on from there"""

    bl_idname = "semblance.finish_build"
    bl_label = "Good Enough, Stop Here"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no build can end with what it has."""
        job = job_watch.known.build.job
        if job is None or job.state is not JobState.RUNNING:
            return "No avatar is being built."
        if job.finishing:
            return "The avatar is being written: wait for it."
        return "" if job.stage == "Training" else "It can end early only while it trains."

    def run(self, context: bpy.types.Context) -> Outcome:
        """Tell the engine."""
        job = self.job
        return self.ask(lambda client: client.ask_to_finish(job), "Finishing", lambda _: "")


class SEMBLANCE_OT_show_build(SemblanceOperator):
    """Show a larger picture of the avatar in training: footage above, its maps in the middle, the avatar below"""

    bl_idname = "semblance.show_build"
    bl_label = "Show in Image Editor"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to show."""
        return "" if job_watch.known.build.picture else NO_PICTURE

    def run(self, context: bpy.types.Context) -> Outcome:
        """Show the image in the first Image Editor, or in a window of its own."""
        image = pictures.image()
        editors = [area for window in windows() for area in window.screen.areas if area.type == "IMAGE_EDITOR"]
        if not editors and windows():
            bpy.ops.wm.window_new()
            editors = [max(windows()[-1].screen.areas, key=lambda area: area.width * area.height)]
            editors[0].type = "IMAGE_EDITOR"
        for area in editors[:1]:
            space = area.spaces.active
            assert isinstance(space, bpy.types.SpaceImageEditor)
            space.image = image
        if not editors:
            self.report({"INFO"}, translated("The image is called “{image}”.", image=IMAGE))
        return {"FINISHED"}


class SEMBLANCE_PT_build(SemblancePanel):
    """The build that runs, or ran last."""

    bl_idname = "SEMBLANCE_PT_build"
    bl_label = "Build"
    bl_parent_id = "SEMBLANCE_PT_avatar"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only while there is one to look at."""
        return job_watch.known.build.job is not None and not preferences.engine_place().remote

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, view = self.layout, job_watch.known.build
        job = view.job
        assert job is not None  # else the panel is not shown
        layout.label(text=title_of(job), icon=ICONS[job.state])
        if is_at_work(job):
            layout.progress(text=standing_of(job), factor=job.fraction)
        else:
            sentence(layout.column(align=True), context, job.error or standing_of(job))
        draw_buttons(layout, context, job)  # above the pictures, which come later and would push them away
        if icon := pictures.icon("picture"):
            layout.template_icon(icon, scale=10)
            layout.operator(SEMBLANCE_OT_show_build.bl_idname, icon="IMAGE_DATA")
        if said := watched_loss(view.curve):
            layout.label(text=said, icon="GRAPH")
            layout.template_icon(pictures.icon("curve"), scale=7)


def draw_buttons(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    """Draw what can be done with a build."""
    if job.state is JobState.RUNNING:
        layout.operator(SEMBLANCE_OT_finish_build.bl_idname, icon="CHECKMARK").job = job.id
        if reason := SEMBLANCE_OT_finish_build.disabled_reason(context):
            sentence(layout.column(align=True), context, reason, icon="INFO")
    if is_at_work(job):
        layout.operator(SEMBLANCE_OT_cancel_job.bl_idname, text="Cancel Build", icon="X").job = job.id
    elif job.state in (JobState.CANCELLED, JobState.FAILED):
        layout.operator(SEMBLANCE_OT_retry_job.bl_idname, text="Resume Build", icon="PLAY").job = job.id


CLASSES = (SEMBLANCE_OT_finish_build, SEMBLANCE_OT_show_build, SEMBLANCE_PT_build)

register, unregister = registration_of(CLASSES)
