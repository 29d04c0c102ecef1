# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a performance: every coefficient, pose and gaze over time, and how far each frame is to be trusted."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...common.words import counted
from ..heads.head import ARKIT_NAMES
from ..heads.rotations import to_angles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..heads.arrays import Image
    from ..performances.performance import Performance

COLUMNS, WIDTH, HEIGHT = 4, 4.6, 0.92
"""Charts side by side, and the inches of each with its margins."""
DPI = 100
UNSEEN = 0.0
"""Confidence of frames that are interpolated; they are shaded."""
SHADE, GRID, INK, SOFT, CURVE = "#f7e0de", "#e2e6eb", "#1d2127", "#6e7884", "#2f6fd6"
STYLE = {
    "axes.edgecolor": GRID,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 3,
    "axes.titlesize": 8,
    "axes.titley": 1.0,
    "font.size": 8,
    "lines.linewidth": 0.75,
    "xtick.color": GRID,
    "xtick.labelcolor": SOFT,
    "xtick.major.size": 2,
    "ytick.left": False,
    "ytick.labelcolor": SOFT,
}
"""Over matplotlib's defaults, whatever the user's own settings are."""

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Curve:
    """A value over time: `values [T]`, and the range that its chart shows."""

    name: str
    values: Values
    low: float
    high: float


def coefficient_plot(performance: Performance) -> Image:
    """Return `[H, W, 3]` RGB: a chart for each value, all over the same time; interpolated frames are shaded."""
    curves = curves_of(performance)
    times = np.asarray(performance.times, np.float64) - performance.times[0]
    unseen = performance.confidence <= UNSEEN
    rows = -(-len(curves) // COLUMNS)
    words = f"{counted(len(performance), 'frame')}, {times[-1]:.2f} s, {performance.fps:.5g} a second; "
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(COLUMNS * WIDTH, rows * HEIGHT), dpi=DPI)
        figure.subplots_adjust(0.02, 0.035, 0.99, 0.985, 0.12, 0.8)
        charts = figure.subplots(rows, COLUMNS, sharex=True).flat
        charts[0].set_xlim(0, max(times[-1], 1 / performance.fps))
        charts[0].locator_params("x", nbins=5)
        for axes, curve in zip_longest(charts, curves):
            draw_chart(axes, curve, times, unseen)
        figure.text(0.02, 0.006, words + f"{unseen.sum()} interpolated (red)", color=INK)
        pixels = io.BytesIO()
        figure.savefig(pixels, format="rgba")
        width, height = figure.canvas.get_width_height()
    return np.frombuffer(pixels.getvalue(), np.uint8).reshape(height, width, 4)[..., :3].copy()


def curves_of(performance: Performance) -> list[Curve]:
    """Return expressions, then confidence, angles and gaze in degrees, translation in centimetres from its median."""
    angles = np.degrees(to_angles(performance.rotation))
    shift = 100 * (performance.translation - np.median(performance.translation, 0))
    gaze = np.degrees(performance.gaze.reshape(-1, 4))
    moved = [
        *((f"head {name}, degrees", angles[:, i]) for i, name in enumerate(("pitch", "yaw", "roll"))),
        *((f"head {name}, cm", shift[:, i]) for i, name in enumerate(("right", "down", "away"))),
        *((f"gaze {name}, degrees", gaze[:, i]) for i, name in enumerate(GAZE_NAMES)),
    ]
    expressions = zip(ARKIT_NAMES, performance.expression.T, strict=True)
    return [
        *(Curve(name, values, 0, 1) for name, values in expressions),
        Curve("confidence", performance.confidence, 0, 1),
        *(Curve(name, values, *value_range(values)) for name, values in moved),
    ]


GAZE_NAMES = "left pitch", "left yaw", "right pitch", "right yaw"


def value_range(values: Values) -> tuple[float, float]:
    """Return a range of whole numbers that holds all `values [T]`, and is never narrow."""
    low, high = np.floor(values.min()), np.ceil(values.max())
    return float(min(low, high - 2)), float(high) + 0.0  # no minus before a nought


def draw_chart(axes: Axes, curve: Curve | None, times: Values, unseen: NDArray[np.bool_]) -> None:
    """Draw a curve over `times [T]`, and shade the frames that are `unseen [T]`; without a curve, leave it empty."""
    if curve is None:
        axes.set_axis_off()
        return
    axes.set_title(curve.name)
    axes.set_ylim(curve.low, curve.high)
    axes.set_yticks([curve.low, curve.high], [f"{curve.low:g}", f"{curve.high:g}"])
    axes.vlines(times[unseen], curve.low, curve.high, colors=SHADE, linewidths=1.5)
    axes.plot(times, np.clip(curve.values, curve.low, curve.high), color=CURVE, clip_on=False, zorder=3)
