# SPDX-License-Identifier: GPL-3.0-or-later
"""Coloured strips over frames, below the frame numbers of a timeline, dope sheet or graph editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gpu
from gpu_extras.batch import batch_for_shader

from ..access import preferences_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

HEIGHT, GAP, SCRUBBING = 5, 1, 26
"""Of a strip, between two, and of the band with frame numbers above them, in pixels at scale 1."""
ROWS = 2
"""Strips that there may be."""


def draw_runs(
    context: bpy.types.Context,
    runs: Sequence[tuple[int, int]],
    colour: tuple[float, float, float, float],
    row: int,
) -> None:
    """Draw runs of frames, the first and the last of each, into the editor that is drawn just now; `row` 0 is the
    strip that is next to the frame numbers.
    """
    region = context.region
    if region is None or not runs:
        return
    scale = preferences_of(context).system.ui_scale
    below_numbers = region.height - (SCRUBBING + row * (HEIGHT + GAP)) * scale
    top = max(below_numbers, (ROWS - row) * (HEIGHT + GAP) * scale)  # Blender's own timeline is hardly higher
    bottom, corners = top - HEIGHT * scale, list[tuple[float, float]]()
    for first, last in runs:
        left = region.view2d.view_to_region(first - 0.5, 0, clip=False)[0]
        right = max(left + 1, region.view2d.view_to_region(last + 0.5, 0, clip=False)[0])
        corners += [(left, bottom), (right, bottom), (right, top), (left, bottom), (right, top), (left, top)]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", colour)
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, "TRIS", {"pos": corners}).draw(shader)
    gpu.state.blend_set("NONE")
