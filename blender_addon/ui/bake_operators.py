# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that makes a portrait of a head in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...protocol.choices import PRESETS
from ...protocol.jobs import Bake, Build
from .. import ids
from ..access import registration_of, scene_of
from ..engine.errands import Errand, Purpose
from ..properties import active_head, scene_settings
from ..words import translated
from . import results
from .job_requests import bake_job
from .long_task import LongTask, engine_reason, followed, linked_reason
from .splat_operators import may_have_splats

if TYPE_CHECKING:
    from ...protocol.messages import Job
    from ..engine import jobs
    from ..operators import Outcome


def baked_and_built(bake: Bake, build: Build, errand: Errand) -> jobs.Task[Job]:
    """Have the engine bake, then build a portrait on what came out; its result is the build's job."""
    yield from followed(bake)
    job = yield from followed(build, errand)
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
        return linked_reason(head) or engine_reason()

    def run(self, context: bpy.types.Context) -> Outcome:
        """Bake and build, then give the head the portrait."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        preset = scene_settings(scene_of(context)).preset
        bake = bake_job(head, PRESETS[preset].size)
        build = Build(dataset=bake.dataset, avatar=f"{bake.avatar}_portrait", avatar_kind="portrait", preset=preset)

        errand = Errand(Purpose.BUILD, head=ids.id_of(head), name=head.name)

        def finish(job: Job) -> str:
            return translated(
                "{result} The head in 3D is still there as {avatar}.",
                result=results.place(job, errand),
                avatar=bake.avatar,
            )

        task = baked_and_built(bake, build, errand)
        return self.carry_out(task, finish, requests=(bake, build), undo=self.bl_label)


CLASSES = (SEMBLANCE_OT_bake_to_portrait,)

register, unregister = registration_of(CLASSES)
