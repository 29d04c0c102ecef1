# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that start long tasks: New Avatar, Drive From Video, Build Avatar, Set Up Engine; and Cancel.

Each knows its `disabled_reason`, which the button's tooltip and the panel show. In a window the task is followed by the
timer; without one (command line, tests, farms) the same task runs to its end inside the operator.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ...common.errors import UserError
from ...common.progress import Cancelled
from ...protocol.choices import PRESETS
from ...protocol.jobs import Bake, Build, JobKind, JobRequest, NewDataset, Photo, Track
from ...protocol.messages import Job, known_fields
from .. import compat, preferences
from ..access import mesh_of, registration_of, scene_of, view_layer, windows
from ..engine import jobs
from ..engine.process import OFFLINE, why_no_engine
from ..operators import Outcome, SemblanceOperator, ask_for_file
from ..properties import AUTOMATIC, active_head, choices, head_settings, scene_settings
from ..render.kinds import kind_of
from ..scene import driving, plate
from ..scene.avatar_scene import add_avatar, give_avatar
from . import activity, job_watch, setup_card

if TYPE_CHECKING:
    from collections.abc import Callable

VIDEO_GLOB = ";".join(f"*{suffix}" for suffix in jobs.VIDEO_SUFFIXES)
PHOTO_GLOB = ";".join(f"*{suffix}" for suffix in jobs.PHOTO_SUFFIXES)
DRIVER_SIZE = 256
"""Pixels of a driver's pictures, of which only the motion is used."""


def engine_reason() -> str:
    """Why no job can be started on this machine's engine now; empty when one can."""
    place = preferences.engine_place()
    if place.remote:
        return (
            "A remote engine cannot read files on this computer: choose an engine on this computer in the preferences."
        )
    return activity.busy_reason() or why_no_engine(place)


class LongTask(SemblanceOperator):
    """An operator that does a task: in the background of a window, or to its end where there is none."""

    def carry_out(
        self,
        task: jobs.Task[Any],
        finish: Callable[[Any], str],
        *,
        requests: tuple[JobRequest, ...] = (),
        alone: bool = False,
    ) -> Outcome:
        """Do `task`, which asks for `requests`, then `finish` with its result; both may raise `UserError`."""
        if windows():
            activity.begin(self.bl_label, task, finish, requests=requests, alone=alone)
            return {"FINISHED"}
        try:
            if said := finish(jobs.run_to_end(task)):
                self.report({"INFO"}, said)
        except Cancelled:
            return {"CANCELLED"}
        return {"FINISHED"}


def followed(request: JobRequest) -> jobs.Task[Job]:
    """Have this machine's engine do a job, so that Cancel can reach it."""
    return jobs.follow(preferences.engine_place(), request, lambda job: activity.note_job(job.id))


def tracking_job(scene: bpy.types.Scene, source: Path) -> Track | Photo:
    """Return the job that tracks a file of the artist's with the scene's choices.

    Raises:
        UserError: the file is none that can be tracked, or the chosen head's file is not known.
    """
    chosen = scene_settings(scene)
    head_path = preferences.head_file(chosen.head_model)
    return jobs.new_avatar_job(
        source,
        choices(scene),
        dataset=free_dataset(source.stem),
        head=chosen.head_model,
        head_path=str(head_path) if head_path else None,
        size=PRESETS[chosen.preset].size,
    )


def free_dataset(stem: str) -> str:
    """Return a name for a dataset that the engine's home does not have yet, and that no job will make."""
    folder = preferences.home_folder() / "datasets"
    taken = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    asked = [request.dataset for request in activity.requests() if isinstance(request, NewDataset | Bake)]
    return jobs.free_name(stem, [*taken, *asked, *job_watch.datasets_to_come()])


def finish_new_avatar(scene: bpy.types.Scene, source: Path, job: Job) -> bpy.types.Object:
    """Put what New Avatar tracked into a scene; return the head."""
    dataset, head_path = Path(job.result["dataset"]), job.parameters.get("head_path")
    return add_avatar(
        scene,
        dataset / "performance.npz",
        head_path=Path(head_path) if head_path else None,
        dataset=dataset,
        name=source.stem,
    )


def build_job(scene: bpy.types.Scene, head: bpy.types.Object) -> Build:
    """Return the job that trains a head's avatar with the scene's choices.

    Raises:
        UserError: the dataset is gone, or was tracked at a lower quality than the scene's preset.
    """
    dataset = Path(head_settings(head).dataset)
    try:
        size = int(json.loads((dataset / "dataset.json").read_text(encoding="utf-8"))["size"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"The tracked footage at {dataset} is gone; make the head again with New Avatar.") from None
    preset = scene_settings(scene).preset
    if size < PRESETS[preset].size:
        raise UserError(
            f"{head.name} was tracked at {size} pixels: choose a lower quality, or make it again with New Avatar."
        )
    given, name = known_fields(Build, choices(scene)), f"{dataset.name}_{preset}"
    if given["avatar_kind"] == AUTOMATIC:
        del given["avatar_kind"]
    else:
        name = f"{name}_{given['avatar_kind']}"
    return Build(dataset=str(dataset), avatar=name, consent=head_settings(head).consent.strip(), **given)


def finish_build(head: bpy.types.Object, job: Job) -> None:
    """Tell a head the avatar that was built of it, and have the right plate behind it."""
    give_avatar(head, job.result["avatar_id"], job.result)
    lay_plate(head)


def lay_plate(head: bpy.types.Object) -> None:
    """Have behind a head, as its camera sees it, what its kind of avatar is to be laid over."""
    own, camera = driving.own_performance(head), head_settings(head).camera
    if own and camera:
        plate.lay_behind(camera, own, head_is_apart=kind_of(head).in_space)


class SEMBLANCE_OT_new_avatar(LongTask):
    """Make a new avatar from a portrait video or a photo: find the head in it and put it into the scene"""

    bl_idname = "semblance.new_avatar"
    bl_label = "New Avatar"
    bl_options = {"REGISTER", "UNDO"}

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
        request, scene = tracking_job(scene_of(context), source), scene_of(context).name

        def finish(job: Job) -> str:
            target = bpy.data.scenes.get(scene) or scene_of(bpy.context)
            hide_startup_cube(target)
            made = finish_new_avatar(target, source, job)
            look_through_camera(made)
            return f"{made.name} is in the scene: press Build Avatar to make it photo-real."

        return self.carry_out(followed(request), finish, requests=(request,))


class SEMBLANCE_OT_drive_from_video(LongTask):
    """Let the face in another video drive this head, as keyframes from the current frame on"""

    bl_idname = "semblance.drive_from_video"
    bl_label = "Drive From Video"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=VIDEO_GLOB, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no head can be driven now."""
        return engine_reason() or ("" if active_head(context) else "Select the head to drive.")

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
            raise UserError(f"{source.name} is a photo; choose a video to drive the head.")
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        request, scene = driver_job(head, source), scene_of(context)
        name, scene_name, start = head.name, scene.name, scene.frame_current

        def finish(job: Job) -> str:
            driven = bpy.data.objects.get(name)
            if driven is None:
                raise UserError(f"{name} is no longer there; the tracked performance is in {job.result['dataset']}.")
            performance = Path(job.result["dataset"]) / "performance.npz"
            return driving.drive(bpy.data.scenes[scene_name], driven, performance, start)

        return self.carry_out(followed(request), finish, requests=(request,))


def driver_job(head: bpy.types.Object, source: Path) -> Track:
    """Return the job that tracks a driving video with the driven head's own model."""
    own = head_settings(head)
    dataset = free_dataset(f"{source.stem}_driver")
    return Track(
        source=str(source), dataset=dataset, head=own.head_name, head_path=own.head_path or None, size=DRIVER_SIZE
    )


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
        if not head_settings(head).dataset:
            return f"{head.name} has no footage to learn from: make a head with New Avatar."
        if any(isinstance(each, Build) and each.dataset == head_settings(head).dataset for each in activity.requests()):
            return f"The avatar of {head.name} is being built: wait for it, or cancel it."
        return engine_reason()

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
        request, name = build_job(scene_of(context), head), head.name

        def finish(job: Job) -> str:
            built = bpy.data.objects.get(name)
            if built is None:
                return f"The avatar {job.result['avatar_id']} is built: add it with Add Avatar."
            finish_build(built, job)
            return f"The avatar of {name} is built: render with the render engine Semblance to see it."

        return self.carry_out(followed(request), finish, requests=(request,))


class SEMBLANCE_OT_set_up_engine(LongTask):
    """Install the engine into your own folder; once more, it repairs or updates it. Cancel keeps what has come"""

    bl_idname = "semblance.set_up_engine"
    bl_label = "Set Up Engine"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the engine cannot be set up now."""
        if preferences.wishes().wheels is None and not compat.online_access():
            return f"{OFFLINE} Or choose a folder of wheels in the Semblance preferences."
        return activity.busy_reason(alone=True)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Install, repair or update."""
        task = jobs.setting_up(preferences.engine_place(), preferences.wishes())
        setup_card.forget()

        def finish(_nothing: None) -> str:
            setup_card.forget()
            return "The engine is set up: press New Avatar."

        return self.carry_out(task, finish, alone=True)


class SEMBLANCE_OT_remove_engine(LongTask):
    """Remove the engine from this computer; avatars, datasets and weights stay"""

    bl_idname = "semblance.remove_engine"
    bl_label = "Remove Engine"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to remove."""
        place = preferences.engine_place()
        if not (place.environment.is_dir() or place.wheels.is_dir()):
            return "The engine is not set up."
        return activity.busy_reason(alone=True)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask first."""
        assert context.window_manager is not None
        return context.window_manager.invoke_confirm(self, event)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Remove."""

        def finish(_nothing: None) -> str:
            setup_card.forget()
            return "The engine is removed."

        return self.carry_out(jobs.removing(preferences.engine_place()), finish, alone=True)


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

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Forget it."""
        activity.dismiss()
        return {"FINISHED"}


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


def hide_startup_cube(scene: bpy.types.Scene) -> None:
    """Hide the cube that every new Blender file begins with: two metres wide, it would swallow the head."""
    cube = scene.objects.get("Cube")
    if cube and cube.type == "MESH" and len(mesh_of(cube).vertices) == 8 and tuple(cube.dimensions) == (2.0, 2.0, 2.0):
        cube.hide_viewport = cube.hide_render = True


def look_through_camera(made: bpy.types.Object) -> None:
    """Show the new head in every 3D view, in its colours, with nothing else selected; through its camera where that is
    the scene's.
    """
    for each in view_layer().objects:
        each.select_set(False)
    made.select_set(True)
    view_layer().objects.active = made
    for window in windows():
        for area in window.screen.areas:
            space = area.spaces.active
            if isinstance(space, bpy.types.SpaceView3D) and space.region_3d:
                space.shading.color_type = "VERTEX"
                if window.scene.camera == head_settings(made).camera:
                    space.region_3d.view_perspective = "CAMERA"


CLASSES = (
    SEMBLANCE_OT_new_avatar,
    SEMBLANCE_OT_drive_from_video,
    SEMBLANCE_OT_build_avatar,
    SEMBLANCE_OT_set_up_engine,
    SEMBLANCE_OT_remove_engine,
    SEMBLANCE_OT_cancel,
    SEMBLANCE_OT_dismiss,
    SEMBLANCE_FH_footage,
)

register, unregister = registration_of(CLASSES)
