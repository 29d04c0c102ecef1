# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that have the engine do jobs about avatars: New Avatar, Drive from Video, Build Avatar.

Each knows its `disabled_reason`, which the button's tooltip and the panel show.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, StringProperty

from ...common.errors import UserError
from ...protocol.jobs import Build, JobKind
from .. import ids
from ..access import registration_of, scene_of
from ..engine import jobs
from ..engine.errands import Errand, Purpose
from ..operators import ask_for_file
from ..properties import active_head, head_settings
from ..scene.paths import path_of
from ..words import translated
from . import activity
from .job_requests import build_job, driver_job, tracking_job
from .long_task import LongTask, engine_reason, linked_reason

if TYPE_CHECKING:
    from ..operators import Outcome

VIDEO_GLOB = ";".join(f"*{suffix}" for suffix in jobs.VIDEO_SUFFIXES)
PHOTO_GLOB = ";".join(f"*{suffix}" for suffix in jobs.PHOTO_SUFFIXES)


class SEMBLANCE_OT_new_avatar(LongTask):
    """Make a new avatar from a portrait video or a photo: find the head in it and put it into the scene"""

    bl_idname = "semblance.new_avatar"
    bl_label = "New Avatar"
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=f"{VIDEO_GLOB};{PHOTO_GLOB}", options={"HIDDEN"})
    kind: EnumProperty(
        items=(("VIDEO", "Video", "A portrait video"), ("PHOTO", "Photo", "One portrait photo")), options={"HIDDEN"}
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no avatar can be made now."""
        return engine_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask for the file, unless one was dropped."""
        if self.filepath:
            return self.execute(context)
        self.filter_glob = VIDEO_GLOB if self.kind == "VIDEO" else PHOTO_GLOB
        return ask_for_file(self, context)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Track the file, then put the head into the scene."""
        source = Path(bpy.path.abspath(self.filepath)).absolute()
        scene = scene_of(context)
        errand = Errand(Purpose.NEW_AVATAR, scene=ids.id_of(scene), name=source.stem)
        return self.have_done(tracking_job(scene, source), errand)


class SEMBLANCE_OT_drive_from_video(LongTask):
    """Let the face in another video drive this head, as keyframes from the current frame on"""

    bl_idname = "semblance.drive_from_video"
    bl_label = "Drive from Video"
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=VIDEO_GLOB, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no head can be driven now."""
        head = active_head(context)
        return engine_reason() or (linked_reason(head) if head else "Select the head to drive.")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask for the video."""
        return ask_for_file(self, context)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Track the video, then write its performance onto the head.

        Raises:
            UserError: the file is no video, or the engine cannot track it.
        """
        source = Path(bpy.path.abspath(self.filepath)).absolute()
        if jobs.kind_of_source(source) != JobKind.TRACK:
            raise UserError(translated("{source} is a photo; choose a video to drive the head.", source=source.name))
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        scene = scene_of(context)
        errand = Errand(Purpose.DRIVE, ids.id_of(scene), ids.id_of(head), head.name, scene.frame_current)
        return self.have_done(driver_job(head, source), errand)


class SEMBLANCE_OT_build_avatar(LongTask):
    """Train the head's avatar from its footage. Blender stays usable; a cancelled build continues where it stopped"""

    bl_idname = "semblance.build_avatar"
    bl_label = "Build Avatar"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the head's avatar cannot be built now."""
        head = active_head(context)
        if head is None:
            return "There is no head yet: make one with New Avatar."
        dataset = path_of(head, "dataset")
        if dataset is None:
            return translated("{head} has no footage to learn from: make a head with New Avatar.", head=head.name)
        if any(isinstance(each, Build) and each.dataset == str(dataset) for each in activity.requests()):
            return translated("The avatar of {head} is being built: wait for it, or cancel it.", head=head.name)
        return linked_reason(head) or engine_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask what the person shown agreed to, unless that has been stated."""
        head = active_head(context)
        if head is None or head_settings(head).consent.strip():
            return self.execute(context)
        assert context.window_manager is not None
        return context.window_manager.invoke_props_dialog(
            self, width=480, title="Consent of the Person Shown", confirm_text=self.bl_label
        )

    def draw(self, context: bpy.types.Context) -> None:
        """Show the field, and why it is asked for."""
        head, layout = active_head(context), self.layout
        assert head is not None  # else nothing was asked
        assert layout is not None
        layout.label(text="Who agreed, to what, for which use? Their words are stored in the avatar and in its films.")
        layout.label(text="If you leave this empty, the avatar is built, and says that no consent is recorded.")
        layout.prop(head_settings(head), "consent", text="")

    def run(self, context: bpy.types.Context) -> Outcome:
        """Train, then tell the head its avatar."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        errand = Errand(Purpose.BUILD, head=ids.id_of(head), name=head.name)
        return self.have_done(build_job(scene_of(context), head), errand)


class SEMBLANCE_FH_footage(bpy.types.FileHandler):
    """Dropping a video or a photo into the 3D view makes a new avatar."""

    bl_idname = "SEMBLANCE_FH_footage"
    bl_label = "New Semblance Avatar"
    bl_import_operator = "semblance.new_avatar"
    bl_file_extensions = ";".join((*jobs.VIDEO_SUFFIXES, *jobs.PHOTO_SUFFIXES))

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only the 3D view takes drops."""
        return context.area is not None and context.area.type == "VIEW_3D"


CLASSES = (
    SEMBLANCE_OT_new_avatar,
    SEMBLANCE_OT_drive_from_video,
    SEMBLANCE_OT_build_avatar,
    SEMBLANCE_FH_footage,
)

register, unregister = registration_of(CLASSES)
