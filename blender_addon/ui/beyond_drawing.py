# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings where a head goes beyond its avatar's training: a line in the 3D view, a strip in the animation editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ..access import preferences_of, scene_of
from ..render.viewport import draw_text
from ..words import translated
from .beyond_watch import reasons_now, runs_in, watched_heads

if TYPE_CHECKING:
    from collections.abc import Sequence

WARNING = (0.95, 0.45, 0.1, 0.9)
STRIP, SCRUBBING = 5, 26
"""Height of the strip, and of the band with frame numbers above it, at scale 1."""
MOST_REASONS = 3

_handles: list[tuple[type[bpy.types.Space], Any]] = []


def warning_now(context: bpy.types.Context) -> str:
    """What is beyond the training in the frame that is shown, as a sentence; empty for nothing."""
    scene, depsgraph = scene_of(context), context.evaluated_depsgraph_get()
    heads = watched_heads(scene)
    said = []
    for head in heads:
        if reasons := reasons_now(head, scene, depsgraph)[:MOST_REASONS]:
            whose = f"{head.name}: " if len(heads) > 1 else ""
            said.append(f"{whose}{'; '.join(map(translated, reasons))}")
    return translated("Beyond its training: {reasons}", reasons=" · ".join(said)) if said else ""


def draw_in_view() -> None:
    """Draw the warning into a 3D view."""
    context = bpy.context
    space = context.space_data
    if not isinstance(space, bpy.types.SpaceView3D) or not space.overlay.show_overlays:
        return
    if text := warning_now(context):
        draw_text(context, text, place=0.9, ground=(0.45, 0.18, 0.02, 0.85))


def draw_in_editor() -> None:
    """Draw the strip below the frame numbers of a timeline, dope sheet or graph editor."""
    context = bpy.context
    region = context.region
    runs = runs_in(context)
    if region is None or not runs:
        return
    scale = preferences_of(context).system.ui_scale
    top = region.height - SCRUBBING * scale
    boxes = boxes_of(runs, region, top - STRIP * scale, top)
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", WARNING)
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, "TRIS", {"pos": boxes}).draw(shader)
    gpu.state.blend_set("NONE")


def boxes_of(
    runs: Sequence[tuple[int, int]], region: bpy.types.Region, bottom: float, top: float
) -> list[tuple[float, float]]:
    """Return the corners of two triangles for each run of frames, each frame as wide as it is in the editor."""
    corners: list[tuple[float, float]] = []
    for first, last in runs:
        left = region.view2d.view_to_region(first - 0.5, 0, clip=False)[0]
        right = max(left + 2, region.view2d.view_to_region(last + 0.5, 0, clip=False)[0])
        corners += [(left, bottom), (right, bottom), (right, top), (left, bottom), (right, top), (left, top)]
    return corners


def register() -> None:
    """Draw the warnings."""
    if bpy.app.background:
        return
    places = (
        (bpy.types.SpaceView3D, draw_in_view),
        *((editor, draw_in_editor) for editor in (bpy.types.SpaceDopeSheetEditor, bpy.types.SpaceGraphEditor)),
    )
    for space, draw in places:
        _handles.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))


def unregister() -> None:
    """Undo `register`."""
    for space, handle in _handles:
        space.draw_handler_remove(handle, "WINDOW")
    _handles.clear()
