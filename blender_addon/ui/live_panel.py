# SPDX-License-Identifier: GPL-3.0-or-later
"""Go Live: its operators, its choices and its panel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from ...common.errors import UserError
from ...protocol.jobs import JobKind
from ...protocol.motions import MotionsRequest
from ...tracking.performances.rest import rest_metadata, rest_performance
from .. import preferences
from ..access import registration_of, scene_of, windows
from ..engine import jobs
from ..engine.process import why_no_engine
from ..operators import SemblanceOperator
from ..properties import active_head
from ..scene import driving
from ..scene.paths import path_of
from ..words import translated
from . import live_session
from .long_task import linked_reason
from .panels import SemblancePanel, button, sentence

if TYPE_CHECKING:
    from ..operators import Outcome

PLACE = "semblance_live"
"""What holds the choices, and the name of the property there: `bpy.context.window_manager.semblance_live`."""
NOT_LIVE = "Nothing is live: press Go Live."


class SemblanceLive(bpy.types.PropertyGroup):
    """What drives a head live; kept while Blender runs, since cameras and phones belong to the computer."""

    if TYPE_CHECKING:
        source: Literal["CAMERA", "VIDEO", "PHONE"]
        camera: int
        video: str
        port: int
        microphone: bool
    else:
        source: EnumProperty(
            name="Source",
            description="What drives the head",
            items=(
                ("CAMERA", "Camera", "The face before a camera of this computer"),
                ("VIDEO", "Video", "The face in a video, played at its own pace"),
                ("PHONE", "Phone", "A phone with Live Link Face, which sends to this computer"),
            ),
        )
        camera: IntProperty(name="Camera", description="Its number; the first is 0", min=0, max=99)
        video: StringProperty(name="Video", subtype="FILE_PATH", description="The video whose face drives the head")
        port: IntProperty(
            name="Port",
            description="The port in Live Link Face's settings, beside this computer's address",
            default=11111,
            min=1,
            max=65535,
        )
        microphone: BoolProperty(
            name="Record Sound",
            description="Record what this computer's microphone hears together with the motion",
            default=True,
        )


def live_settings(context: bpy.types.Context) -> SemblanceLive:
    """The choices for going live."""
    settings: SemblanceLive = getattr(context.window_manager, PLACE)
    return settings


def request_of(settings: SemblanceLive, person: str, head_path: Path | None) -> MotionsRequest:
    """What to ask the engine for, for a person at rest (JSON).

    Raises:
        UserError: no video is chosen, or it is missing.
    """
    known, head_file = json.loads(person), str(head_path) if head_path else None
    if settings.source == "PHONE":
        return MotionsRequest(known, live_link=settings.port, head_path=head_file)
    if settings.source == "CAMERA":
        return MotionsRequest(known, camera=settings.camera, head_path=head_file)
    if not settings.video:
        raise UserError("No video is chosen: choose the one whose face is to drive the head.")
    video = Path(bpy.path.abspath(settings.video)).absolute()
    if jobs.kind_of_source(video) != JobKind.TRACK:
        raise UserError(translated("{video} is a photo; choose a video to drive the head.", video=video.name))
    return MotionsRequest(known, stream=str(video), head_path=head_file)


class SEMBLANCE_OT_go_live(SemblanceOperator):
    """Let a face in front of the camera move this head now; Escape ends it"""

    bl_idname = "semblance.go_live"
    bl_label = "Go Live"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why no head can go live now."""
        if live_session.current():
            return "A head is live already: press Stop."
        head, place = active_head(context), preferences.engine_place()
        if head is None:
            return "There is no head yet: make one with New Avatar."
        if place.remote:
            return "A remote engine has no camera of this computer: choose an engine here in the preferences."
        return linked_reason(head) or why_no_engine(place)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Outcome:
        """Begin, and wait for Escape."""
        outcome = self.execute(context)
        if outcome != {"FINISHED"} or not windows():
            return outcome
        assert context.window_manager is not None
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, _context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Let everything through but Escape."""
        if live_session.current() is None:
            return {"FINISHED"}
        if event.type == "ESC" and event.value == "PRESS":
            live_session.stop()
            return {"FINISHED"}
        return {"PASS_THROUGH"}

    def run(self, context: bpy.types.Context) -> Outcome:
        """Begin."""
        scene, head, settings = scene_of(context), active_head(context), live_settings(context)
        assert head is not None  # else the operator is disabled
        own = driving.own_performance(head)
        if own is None:
            raise UserError(
                translated(
                    "{head} does not say whose head it is; make it again with New Avatar or Add Avatar.", head=head.name
                )
            )
        person = rest_metadata(own)
        request = request_of(settings, json.dumps(person), path_of(head, "head_path"))
        live_session.begin(scene, head, rest_performance(person), request, settings.microphone)
        return {"FINISHED"}


class LiveOperator(SemblanceOperator):
    """An operator of a head that is live."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Only while something is live."""
        return "" if live_session.current() else NOT_LIVE


class SEMBLANCE_OT_stop_live(LiveOperator):
    """End the live session; the head is as it was before, or as it was recorded"""

    bl_idname = "semblance.stop_live"
    bl_label = "Stop"

    def run(self, context: bpy.types.Context) -> Outcome:
        """End it."""
        live_session.stop()
        return {"FINISHED"}


class SEMBLANCE_OT_learn_neutral(LiveOperator):
    """Look at the camera with a calm face and press this: how you look then is the head's calm face"""

    bl_idname = "semblance.learn_neutral"
    bl_label = "Set Neutral"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Only once a face was seen."""
        return super().disabled_reason(context) or unseen_reason()

    def run(self, context: bpy.types.Context) -> Outcome:
        """Learn it."""
        session = live_session.current()
        assert session is not None  # else the operator is disabled
        live_session.learn_neutral(session)
        return {"FINISHED"}


class SEMBLANCE_OT_record_live(LiveOperator):
    """Keep what happens from now on as a new action that begins at the current frame; press again to end"""

    bl_idname = "semblance.record_live"
    bl_label = "Record Live"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Only once a face was seen."""
        return super().disabled_reason(context) or unseen_reason()

    def run(self, context: bpy.types.Context) -> Outcome:
        """Begin, or end."""
        session = live_session.current()
        assert session is not None  # else the operator is disabled
        if session.take is None:
            live_session.begin_take(session)
            return {"CANCELLED"}  # nothing has changed that could be undone
        self.report({"INFO"}, live_session.end_take(session))
        return {"FINISHED"}


def unseen_reason() -> str:
    """Why nothing can be recorded yet; empty when it can."""
    session = live_session.current()
    return "" if session and session.feed.newest else "No picture has come yet: wait for it."


class SEMBLANCE_PT_live(SemblancePanel):
    """A face moves the head now"""

    bl_idname = "SEMBLANCE_PT_live"
    bl_label = "Live"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is a head."""
        return active_head(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        column, session = self.layout.column(), live_session.current()
        if session is None:
            draw_choices(column, live_settings(context))
            button(column, context, SEMBLANCE_OT_go_live, icon="PLAY")
            return
        sentence(column.column(align=True), context, session.feed.text, icon="INFO")
        recording = session.take is not None
        column.operator(
            SEMBLANCE_OT_record_live.bl_idname,
            text="Stop Recording" if recording else "Record",
            icon="REC",
            depress=recording,
        )
        column.operator(SEMBLANCE_OT_learn_neutral.bl_idname, icon="USER")
        column.operator(SEMBLANCE_OT_stop_live.bl_idname, icon="X")


def draw_choices(column: bpy.types.UILayout, settings: SemblanceLive) -> None:
    """Draw what is chosen before going live."""
    column.row().prop(settings, "source", expand=True)
    name = {"CAMERA": "camera", "VIDEO": "video", "PHONE": "port"}[settings.source]
    column.prop(settings, name)
    if settings.source != "VIDEO":
        column.prop(settings, "microphone")


CLASSES = (
    SemblanceLive,
    SEMBLANCE_OT_go_live,
    SEMBLANCE_OT_stop_live,
    SEMBLANCE_OT_learn_neutral,
    SEMBLANCE_OT_record_live,
    SEMBLANCE_PT_live,
)

_register, _unregister = registration_of(CLASSES)


def register() -> None:
    """Add the panel and its choices."""
    _register()
    setattr(bpy.types.WindowManager, PLACE, PointerProperty(type=SemblanceLive))  # type: ignore[func-returns-value]  # its stub is wrong


def unregister() -> None:
    """Undo `register`."""
    delattr(bpy.types.WindowManager, PLACE)
    _unregister()
