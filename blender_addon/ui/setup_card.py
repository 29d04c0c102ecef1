# SPDX-License-Identifier: GPL-3.0-or-later
"""The card about the engine of this machine: how it stands, what setting up takes, and the buttons for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from .. import preferences
from ..access import windows
from ..engine.installing import Look, State, state_of
from ..words import translated, wrapped
from . import activity

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems

    from ..engine.installing import Outlook, Wishes
    from ..engine.process import EnginePlace

SENTENCES = {
    State.ABSENT: "The engine is not set up yet.",
    State.BEGUN: "Setting up was interrupted: it goes on where it was.",
    State.OUTDATED: "This extension is newer than the engine that it set up: update it.",
    State.READY: "The engine is set up.",
}
BEING_SET_UP = "The engine is being set up; you can go on working."
ICONS: dict[State, IconItems] = {State.READY: "CHECKMARK", State.OUTDATED: "FILE_REFRESH"}
SECONDS_BETWEEN_LOOKS = 0.3
LETTER_WIDTH = 8.0
"""Pixels of a letter at scale 1."""


@dataclass
class _Memory:
    """What this file remembers while Blender runs."""

    look: Look | None = None


_memory = _Memory()


def look_at(place: EnginePlace) -> Look:
    """What a look at the machine has found so far; the first call begins it, and draws again when it has ended."""
    if _memory.look is None:
        _memory.look = Look(place)
        bpy.app.timers.register(draw_when_ended, first_interval=SECONDS_BETWEEN_LOOKS)
    return _memory.look


def forget() -> None:
    """Look anew next time."""
    _memory.look = None


def draw_when_ended() -> float | None:
    """Have the card drawn again once the look has ended (called by a timer)."""
    if _memory.look and not _memory.look.ended:
        return SECONDS_BETWEEN_LOOKS
    activity.redraw()
    return None


def outlook(place: EnginePlace, wishes: Wishes) -> Outlook | None:
    """What setting up will take; None as long as that is not known."""
    return look_at(place).outlook(wishes)


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, place: EnginePlace, wishes: Wishes) -> None:
    """Draw the card: one line how it stands, what it takes, progress or buttons."""
    state, look = state_of(place), look_at(place)
    column = layout.column(align=True)
    write(column, context, BEING_SET_UP if is_being_set_up() else SENTENCES[state], ICONS.get(state, "INFO"))
    if look.damaged:
        named = ", ".join(look.damaged[:3]) + (" …" if len(look.damaged) > 3 else "")
        write(column, context, translated("Files of it are missing ({named}): repair it.", named=named), "ERROR")
    expected = look.outlook(wishes)
    if expected is None:
        write(column, context, "Looking at this machine …", "BLANK1")
    else:
        sizes = "" if state is State.READY else expected.sizes
        for text in filter(None, (expected.machine, sizes)):
            write(column, context, text, "BLANK1")
    for current in activity.running():
        row = layout.row(align=True)
        row.progress(text=activity.line_about(current), factor=current.bar.factor)
        row.operator("semblance.cancel", text="", icon="X").number = current.number
    if not activity.running() and (expected is None or expected.possible):
        row = layout.row(align=True)
        row.operator("semblance.set_up_engine", text=state.value, icon="IMPORT")
        if state is not State.ABSENT:
            row.operator("semblance.remove_engine", icon="TRASH")
    draw_log(layout, place)


def is_being_set_up() -> bool:
    """Tell whether the engine is set up, repaired or updated just now."""
    return any(each.title == State.ABSENT.value for each in activity.running())


def draw_log(layout: bpy.types.UILayout, place: EnginePlace) -> None:
    """Draw the button that opens what setting up has printed, where it has printed something."""
    if place.setup_log.is_file():
        layout.operator("wm.path_open", text="Show Log", icon="TEXT").filepath = str(place.setup_log)


def write(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: IconItems) -> None:
    """Draw a sentence over as many lines as it needs."""
    region = context.region
    scale = context.preferences.system.ui_scale if context.preferences else 1.0
    width = max(40, int(region.width / scale / LETTER_WIDTH)) if region and windows() else 90
    for number, line in enumerate(wrapped(translated(text), width)):
        layout.label(text=line, translate=False, icon="BLANK1" if number else icon)


def register() -> None:
    """Have the preferences draw the card."""
    preferences.draw_engine = draw


def unregister() -> None:
    """Undo `register`."""
    preferences.draw_engine = preferences.draw_nothing
    forget()
