# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that turns a head's avatar into Gaussian splats that Blender itself draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from .. import compat, ids, preferences
from ..access import registration_of
from ..engine import jobs
from ..engine.process import why_no_engine
from ..properties import active_head, head_settings
from ..render.kinds import kind_of
from ..scene import gaussian_splats
from ..words import translated
from . import activity
from .long_task import LongTask, linked_reason

if TYPE_CHECKING:
    from ...protocol.splats import SplatCloud
    from ..operators import Outcome


def may_have_splats(head: bpy.types.Object) -> bool:
    """Tell whether a head's avatar is of a kind that may have splats; which of them do, the engine knows."""
    try:
        return bool(head_settings(head).avatar) and kind_of(head).in_space
    except UserError:
        return False


class SEMBLANCE_OT_to_gaussian_splats(LongTask):
    """Draw this head in EEVEE and Workbench, without the engine: splats that follow shape keys, bones and keyframes"""

    bl_idname = "semblance.to_gaussian_splats"
    bl_label = "To Gaussian Splats"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the head cannot become splats now."""
        if reason := compat.why_no_splats():
            return reason
        head = active_head(context)
        if head is None:
            return "There is no head yet: make one with New Avatar."
        if not head_settings(head).avatar:
            return translated("{head} has no avatar yet: press Build Avatar.", head=head.name)
        if not may_have_splats(head):
            return translated(
                "The avatar of {head} is a portrait, without splats: build one that is a head in 3D.", head=head.name
            )
        return linked_reason(head) or activity.busy_reason() or why_no_engine(preferences.engine_place())

    def run(self, context: bpy.types.Context) -> Outcome:
        """Fetch the splats, then put them onto the head."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        own, name = ids.id_of(head), head.name
        task = jobs.fetching_splats(preferences.engine_place(), head_settings(head).avatar)

        def finish(cloud: SplatCloud) -> str:
            found = ids.find_head(own)
            if found is None:
                raise UserError(
                    translated(
                        "{name} is no longer there; choose a head and press To Gaussian Splats again.", name=name
                    )
                )
            gaussian_splats.remove_splats(found)
            made = gaussian_splats.make_splats(found, cloud)
            return translated(
                "{splats} follows {head}, whose mesh is no longer drawn: render with EEVEE and the view transform "
                "Standard.",
                splats=made.name,
                head=found.name,
            )

        return self.carry_out(task, finish, undo=self.bl_label)


CLASSES = (SEMBLANCE_OT_to_gaussian_splats,)

register, unregister = registration_of(CLASSES)
