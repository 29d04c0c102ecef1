# SPDX-License-Identifier: GPL-3.0-or-later
"""The sequence that was just sent, shown in one window: its strips from the first frame to the last."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import bpy

from .. import compat
from ..access import windows
from .showing import SECONDS_TO_DRAW

if TYPE_CHECKING:
    from collections.abc import Iterator


def show(context: bpy.types.Context, sequence: bpy.types.Scene) -> None:
    """Open the workspace for video editing in the context's window, with a sequence's strips from end to end."""
    compat.show_sequence(context, sequence)
    if context.window is not None:
        shown = partial(frame_when_drawn, context.window.as_pointer())
        bpy.app.timers.register(shown, first_interval=SECONDS_TO_DRAW)


def frame_when_drawn(pointer: int) -> None:
    """Let Blender draw the workspace once more: before, its editors may have no size."""
    bpy.app.timers.register(partial(frame_strips, pointer), first_interval=SECONDS_TO_DRAW)


def frame_strips(pointer: int) -> None:
    """Have the sequencer and the timeline of a window, if it is still open, show all frames of what they edit."""
    for window in windows():
        if window.as_pointer() != pointer or window.screen is None:
            continue
        for area, region in editors(window.screen):
            with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
                bpy.ops.anim.scene_range_frame()


def editors(screen: bpy.types.Screen) -> Iterator[tuple[bpy.types.Area, bpy.types.Region]]:
    """Yield a screen's editors of strips and of keyframes, with the region that has them."""
    for area in screen.areas:
        if area.ui_type == "TIMELINE" or (area.type == "SEQUENCE_EDITOR" and has_strips(area.spaces.active)):
            yield from ((area, region) for region in area.regions if region.type == "WINDOW")


def has_strips(space: bpy.types.Space | None) -> bool:
    """Tell whether a sequencer shows strips, and not their picture alone."""
    return isinstance(space, bpy.types.SpaceSequenceEditor) and space.view_type != "PREVIEW"
