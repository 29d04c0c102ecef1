# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the engine of this machine: set up, remove, restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import compat, preferences
from ..access import registration_of
from ..engine import jobs
from ..engine.process import OFFLINE, why_not_started
from ..words import translated
from . import activity, setup_card
from .long_task import LongTask

if TYPE_CHECKING:
    from ..operators import Outcome


class SEMBLANCE_OT_set_up_engine(LongTask):
    """Install the engine into your own folder; once more, it repairs or updates it. Cancel keeps what has come"""

    bl_idname = "semblance.set_up_engine"
    bl_label = "Set Up Engine"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the engine cannot be set up now."""
        if preferences.wishes().wheels is None and not compat.online_access():
            return translated(
                "{offline} Or choose a folder of wheels in the Semblance preferences.", offline=translated(OFFLINE)
            )
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


CLASSES = (SEMBLANCE_OT_set_up_engine, SEMBLANCE_OT_remove_engine, SEMBLANCE_OT_restart_engine)

register, unregister = registration_of(CLASSES)
