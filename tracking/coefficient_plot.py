# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a performance: every coefficient, pose and gaze over time, and how far each frame is to be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .heads.head import ARKIT_NAMES
from .heads.rotations import to_angles
from .media.footage import Image
from .performances.performance import Performance

COLUMNS, WIDTH, HEIGHT = 4, 460, 92
"""Charts side by side, and the pixels of each with its margins."""
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 24, 10
"""Margins of a chart."""
FOOT = 34
"""Pixels of the line below the charts."""
UNSEEN = 0.0
"""Confidence of frames that are interpolated; they are shaded."""
PAPER, SHADE, GRID, INK, SOFT = (255, 255, 255), (247, 224, 222), (226, 230, 235), (29, 33, 39), (110, 120, 132)
CURVE = (47, 111, 214)
SUB = 4
"""Binary digits of the parts of a pixel to which OpenCV draws."""


@dataclass(frozen=True)
class Curve:
    """A value over time: `values [T]`, and the range that its chart shows."""

    name: str
    values: NDArray
    low: float
    high: float


def coefficient_plot(performance: Performance) -> Image:
    """Return `[H, W, 3]` RGB: a chart for each value, all over the same time; interpolated frames are shaded."""
    curves = curves_of(performance)
    rows = -(-len(curves) // COLUMNS)
    sheet = np.full((rows * HEIGHT + FOOT, COLUMNS * WIDTH, 3), PAPER, np.uint8)
    times = np.asarray(performance.times, np.float64) - performance.times[0]
    for number, curve in enumerate(curves):
        row, column = divmod(number, COLUMNS)
        chart = sheet[row * HEIGHT : (row + 1) * HEIGHT, column * WIDTH : (column + 1) * WIDTH]
        draw_chart(chart, curve, times, performance.confidence <= UNSEEN)
    unseen = int((performance.confidence <= UNSEEN).sum())
    words = f"{len(performance)} frames, {times[-1]:.2f} s, {performance.fps:.5g} a second; {unseen} interpolated (red)"
    write(sheet, words, (LEFT, sheet.shape[0] - 12), INK)
    return sheet


def curves_of(performance: Performance) -> list[Curve]:
    """Expressions, then confidence, angles and gaze in degrees, translation in centimetres from its median."""
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


def value_range(values: NDArray) -> tuple[float, float]:
    """A range of whole numbers that holds all values, and is never narrow."""
    low, high = np.floor(values.min()), np.ceil(values.max())
    return float(min(low, high - 2)), float(high)


def draw_chart(chart: Image, curve: Curve, times: NDArray, unseen: NDArray[np.bool_]) -> None:
    """Draw a curve into its part of the sheet."""
    right, bottom = chart.shape[1] - RIGHT, chart.shape[0] - BOTTOM
    x = LEFT + times / max(times[-1], 1e-9) * (right - LEFT)
    y = bottom - (np.clip(curve.values, curve.low, curve.high) - curve.low) / (curve.high - curve.low) * (bottom - TOP)
    for place in np.flatnonzero(unseen):
        chart[TOP:bottom, int(x[place]) : int(x[place]) + 2] = SHADE
    for level in (TOP, bottom):
        cv2.line(chart, (LEFT, level), (right, level), GRID, 1)
    for second in range(int(times[-1]) + 1):
        at = round(LEFT + second / max(times[-1], 1e-9) * (right - LEFT))
        cv2.line(chart, (at, bottom), (at, bottom + (6 if second % 5 == 0 else 3)), GRID, 1)
    points = np.round(np.stack([x, y], 1) * (1 << SUB)).astype(np.int32)
    cv2.polylines(chart, [points], False, CURVE, 1, cv2.LINE_AA, SUB)
    write(chart, curve.name, (LEFT, TOP - 8), INK)
    write(chart, f"{curve.high:g}", (6, TOP + 4), SOFT)
    write(chart, f"{curve.low:g}", (6, bottom + 4), SOFT)


def write(picture: Image, words: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """Write small, from `place` on."""
    cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
