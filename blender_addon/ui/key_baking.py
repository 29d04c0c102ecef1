# SPDX-License-Identifier: GPL-3.0-or-later
"""Baking what controls and strips do: a task in steps, between which the scene is as the artist has it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import bpy
from bpy.props import IntProperty

from ...common.clock import duration
from ...common.errors import UserError
from ..access import registration_of, scene_of
from ..engine.jobs import Bar
from ..properties import active_head
from ..scene import baking, takes
from ..words import translated
from . import activity
from .animate_operators import HeadOperator
from .long_task import LongTask

if TYPE_CHECKING:
    from ..engine.jobs import Task
    from ..operators import Outcome

SECONDS_A_STEP = 0.1
"""For which Blender does not answer."""
SECONDS_TO_MEASURE = 2.0
"""Until a guess of the time left is worth telling."""


class SEMBLANCE_OT_bake_to_shape_keys(HeadOperator, LongTask):
    """Write what strips, jaw bone and look-at target do together as plain keys: a new take, for other programs too"""

    bl_idname = "semblance.bake_to_shape_keys"
    bl_label = "Bake to Shape Keys"
    bl_options = set()  # the task makes its step of undo when it is done

    start: IntProperty(name="Start", description="First frame", options={"SKIP_SAVE"})
    stop: IntProperty(name="End", description="Last frame", options={"SKIP_SAVE"})

    @classmethod
    def lacking(cls, head: bpy.types.Object) -> str:
        """See `HeadOperator.lacking`."""
        return activity.busy_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Offer the scene's frames."""
        scene = scene_of(context)
        self.start, self.stop = scene.frame_start, scene.frame_end
        assert context.window_manager is not None
        return context.window_manager.invoke_props_dialog(self, confirm_text="Bake")

    def run(self, context: bpy.types.Context) -> Outcome:
        """Go through the frames, then make the take."""
        scene, head = scene_of(context), active_head(context)
        assert head is not None  # else the operator is disabled
        given = self.properties.is_property_set("start") or self.properties.is_property_set("stop")
        start, stop = (self.start, self.stop) if given else (scene.frame_start, scene.frame_end)
        if stop < start:
            raise UserError("The last frame is before the first; choose an end after the start.")
        baked = Baked(scene, head)

        def finish(done: list[baking.Moment]) -> str:
            return baked.take(done)

        return self.carry_out(baked.moments(range(start, stop + 1)), finish, undo=self.bl_label)


class Baked:
    """A head in a scene, found again at every step: undo and other files take both away."""

    def __init__(self, scene: bpy.types.Scene, head: bpy.types.Object) -> None:
        self._scene, self._head, self._name = scene.session_uid, head.session_uid, head.name

    def found(self) -> tuple[bpy.types.Scene, bpy.types.Object]:
        """The scene and the head.

        Raises:
            UserError: one of them is gone, or the head has lost its rig or is not in the scene any more.
        """
        scene = next((each for each in bpy.data.scenes if each.session_uid == self._scene), None)
        head = next((each for each in scene.objects if each.session_uid == self._head), None) if scene else None
        if scene is None or head is None or head.parent is None:
            raise UserError(translated("{name} is gone and was not baked; bake another head.", name=self._name))
        takes.animated(head)
        return scene, head

    def moments(self, frames: range) -> Task[list[baking.Moment]]:
        """Look at the head at every frame, some in each step; the scene is back at its own frame after each.

        Raises:
            UserError: as `found`.
        """
        done: list[baking.Moment] = []
        began = time.monotonic()
        while len(done) < len(frames):
            yield Bar(text_of(len(done), len(frames), time.monotonic() - began), len(done) / len(frames))
            while bpy.app.is_job_running("RENDER"):
                yield Bar("Waiting for the render", len(done) / len(frames))
            scene, head = self.found()
            current, ends = (scene.frame_current, scene.frame_subframe), time.monotonic() + SECONDS_A_STEP
            try:
                while len(done) < len(frames) and time.monotonic() < ends:
                    done.append(baking.moment_at(scene, head, frames[len(done)], done[-1] if done else None))
            finally:
                scene.frame_set(current[0], subframe=current[1])
        return done

    def take(self, done: list[baking.Moment]) -> str:
        """Give the head a take of what it did; return a sentence about it.

        Raises:
            UserError: as `found`.
        """
        scene, head = self.found()
        take = takes.take_of(head)
        action = baking.write(head, done, f"{take.name if take else head.name} Baked")
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
        return translated(
            "{head} does the take {action}, frames {start} to {stop}.",
            head=head.name,
            action=action.name,
            start=done[0].frame,
            stop=done[-1].frame,
        )


def text_of(done: int, frames: int, seconds: float) -> str:
    """Where the baking stands, with the time left as soon as that is known."""
    said = translated("Frame {number} of {frames}", number=done + 1, frames=frames)
    if not done or seconds < SECONDS_TO_MEASURE:
        return said
    left = seconds / done * (frames - done)
    return translated("{text}, {time} left", text=said, time=duration(left, coarse=True))


CLASSES = (SEMBLANCE_OT_bake_to_shape_keys,)

register, unregister = registration_of(CLASSES)
