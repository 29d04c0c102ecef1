# SPDX-License-Identifier: GPL-3.0-or-later
"""How sure tracking was of each frame: colours along the timeline, and a line in the panel, while a head performs what
it was tracked from.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...common.errors import UserError
from ...tracking.performances.performance import TRUSTED, Performance
from ...tracking.performances.plates import footage_of
from ..access import scene_of
from ..properties import active_head, head_settings
from ..scene.avatar_scene import scene_fps
from ..scene.paths import path_of
from ..words import translated
from .editor_strips import draw_runs
from .panels import SEMBLANCE_PT_head, SemblancePanel, sentence

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SURE = 0.8
LEVELS = (
    ("{count} guessed", (0.85, 0.2, 0.15, 0.9)),
    ("{count} unsure", (0.9, 0.75, 0.15, 0.9)),
    ("{count} sure", (0.25, 0.7, 0.35, 0.9)),
)
"""What is said of frames that something hides, of those half hidden, and of the others; and their colours."""
ROW = 1
"""The strip below the one that warns of what was never trained."""

_handles: list[tuple[type[bpy.types.Space], Any]] = []


def levels_of(confidence: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """The level `[T]`, an index into `LEVELS`, of each frame's confidence `[T]`."""
    return np.digitize(confidence, (TRUSTED, SURE))


def runs_of(levels: NDArray[np.intp], level: int, start: int) -> list[tuple[int, int]]:
    """First and last frame of each run of one level, where the first frame is `start`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], levels == level, [False]])))
    return [(start + int(first), start + int(end) - 1) for first, end in edges.reshape(-1, 2)]


def shown_levels(scene: bpy.types.Scene, head: bpy.types.Object) -> NDArray[np.intp] | None:
    """The levels `[T]` of a scene's frames from the head's first on; None where it does not perform its own footage."""
    performance, driver = path_of(head, "performance"), path_of(head, "driver")
    if performance is None or driver is None:
        return None
    with suppress(OSError, UserError):
        return levels_at(performance, performance.stat().st_mtime_ns, driver, scene_fps(scene))
    return None


@lru_cache(maxsize=8)
def levels_at(performance: Path, _changed: int, driver: Path, fps: float) -> NDArray[np.intp] | None:
    """The levels `[T]` at a scene's rate of a performance file, written at a time; None where it is not of `driver`."""
    tracked = Performance.load(performance)
    if len(tracked) < 2 or footage_of(tracked).absolute() != driver.absolute():
        return None
    times = tracked.times - tracked.times[0]
    wanted = np.arange(int(np.floor(times[-1] * fps + 1e-6)) + 1) / fps
    return levels_of(np.interp(wanted, times, tracked.confidence))


def draw_in_editor() -> None:
    """Draw the colours into a timeline or dope sheet."""
    context = bpy.context
    head = active_head(context)
    levels = shown_levels(scene_of(context), head) if head else None
    if head is None or levels is None:
        return
    for level, (_, colour) in enumerate(LEVELS):
        draw_runs(context, runs_of(levels, level, head_settings(head).driver_start), colour, ROW)


class SEMBLANCE_PT_tracking(SemblancePanel):
    """What the colours mean, where tracking was not sure of every frame."""

    bl_idname = "SEMBLANCE_PT_tracking"
    bl_label = "Tracking"
    bl_parent_id = SEMBLANCE_PT_head.bl_idname
    bl_options = {"HIDE_HEADER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is something to say."""
        return bool(said_of(context))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        sentence(self.layout.column(align=True), context, said_of(context), icon="TRACKER")


def said_of(context: bpy.types.Context) -> str:
    """What to say of the active head's tracking; empty for nothing."""
    head = active_head(context)
    levels = shown_levels(scene_of(context), head) if head else None
    return "" if levels is None else sentence_about(levels)


def sentence_about(levels: NDArray[np.intp]) -> str:
    """How many frames are unsure and guessed; empty for none."""
    counts = [(name, int((levels == level).sum())) for level, (name, _) in enumerate(LEVELS[:-1])]
    said = ", ".join(translated(name, count=count) for name, count in counts if count)
    return translated("Tracking: {levels} of {count} frames", levels=said, count=len(levels)) if said else ""


def register() -> None:
    """Draw the colours and the line."""
    bpy.utils.register_class(SEMBLANCE_PT_tracking)
    if not bpy.app.background:
        editor = bpy.types.SpaceDopeSheetEditor
        _handles.append((editor, editor.draw_handler_add(draw_in_editor, (), "WINDOW", "POST_PIXEL")))


def unregister() -> None:
    """Undo `register`."""
    for space, handle in _handles:
        space.draw_handler_remove(handle, "WINDOW")
    _handles.clear()
    bpy.utils.unregister_class(SEMBLANCE_PT_tracking)
