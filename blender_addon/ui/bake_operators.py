# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that makes a portrait of a head in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...protocol.choices import PRESETS
from ...protocol.jobs import Bake, Build
from ...tracking.performances.plates import plate_behind
from ..access import registration_of, scene_of
from ..properties import active_head, head_settings, scene_settings
from ..scene import driving
from .job_operators import LongTask, engine_reason, finish_build, followed, free_dataset
from .splat_operators import may_have_splats

if TYPE_CHECKING:
    from ...protocol.messages import Job
    from ..engine import jobs
    from ..operators import Outcome


def bake_job(head: bpy.types.Object, size: int) -> Bake:
    """Return the job that films a head's avatar before its photo's clean plate, where it has one, at `size` pixels."""
    settings, own = head_settings(head), driving.own_performance(head)
    plate = plate_behind(own, head_alone=True) if own else None
    return Bake(
        avatar=settings.avatar,
        dataset=free_dataset(f"{settings.avatar}_baked"),
        plate=str(plate) if plate else None,
        size=size,
        head_path=settings.head_path or None,
    )


def baked_and_built(bake: Bake, build: Build) -> jobs.Task[Job]:
    """Have the engine bake, then build a portrait on what came out; its result is the build's job."""
    yield from followed(bake)
    job = yield from followed(build)
    return job


class SEMBLANCE_OT_bake_to_portrait(LongTask):
    """Make a portrait of this head in 3D: film it before its photo, then train on that. It takes the head's place"""

    bl_idname = "semblance.bake_to_portrait"
    bl_label = "Bake to Portrait"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no portrait can be made now."""
        head = active_head(context)
        if head is None or not may_have_splats(head):
            return "Select a head whose avatar is a head in 3D."
        return engine_reason()

    def run(self, context: bpy.types.Context) -> Outcome:
        """Bake and build, then give the head the portrait."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        name, preset = head.name, scene_settings(scene_of(context)).preset
        bake = bake_job(head, PRESETS[preset].size)
        build = Build(dataset=bake.dataset, avatar=f"{bake.avatar}_portrait", avatar_kind="portrait", preset=preset)

        def finish(job: Job) -> str:
            found = bpy.data.objects.get(name)
            if found is None:
                return f"The portrait {job.result['avatar_id']} is built: add it with Add Avatar."
            finish_build(found, job)
            return f"{name} is a portrait now; the head in 3D is still there as {bake.avatar}."

        return self.carry_out(baked_and_built(bake, build), finish, requests=(bake, build))


CLASSES = (SEMBLANCE_OT_bake_to_portrait,)

register, unregister = registration_of(CLASSES)
