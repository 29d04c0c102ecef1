# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin Landmarks: the pointer drags landmarks in 3D views that look through the head's camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..access import preferences_of, registration_of, scene_of, windows
from ..operators import SemblanceOperator
from ..properties import active_head
from ..words import translated
from . import pin_session
from .pin_drawing import pixels_of, region_at, region_view
from .pin_operators import why_no_pins
from .pin_view import GRASP, at_pointer

if TYPE_CHECKING:
    import bpy

    from ..operators import Outcome

HINT = "Drag a landmark to pin it · Ctrl-click or X: remove a pin · Esc: leave"


class SEMBLANCE_OT_pin_landmarks(SemblanceOperator):
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
            return self.dragging(context, event, session, pointer)
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

    def dragging(
        self,
        context: bpy.types.Context,
        event: bpy.types.Event,
        session: pin_session.PinSession,
        pointer: Pointer | None,
    ) -> Outcome:
        """Go on with a drag, end it or take it back."""
        if event.type == "MOUSEMOVE" and pointer:
            pin_session.drag(session, pointer.place)
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            pin_session.drop(session)
        elif event.type in ("ESC", "RIGHTMOUSE") and event.value == "PRESS":
            pin_session.let_go(session)
        redraw(context)
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


CLASSES = (SEMBLANCE_OT_pin_landmarks,)

register, unregister = registration_of(CLASSES)
