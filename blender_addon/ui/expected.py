# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a build takes on this computer: what the engine has measured, and the button that has it measured."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

import bpy

from ...protocol.jobs import JobKind, Measure
from ..access import registration_of, scene_of
from ..properties import AUTOMATIC, active_head, head_settings, scene_settings
from ..words import translated
from . import activity, job_watch
from .long_task import LongTask, engine_reason, followed

if TYPE_CHECKING:
    from ...protocol.expectations import Expectation
    from ...protocol.messages import Job
    from ..operators import Outcome


class SEMBLANCE_OT_measure(LongTask):
    """Find out how quickly this computer trains avatars, which takes half a minute"""

    bl_idname = "semblance.measure"
    bl_label = "Measure This Computer"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why it cannot be measured now."""
        if any(isinstance(each, Measure) for each in activity.requests()):
            return "This computer is being measured."
        if any(not job.state.ended for job in job_watch.known.jobs):
            return "Other jobs would be measured, too: wait until they have ended."
        return engine_reason()

    def run(self, context: bpy.types.Context) -> Outcome:
        """Ask the engine, which keeps what it finds."""

        def finish(job: Job) -> str:
            if job.kind is not JobKind.MEASURE:
                return ""
            return translated("Preview: {time}", time=translated(job.result["preview"]))

        return self.carry_out(followed(Measure()), finish, requests=(Measure(),))


def expected(context: bpy.types.Context) -> Expectation | None:
    """What to expect of a build with the scene's choices; None while no engine has said so."""
    chosen = scene_settings(scene_of(context))
    kind = usual_kind(context) if chosen.avatar_kind == AUTOMATIC else chosen.avatar_kind
    found = (each for each in job_watch.known.expectations if (each.kind, each.preset) == (kind, chosen.preset))
    return next(found, None)


def usual_kind(context: bpy.types.Context) -> str:
    """What is built of the active head unless told: of a photo a head in 3D."""
    head = active_head(context)
    return "splats" if head and is_of_a_photo(head_settings(head).person) else "portrait"


@lru_cache(maxsize=8)
def is_of_a_photo(person: str) -> bool:
    """Tell whether a head's person at rest was found in a photo."""
    try:
        return bool(json.loads(person)["extra"].get("photo"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


CLASSES = (SEMBLANCE_OT_measure,)

register, unregister = registration_of(CLASSES)
