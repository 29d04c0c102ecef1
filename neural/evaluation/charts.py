# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses over training, drawn as inline SVG whose colours come from the page's style sheet."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WIDTH, HEIGHT = 340, 200
"""Of a chart in points."""
MOST_POINTS = 400
"""More are not seen in a chart of this width."""
SMOOTH_SHARE = 0.04
"""Share of the curve over which the smooth line averages."""

INK, SOFT, LINE, ACCENT = "#000001", "#000002", "#000003", "#000004"
COLOURS = {INK: "var(--ink)", SOFT: "var(--soft)", LINE: "var(--line)", ACCENT: "var(--accent)"}
"""What each colour that matplotlib draws with becomes in the page."""
STYLE = {
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.titleweight": 700,
    "axes.xmargin": 0,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "font.size": 11,
    "svg.fonttype": "none",
    "svg.hashsalt": "semblance",
    "xtick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.color": LINE,
    "ytick.labelcolor": SOFT,
}
"""Over matplotlib's defaults, whatever the user's own settings are; text stays text, and names do not change."""
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
NO_LOSSES = {"seconds", "rate"}
"""What else stands in a line of the curves."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A value over training: (step, value) points in order of steps."""

    name: str
    points: Sequence[tuple[float, float]]


def read_curves(path: Path) -> list[Curve]:
    """Read a training's `curves.jsonl`: an object a line with `step` and losses by name.

    A line that a kill left unfinished is passed over.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        step = values.pop("step", None)
        for name, value in values.items():
            if step is not None and isinstance(value, int | float) and name not in NO_LOSSES:
                points.setdefault(name, []).append((float(step), float(value)))
    return [Curve(name, tuple(found)) for name, found in points.items()]


def chart(curve: Curve) -> str:
    """Return an SVG of the curve: raw thin, smoothed bold; values that are not finite are left out."""
    points = np.array([point for point in curve.points if np.isfinite(point).all()], np.float64).reshape(-1, 2)
    if len(points) == 0:
        return ""
    steps, values = points.T
    smooth = averaged(values)
    shown = np.unique(np.linspace(0, len(steps) - 1, MOST_POINTS).round().astype(int))
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
        axes = figure.add_subplot(ylim=value_range(values))
        axes.set_title(f"{curve.name}: {smooth[-1]:.4g}", parse_math=False)
        axes.plot(steps[shown], values[shown], color=ACCENT, linewidth=1, alpha=0.3)
        axes.plot(steps[shown], smooth[shown], color=ACCENT, linewidth=2)
        axes.set_xlabel("step", color=SOFT, loc="right")
        axes.locator_params(nbins=5)
        return inlined(figure)


def value_range(values: Values) -> tuple[float, float]:
    """Return what the axis spans for `values [N]`: all but the wildest of them, and never nothing."""
    low, high = np.quantile(values, (0.0, 0.98))
    return float(min(low, 0.0) if low < 0.3 * high else low), float(high if high > low else low + 1.0)


def averaged(values: Values) -> Values:
    """Return the centred moving average `[N]` of `values [N]` over a small share of the curve; shorter at its ends."""
    window = 2 * int(len(values) * SMOOTH_SHARE / 2) + 1
    sums, counts = (uniform_filter1d(each, window, mode="constant") for each in (values, np.ones(len(values))))
    averages: Values = sums / counts
    return averages


def inlined(figure: Figure) -> str:
    """Return a figure as SVG for a page that holds others too: in the page's colours, without names of its own."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=NO_METADATA)
    drawn = re.sub(r'<g id="[^"]*"', "<g", file.getvalue()[file.getvalue().index("<svg") :])
    return re.sub("|".join(COLOURS), lambda found: COLOURS[found[0]], drawn)
