# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin Landmarks: the pointer drags landmarks; the same by numbers, for scripts; and the panel that has the button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import FloatVectorProperty, IntProperty

from ...common.errors import UserError
from ...tracking.heads.pin_points import part_of
from .. import ids, preferences
from ..access import preferences_of, registration_of, scene_of, windows
from ..animation_properties import animation_settings
from ..engine.pin_feed import solving
from ..engine.process import why_no_engine
from ..properties import active_head
from ..scene import pinning, takes
from ..words import translated
from . import pin_session
from .animate_operators import NO_HEAD
from .long_task import LongTask, linked_reason
from .panels import SEMBLANCE_PT_head, SemblancePanel, button, sentence
from .pin_drawing import pixels_of, region_at, region_view
from .pin_view import GRASP, at_pointer

if TYPE_CHECKING:
    from ...protocol.pins import PinnedFace
    from ..engine.jobs import Task
    from ..operators import Outcome
    from ..scene.pinning import PinnedHead
    from .pin_session import Pinned

HINT = "Drag a landmark to pin it · Ctrl-click or X: remove a pin · Esc: leave"
NO_LANDMARK = "There is no landmark {landmark} to pin; choose one of those that Pin Landmarks shows."
IN_THE_ANIMATION = "Pins correct this head's animation. Build Avatar learns from the footage as it was tracked."


def why_no_pins(context: bpy.types.Context) -> str:
    """Why the active head's landmarks cannot be pinned now, as a sentence; empty when they can."""
    head = active_head(context)
    if head is None:
        return NO_HEAD
    if reason := linked_reason(head) or why_no_engine(preferences.engine_place()):
        return reason
    try:
        takes.animated(head)
    except UserError as error:
        return str(error)
    return pinning.why_no_pins(scene_of(context), head)


class SEMBLANCE_OT_pin_landmarks(LongTask):
    """Show this head's landmarks over the footage, and drag those that lie wrong: the frame is solved again"""

    bl_idname = "semblance.pin_landmarks"
    bl_label = "Pin Landmarks"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no landmarks can be pinned now."""
        return "" if pin_session.current() else why_no_pins(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Outcome:
        """Begin, and follow the pointer; leave where landmarks are shown already."""
        if pin_session.current():
            pin_session.stop()
            return {"FINISHED"}
        outcome = self.execute(context)
        if outcome != {"FINISHED"} or not windows():
            return outcome
        assert context.window_manager is not None
        assert context.workspace is not None
        context.workspace.status_text_set(translated(HINT))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: bpy.types.Context) -> Outcome:
        """Begin."""
        head = active_head(context)
        assert head is not None  # else the operator is disabled
        pin_session.begin(scene_of(context), head)
        return {"FINISHED"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Do what the pointer does to landmarks; let everything else through."""
        session = pin_session.current()
        if session is None:
            return self.left(context)
        pointer = Pointer.of(context, event, session)
        if session.dragged is not None:
            return self.dragging(event, session, pointer)
        session.hovered, before = pointer.landmark if pointer else None, session.hovered
        if session.hovered != before:
            redraw(context)
        if event.value != "PRESS":
            return {"PASS_THROUGH"}
        if event.type == "ESC":
            pin_session.stop()
            return self.left(context)
        if event.type == "Z" and event.ctrl and not event.shift and pin_session.take_back(session):
            return {"RUNNING_MODAL"}
        if pointer is None:
            return {"PASS_THROUGH"}
        if event.type == "X":  # beside a pin, too: Blender would delete the head
            pin_session.remove(session, pointer.landmark)
            return {"RUNNING_MODAL"}
        if pointer.landmark is None:
            return {"PASS_THROUGH"}
        if event.type == "LEFTMOUSE" and event.ctrl:
            pin_session.remove(session, pointer.landmark)
            return {"RUNNING_MODAL"}
        if event.type == "LEFTMOUSE":
            pin_session.grasp(session, pointer.landmark, pointer.place)
            return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    def dragging(self, event: bpy.types.Event, session: pin_session.PinSession, pointer: Pointer | None) -> Outcome:
        """Go on with a drag, end it or take it back."""
        if event.type == "MOUSEMOVE" and pointer:
            pin_session.drag(session, pointer.place)
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            pin_session.drop(session)
        elif event.type in ("ESC", "RIGHTMOUSE") and event.value == "PRESS":
            pin_session.let_go(session)
        redraw(bpy.context)
        return {"RUNNING_MODAL"}

    def left(self, context: bpy.types.Context) -> Outcome:
        """Say nothing more in the status bar."""
        assert context.workspace is not None
        context.workspace.status_text_set(None)
        redraw(context)
        return {"FINISHED"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Leave as Blender does, or opens another file."""
        pin_session.stop()


class Pointer:
    """Where the pointer is.

    Attributes:
        place: in the camera's window; landmark: the one that it can take; None for none.
    """

    def __init__(self, place: tuple[float, float], landmark: int | None) -> None:
        self.place, self.landmark = place, landmark

    @classmethod
    def of(cls, context: bpy.types.Context, event: bpy.types.Event, session: pin_session.PinSession) -> Pointer | None:
        """Return the pointer of an event in a 3D view that shows the landmarks; elsewhere None."""
        hit, found = region_at(context, event.mouse_x, event.mouse_y), session.found()
        view = region_view(*hit, session, found[1]) if hit and found else None
        if hit is None or view is None:
            return None
        pixel = (event.mouse_x - hit[0].x, event.mouse_y - hit[0].y)
        within = GRASP * preferences_of(context).system.ui_scale
        return cls(view.to_window(pixel), at_pointer(pixels_of(session, view), pixel, within))


def redraw(context: bpy.types.Context) -> None:
    """Have the window's 3D views drawn again."""
    for area in context.window.screen.areas if context.window else ():
        if area.type == "VIEW_3D":
            area.tag_redraw()


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
        correction = pinning.record_of(head).frames.get(frame)
        pins = self.changed(dict(correction.pins) if correction else {})
        known = pinning.PinnedHead.of(head, pinning.landmark_shapes(head))
        before = known.face(pinning.unpinned_channels(head, frame))

        def finish(face: PinnedFace | None) -> str:
            found = ids.find_head(wanted)
            if found is not None:
                solved = known.channels(face) if face else None
                pinning.pin(found, frame, pins, solved, animation_settings(found).pin_reach)
                scene.frame_set(scene.frame_current)
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


class SEMBLANCE_PT_pins(SemblancePanel):
    """Where tracking is corrected by hand"""

    bl_idname = "SEMBLANCE_PT_pins"
    bl_label = "Landmark Pins"
    bl_parent_id = SEMBLANCE_PT_head.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only for a head that performs something."""
        head = active_head(context)
        return head is not None and takes.take_of(head) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, head = self.layout, active_head(context)
        assert head is not None  # else the panel is not shown
        if pin_session.current():
            layout.operator(SEMBLANCE_OT_pin_landmarks.bl_idname, text="Leave Pins", icon="X", depress=True)
        else:
            button(layout, context, SEMBLANCE_OT_pin_landmarks, icon="PINNED")
        row = layout.row()
        row.use_property_split, row.use_property_decorate = True, False
        row.prop(animation_settings(head), "pin_reach")
        frames = pinning.record_of(head).frames
        if frames:
            here = frames.get(scene_of(context).frame_current)
            pins_here = len(here.pins) if here else 0
            counts = translated("Pinned frames: {frames}, pins here: {here}", frames=len(frames), here=pins_here)
            layout.label(text=counts, translate=False)
            layout.operator(SEMBLANCE_OT_remove_pins.bl_idname, icon="TRASH")
        sentence(layout.column(align=True), context, IN_THE_ANIMATION, icon="INFO")


CLASSES = (
    SEMBLANCE_OT_pin_landmarks,
    SEMBLANCE_OT_move_pin,
    SEMBLANCE_OT_remove_pin,
    SEMBLANCE_OT_remove_pins,
    SEMBLANCE_PT_pins,
)

register, unregister = registration_of(CLASSES)
