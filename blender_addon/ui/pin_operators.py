# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that pin landmarks by numbers, for scripts and the command line, and that remove pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import FloatVectorProperty, IntProperty

from ...common.errors import UserError
from ...tracking.heads.pin_points import part_of
from .. import ids, preferences
from ..access import registration_of, scene_of
from ..animation_properties import animation_settings
from ..engine.pin_feed import solving
from ..properties import active_head
from ..scene import pinning, takes
from ..words import translated
from .animate_operators import NO_HEAD
from .long_task import LongTask, engine_reason, linked_reason

if TYPE_CHECKING:
    from ...protocol.pins import PinnedFace
    from ..engine.jobs import Task
    from ..operators import Outcome
    from ..scene.pinning import PinnedHead
    from .pin_session import Pinned

NO_LANDMARK = "There is no landmark {landmark} to pin; choose one of those that Pin Landmarks shows."


def why_no_pins(context: bpy.types.Context) -> str:
    """Why the active head's landmarks cannot be pinned now, as a sentence; empty when they can."""
    head = active_head(context)
    if head is None:
        return NO_HEAD
    if reason := linked_reason(head) or engine_reason():
        return reason
    try:
        takes.animated(head)
    except UserError as error:
        return str(error)
    return pinning.why_no_pins(scene_of(context), head)


class PinOperator(LongTask):
    """An operator that changes the pins of the active head in the scene's frame."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no pins can be changed now."""
        return why_no_pins(context)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Have the frame solved with other pins, and key what it does."""
        scene, head = scene_of(context), active_head(context)
        assert head is not None  # else the operator is disabled
        pinning.require_pins(scene, head)
        frame, wanted = scene.frame_current, ids.id_of(head)
        pinned = pinning.pins_at(head, frame)
        pins = self.changed(dict(pinned))
        known = pinning.PinnedHead.of(head, pinning.landmark_shapes(head))
        before = known.face(pinning.unpinned_channels(head, frame))

        def finish(face: PinnedFace | None) -> str:
            found = ids.find_head(wanted)
            if found is None or pinning.pins_at(found, frame) != pinned:
                raise UserError("The head's pins have changed meanwhile: pin the landmark again.")
            solved = known.channels(face) if face else None
            pinning.pin(found, frame, pins, solved, animation_settings(found).pin_reach)
            pinning.show_frame()
            return ""

        return self.carry_out(solved(known, before, pins), finish, undo=self.bl_label)

    def changed(self, pins: Pinned) -> Pinned:
        """The pins as they are to be, of those that there are. It may raise `UserError`."""
        raise NotImplementedError


def solved(known: PinnedHead, before: PinnedFace, pins: Pinned) -> Task[PinnedFace | None]:
    """Have the engine solve a frame with pins, as a task; without any there is nothing to solve."""
    if not pins:
        return None
    return (yield from solving(preferences.engine_place(), known.request(before, pins)))


class SEMBLANCE_OT_move_pin(PinOperator):
    """Pin a landmark of this head in the current frame, by its number in MediaPipe's topology"""

    bl_idname = "semblance.move_pin"
    bl_label = "Pin Landmark"

    landmark: IntProperty(name="Landmark", min=0, max=477, options={"SKIP_SAVE"})
    place: FloatVectorProperty(
        name="Place",
        description="Where it is seen: shares of the width and the height of the camera's picture, from the top left",
        size=2,
        options={"SKIP_SAVE"},
    )

    def changed(self, pins: Pinned) -> Pinned:
        """See `PinOperator.changed`."""
        require_landmark(self.landmark)
        return {**pins, self.landmark: (self.place[0], self.place[1])}


class SEMBLANCE_OT_remove_pin(PinOperator):
    """Remove the pin of a landmark of this head from the current frame"""

    bl_idname = "semblance.remove_pin"
    bl_label = "Remove Pin"

    landmark: IntProperty(name="Landmark", min=0, max=477, options={"SKIP_SAVE"})

    def changed(self, pins: Pinned) -> Pinned:
        """See `PinOperator.changed`."""
        require_landmark(self.landmark)
        return {landmark: place for landmark, place in pins.items() if landmark != self.landmark}


class SEMBLANCE_OT_remove_pins(PinOperator):
    """Remove all pins from this frame: it and its neighbours are as they were before"""

    bl_idname = "semblance.remove_pins"
    bl_label = "Remove Pins of This Frame"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there are no pins to remove."""
        if reason := why_no_pins(context):
            return reason
        head = active_head(context)
        assert head is not None  # else there is a reason
        pinned = scene_of(context).frame_current in pinning.record_of(head).frames
        return "" if pinned else "This frame has no pins."

    def changed(self, pins: Pinned) -> Pinned:
        """See `PinOperator.changed`."""
        return {}


def require_landmark(landmark: int) -> None:
    """Raise UserError for a landmark that cannot be pinned."""
    try:
        part_of(landmark)
    except KeyError:
        raise UserError(translated(NO_LANDMARK, landmark=landmark)) from None


CLASSES = (SEMBLANCE_OT_move_pin, SEMBLANCE_OT_remove_pin, SEMBLANCE_OT_remove_pins)

register, unregister = registration_of(CLASSES)
