# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves drawn as inline SVG; colours come from the page's style sheet."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 340, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 28, 24
MOST_POINTS = 400
"""More are not seen in a chart of this width."""
SMOOTH_SHARE = 0.04
"""Share of the curve over which the smooth line averages."""


@dataclass(frozen=True)
class Curve:
    """A value over training: (step, value) points in order of steps."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(curve: Curve) -> str:
    """Return an SVG of the curve: raw thin, smoothed bold; values that are not finite are left out."""
    points = np.array([point for point in curve.points if np.isfinite(point).all()]).reshape(-1, 2)
    if len(points) == 0:
        return ""
    steps, values = points.T
    smooth = averaged(values)
    low, high = value_range(values)
    x = LEFT + (steps - steps[0]) / max(steps[-1] - steps[0], 1e-9) * (WIDTH - LEFT - RIGHT)

    def y(row: np.ndarray) -> np.ndarray:
        return HEIGHT - BOTTOM - (np.clip(row, low, high) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    lines = [
        f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>',
        f'<path class="raw" d="{path(x, y(values))}"/>',
        f'<path class="smooth" d="{path(x, y(smooth))}"/>',
        text(LEFT, 16, f"{curve.name}: {smooth[-1]:.4g}", "name", "start"),
        text(LEFT - 5, TOP + 8, f"{high:.3g}", "", "end"),
        text(LEFT - 5, HEIGHT - BOTTOM, f"{low:.3g}", "", "end"),
        text(LEFT, HEIGHT - 8, f"{steps[0]:.0f}", "", "start"),
        text(WIDTH - RIGHT, HEIGHT - 8, f"step {steps[-1]:.0f}", "", "end"),
    ]
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(lines)}</svg>'


def value_range(values: np.ndarray) -> tuple[float, float]:
    """What the axis spans: all but the wildest values, and never nothing."""
    low, high = np.quantile(values, (0.0, 0.98))
    return float(min(low, 0.0) if low < 0.3 * high else low), float(high if high > low else low + 1.0)


def averaged(values: np.ndarray) -> np.ndarray:
    """The centred moving average over a small share of the curve."""
    half = int(len(values) * SMOOTH_SHARE / 2)
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    first = np.maximum(np.arange(len(values)) - half, 0)
    last = np.minimum(np.arange(len(values)) + half + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


def path(x: np.ndarray, y: np.ndarray) -> str:
    """An SVG path through the points, thinned to what can be seen."""
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    return "M" + "L".join(f"{x[index]:.1f} {y[index]:.1f}" for index in chosen)


def text(x: float, y: float, words: str, kind: str, anchor: str) -> str:
    """A line of text."""
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{html.escape(words)}</text>'
