# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs have made, put where it belongs: by the ids of what they were asked for, or into what is open.

A result that belongs to what is not open changes nothing and stays offered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from ...protocol.jobs import JobKind
from ...protocol.messages import Job, JobState
from .. import ids, preferences
from ..access import scene_of
from ..engine import errands
from ..engine.errands import Errand, Purpose
from ..engine.job_list import standing_of, title_of
from ..properties import active_head, head_settings
from ..render.kinds import kind_of
from ..scene import driving, plate
from ..scene.avatar_scene import add_avatar, add_known_avatar, give_avatar
from ..scene.lit_plates import clean_plate
from ..scene.paths import path_of
from ..words import translated
from . import job_watch
from .activity import NotOpenError
from .showing import hide_startup_cube, look_through_camera, working_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...protocol.messages import AvatarInfo

PURPOSES = {
    JobKind.TRACK: Purpose.NEW_AVATAR,
    JobKind.PHOTO: Purpose.NEW_AVATAR,
    JobKind.BAKE: Purpose.NEW_AVATAR,
    JobKind.BUILD: Purpose.BUILD,
}
"""What can be done with the results of jobs that were not asked for here."""


def place(job: Job, errand: Errand) -> str:
    """Put what a job has made where it was asked for; return a sentence about it.

    Raises:
        NotOpenError: that is not open, or no longer there.
        UserError: what the job made is gone, or cannot be used.
    """
    if errand.purpose is Purpose.NEW_AVATAR:
        scene = ids.find_scene(errand.scene)
        if scene is None:
            raise NotOpenError(
                translated("{job} is done; the scene that it was made for is not open.", job=title_of(job))
            )
        said = add_head(scene, job)
    else:
        head = ids.find_head(errand.head)
        if head is None:
            raise NotOpenError(
                translated(
                    "{job} is done; {head} is not in the open file.",
                    job=title_of(job),
                    head=errand.name or translated("its head"),
                )
            )
        said = drive(head, errand, job) if errand.purpose is Purpose.DRIVE else give_built([head], job)
    forget(job)
    return said


def place_here(scene: bpy.types.Scene, job: Job, avatars: Iterable[AvatarInfo]) -> str:
    """Put what a job has made into a scene, wherever it was asked for; return a sentence about it.

    `avatars` are those that the engine has, for builds whose head is not in the open file.

    Raises:
        UserError: the job is not done, or what it made is gone or cannot be used here.
    """
    if job.state is not JobState.DONE:
        raise UserError(
            translated(
                "{job} is not done ({standing}): wait for it, or retry it.",
                job=title_of(job),
                standing=translated(standing_of(job)).lower(),
            )
        )
    errand = errands.read(preferences.home_folder(), job.id)
    purpose = errand.purpose if errand else PURPOSES.get(job.kind)
    if purpose is Purpose.NEW_AVATAR:
        said = add_head(scene, job)
    elif purpose is Purpose.BUILD:
        said = add_built(scene, job, errand, avatars)
    elif errand:
        head = ids.find_head(errand.head) or active_head(bpy.context)
        if head is None:
            raise UserError("Select the head that the tracked video is to drive, then press Add Result.")
        said = drive(head, errand, job)
    else:
        return translated(
            "{job} is done: {made}.", job=title_of(job), made=job.result.get("out") or job.result.get("dataset")
        )
    forget(job)
    return said


def place_build(job: Job) -> str:
    """Give the avatar of a build that nobody here follows to its heads; return a sentence about it.

    Raises:
        NotOpenError: none of them is in the open file.
    """
    if errand := errands.read(preferences.home_folder(), job.id):
        return place(job, errand)
    if heads := heads_of(Path(job.parameters["dataset"])):
        return give_built(heads, job)
    raise NotOpenError(
        translated("The avatar {avatar} is built; its head is not in the open file.", avatar=job.result["avatar_id"])
    )


def forget(job: Job) -> None:
    """Note that a result is where it belongs."""
    errands.forget(preferences.home_folder(), job.id)
    job_watch.look_for_errands()


def add_head(scene: bpy.types.Scene, job: Job) -> str:
    """Add the head of a dataset that a job has made; return a sentence about it."""
    with working_in(scene) as shown:
        try:
            made = finish_new_avatar(scene, job)
        except plate.NoPlateError as error:
            hide_startup_cube(scene)
            return str(error)
        hide_startup_cube(scene)
        if shown:
            look_through_camera(made)
    if scene.camera == head_settings(made).camera:
        said = translated("{head} is in the scene: press Build Avatar to make it photo-real.", head=made.name)
    else:
        said = translated(
            "{head} is in the scene: press Use Its Camera to see it as in its footage, Build Avatar to make it "
            "photo-real.",
            head=made.name,
        )
    return " ".join([said, *filter(None, [job.result.get("notes")])])


def finish_new_avatar(scene: bpy.types.Scene, job: Job) -> bpy.types.Object:
    """Put what New Avatar tracked into a scene; return the head."""
    dataset, said = Path(job.result["dataset"]), job.parameters
    head_path = said.get("head_path")
    return add_avatar(
        scene,
        dataset / "performance.npz",
        head_path=Path(head_path) if head_path else None,
        dataset=dataset,
        name=Path(said.get("source") or said.get("photo") or dataset).stem,
    )


def drive(head: bpy.types.Object, errand: Errand, job: Job) -> str:
    """Write what was tracked in a driving video onto a head; return a sentence about it."""
    asked = ids.find_scene(errand.scene)
    scene = asked if asked and head.name in asked.objects else next(iter(head.users_scene), scene_of(bpy.context))
    with working_in(scene):
        return driving.drive(scene, head, Path(job.result["dataset"]) / "performance.npz", errand.start)


def add_built(scene: bpy.types.Scene, job: Job, errand: Errand | None, avatars: Iterable[AvatarInfo]) -> str:
    """Give a built avatar to its heads in the open file, or add it with a head of its own."""
    head = ids.find_head(errand.head) if errand else None
    heads = [head] if head else heads_of(Path(job.parameters["dataset"]))
    if heads:
        return give_built(heads, job)
    info = next((each for each in avatars if each.id == job.result["avatar_id"]), None)
    if info is None:
        raise UserError(
            translated(
                "The avatar {avatar} is no longer in the engine; build it again.", avatar=job.result["avatar_id"]
            )
        )
    with working_in(scene):
        made = add_known_avatar(scene, info, preferences.home_folder())
        hide_startup_cube(scene)
        look_through_camera(made)
    return translated("{head} is in the scene: press Render with Semblance to see it.", head=made.name)


def heads_of(dataset: Path) -> list[bpy.types.Object]:
    """The heads that were made of a dataset."""
    heads = [each for each in bpy.data.objects if head_settings(each).is_head and each.library is None]
    return [head for head in heads if path_of(head, "dataset") == dataset]


def give_built(heads: list[bpy.types.Object], job: Job) -> str:
    """Give heads the avatar that was built of them; return a sentence about it."""
    for head in heads:
        finish_build(head, job)
    names = ", ".join(head.name for head in heads)
    return translated("The avatar of {names} is built: press Render with Semblance to see it.", names=names)


def finish_build(head: bpy.types.Object, job: Job) -> None:
    """Tell a head the avatar that was built of it, and have the right plate behind it."""
    give_avatar(head, job.result["avatar_id"], job.result)
    lay_plate(head)


def lay_plate(head: bpy.types.Object) -> None:
    """Have behind a head, as its camera sees it, what its kind of avatar is to be laid over."""
    own, camera = driving.own_performance(head), head_settings(head).camera
    if own and camera:
        plate.lay_behind(camera, own, clean_plate(head, own, head_is_apart=kind_of(head).in_space))
