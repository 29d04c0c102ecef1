# SPDX-License-Identifier: GPL-3.0-or-later
"""A training's watched loss as a small picture. No bpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...protocol.messages import Curve

GROUND, GRID, LINE = (0.11, 0.11, 0.11, 1.0), (0.2, 0.2, 0.2, 1.0), (0.35, 0.65, 1.0, 1.0)
GRID_LINES = 4
MARGIN, THICKNESS = 6, 2
"""Pixels about the line, and of the line."""


def picture_of(curve: Curve, width: int, height: int) -> NDArray[np.float32]:
    """The watched loss over the steps, on a logarithmic scale: `[height, width, 4]`, 0 to 1, the lowest row first, as
    Blender has its pictures.
    """
    pixels = np.full((height, width, 4), GROUND, np.float32)
    rows = np.linspace(MARGIN, height - 1 - MARGIN, GRID_LINES).round().astype(int)
    pixels[rows] = GRID
    known = [(step, loss) for step, loss in zip(curve.steps, curve.losses.get(curve.watched, ()), strict=False) if loss]
    if len(known) < 2:
        return pixels
    steps, losses = np.array(known, np.float64).T
    levels = np.log(np.maximum(losses, 1e-9))
    share = (levels - levels.min()) / max(float(np.ptp(levels)), 1e-9)
    columns = np.arange(MARGIN, width - MARGIN)
    at = np.linspace(steps[0], steps[-1], len(columns))
    heights = MARGIN + np.interp(at, steps, share) * (height - 1 - 2 * MARGIN)
    for column, low, high in zip(columns[1:], heights[:-1], heights[1:], strict=True):
        first, last = sorted((int(low), int(high)))
        pixels[first : last + THICKNESS, column] = LINE
    return pixels
