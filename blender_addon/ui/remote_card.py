# SPDX-License-Identifier: GPL-3.0-or-later
"""The card about an engine on another machine: its address, where its token is kept, how it stands; and its buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from .. import preferences
from ..access import registration_of
from ..engine import jobs, remote_engine, tokens
from ..engine.process import why_not_reached
from ..words import translated
from . import activity
from .long_task import LongTask
from .setup_card import write

if TYPE_CHECKING:
    from ..engine.process import EnginePlace
    from ..engine.remote_engine import Standing
    from ..operators import Outcome


@dataclass
class _Memory:
    """What this file remembers while Blender runs: how the engine at an address stood when it was asked last."""

    url: str = ""
    standing: Standing | None = None


_memory = _Memory()


class SEMBLANCE_OT_use_remote_engine(LongTask):
    """Enter the address and the token of an engine on another machine, as `semblance serve` prints them there"""

    bl_idname = "semblance.use_remote_engine"
    bl_label = "Use Remote Engine"

    url: StringProperty(
        name="Address",
        description="Address of the engine, like https://192.168.1.20:8765; `semblance serve` prints it",
        options={"SKIP_SAVE"},
    )
    token: StringProperty(
        name="Token",
        subtype="PASSWORD",
        description="The token in the file that `semblance serve` names when it starts; empty for the one kept already",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why none can be entered now."""
        return activity.busy_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask for both."""
        self.url = self.url or remote_engine.url_of(preferences.home_folder())
        assert context.window_manager is not None
        return context.window_manager.invoke_props_dialog(self, width=420, confirm_text="Use It")

    def draw(self, context: bpy.types.Context) -> None:
        """Show the fields, and where the token will be."""
        assert self.layout is not None
        column = self.layout.column()
        column.prop(self, "url")
        column.prop(self, "token")
        column.label(text=translated("The token is kept by the {place}.", place=place_of_tokens()), icon="LOCKED")

    def run(self, context: bpy.types.Context) -> Outcome:
        """Keep them, then ask the engine how it stands."""
        home, url, token = preferences.home_folder(), self.url, self.token
        self.token = ""

        def kept() -> jobs.Task[Standing]:
            yield from remote_engine.keeping(home, url, token)
            return (yield from remote_engine.looking(preferences.remote_place()))

        return self.carry_out(kept(), remember)


class SEMBLANCE_OT_check_engine(LongTask):
    """Ask the engine on the other machine how it stands"""

    bl_idname = "semblance.check_engine"
    bl_label = "Check"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why it cannot be asked now."""
        if not remote_engine.url_of(preferences.home_folder()):
            return "No address is entered yet: press Use Remote Engine."
        return activity.busy_reason()

    def run(self, context: bpy.types.Context) -> Outcome:
        """Ask it."""
        return self.carry_out(remote_engine.looking(preferences.remote_place()), remember)


class SEMBLANCE_OT_accept_certificate(LongTask):
    """Accept the certificate that the engine shows: only after comparing its fingerprint with what is printed there"""

    bl_idname = "semblance.accept_certificate"
    bl_label = "Accept Certificate"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why there is none to accept."""
        return "" if _memory.standing and _memory.standing.found else "There is no new certificate: press Check."

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        """Ask first."""
        assert context.window_manager is not None
        return context.window_manager.invoke_confirm(self, event)

    def run(self, context: bpy.types.Context) -> Outcome:
        """Accept it, and ask the engine again."""
        assert _memory.standing is not None  # else the operator is disabled
        remote_engine.accept(preferences.home_folder(), _memory.standing)
        return self.carry_out(remote_engine.looking(preferences.remote_place()), remember)


def remember(standing: Standing) -> str:
    """Keep how the engine stands, for the card; return what to say about it."""
    _memory.url, _memory.standing = remote_engine.url_of(preferences.home_folder()), standing
    return standing.text


def place_of_tokens() -> str:
    """Where tokens are kept on this machine."""
    return translated(tokens.keyring()) or translated(
        "file {file}, which only you may read", file=preferences.home_folder() / tokens.FILE
    )


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, place: EnginePlace) -> None:
    """Draw the card."""
    column, url = layout.column(align=True), remote_engine.url_of(place.home)
    write(column, context, url or "No address is entered yet.", "NETWORK_DRIVE")
    standing = _memory.standing if url and _memory.url == url else None
    if url and (reason := why_not_reached(place)):
        write(column, context, reason, "ERROR")
    if standing:
        write(column, context, standing.text, "CHECKMARK" if standing.good else "ERROR")
    write(column, context, translated("Its token is kept by the {place}.", place=place_of_tokens()), "LOCKED")
    for current in activity.running():
        row = layout.row(align=True)
        row.progress(text=activity.line_about(current), factor=current.bar.factor)
        row.operator("semblance.cancel", text="", icon="X").number = current.number
    row = layout.row(align=True)
    row.operator(SEMBLANCE_OT_use_remote_engine.bl_idname, icon="URL")
    row.operator(SEMBLANCE_OT_check_engine.bl_idname, icon="FILE_REFRESH")
    if standing and standing.found:
        layout.operator(SEMBLANCE_OT_accept_certificate.bl_idname, icon="KEYINGSET")


CLASSES = (SEMBLANCE_OT_use_remote_engine, SEMBLANCE_OT_check_engine, SEMBLANCE_OT_accept_certificate)

_register, _unregister = registration_of(CLASSES)


def register() -> None:
    """Have the preferences draw the card."""
    _register()
    preferences.draw_remote = draw


def unregister() -> None:
    """Undo `register`."""
    preferences.draw_remote = preferences.draw_no_card
    _memory.standing = None
    _unregister()
