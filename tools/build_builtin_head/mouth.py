# SPDX-License-Identifier: GPL-3.0-or-later
"""The inside of the mouth: the back of the lips, the cavity, two rows of teeth, the tongue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .skin import MILLIMETRE

HINGE = np.array([0.0, -12.0, 6.0]) * MILLIMETRE
"""The axis of the jaw runs through both joints, just before the ears."""

JAW_ANGLE = np.radians(27)
"""How far the jaw opens at most."""

BAG_ROWS = (
    (2.2, 2.5, 0.3, 0.99, 0.2, 1.0, 0.0),
    (3.2, 6.0, 4.0, 1.00, 2.0, 0.8, 1.0),
    (4.6, 13.0, 10.0, 1.05, 5.0, 0.35, 0.9),
    (11.0, 24.0, 16.5, 1.25, 8.0, 0.1, 0.5),
    (28.0, 38.0, 18.0, 1.25, 7.5, 0.0, 0.0),
    (47.0, 50.0, 10.0, 0.70, -9.0, 0.0, 0.0),
)
"""Rows of the cavity behind the lips, around the teeth: millimetres back from the middle of a lip and from a corner of
the mouth, millimetres up or down, breadth against the lips', millimetres that a corner goes outward; how much of
the lips' motion the row takes; and how much of the rest is the motion of the flesh before it, against the skull's above
and the jaw's below."""

TEETH_SIDE = (3.9, 4.1, 3.6, 3.5, 3.5, 4.6, 4.4)
"""Half the width of seven teeth from the front to the back, millimetres."""


@dataclass(frozen=True)
class Row:
    """A row of teeth as a sheet of vertices from the gum over the edge to the back.

    Attributes:
        vertices: `[rows * columns, 3]`.
        rows, columns: the sheet's; a row runs from the right to the left end of the jaw.
        gum: `[rows * columns]`, 1 on the gum and 0 on teeth.
        gap: `[rows * columns]`, 1 between two teeth and 0 on their middle.
    """

    vertices: np.ndarray
    rows: int
    columns: int
    gum: np.ndarray
    gap: np.ndarray


def bag(loop: np.ndarray, upper_share: np.ndarray) -> np.ndarray:
    """Return `[rows, N, 3]`: the cavity behind the inner lips `loop [N, 3]`.

    `upper_share [N]` is 1 in the middle of the upper lip, 0 at the corners, -1 in the middle of the lower lip.
    """
    lip = np.abs(upper_share)[:, None] ** 0.7
    side = np.sign(loop[:, :1])
    rows = []
    for back, back_corner, away, breadth, widening, *_ in BAG_ROWS:
        row = loop.copy()
        row[:, :1] = lip * loop[:, :1] * breadth + (1 - lip) * (loop[:, :1] + side * widening * MILLIMETRE)
        row[:, 1] -= np.sign(upper_share) * np.abs(upper_share) ** 0.6 * away * MILLIMETRE
        row[:, 2:] += (lip * back + (1 - lip) * back_corner) * MILLIMETRE
        rows.append(row)
    return np.array(rows)


def teeth(lip_line: np.ndarray, upper: bool) -> Row:
    """Return a row of fourteen teeth behind `lip_line [3]`, the middle of the closed lips."""
    widths = np.array(TEETH_SIDE) * (1 if upper else 0.93)
    arc = np.concatenate([[0], np.cumsum(2 * widths)])
    per_tooth = 6
    along = np.concatenate([np.linspace(arc[i], arc[i + 1], per_tooth, endpoint=False) for i in range(7)] + [[arc[-1]]])
    within = np.concatenate([np.tile(np.arange(per_tooth) / per_tooth, 7), [0]])
    along = np.concatenate([-along[:0:-1], along])
    gap = np.abs(np.cos(np.pi * np.concatenate([within[:0:-1], within])))
    point, normal = arch(along, 26.0 if upper else 24.5, 40.0)
    sign = -1.0 if upper else 1.0
    crown = 9.5 if upper else 8.5
    height = np.interp(np.abs(along), [0, 8, 14, 20, 52], [crown, crown - 1, crown, crown - 2, crown - 3])
    # from the gum's root over the neck of the tooth and its edge to its back: share of height, millimetres out, gum?
    profile = (
        (1.5, -1.0, True),
        (1.25, 0.1, True),
        (1.04, 0.3, True),
        (0.97, -0.15, False),
        (0.6, 0.25, False),
        (0.2, 0.1, False),
        (0.03, -0.35, False),
        (0.0, -1.2, False),
        (0.3, -3.0, False),
        (1.0, -5.0, True),
    )
    sheet, gum = [], []
    for share, out, is_gum in profile:
        groove = 0.15 * gap if is_gum else 0.45 * gap**3
        scallop = -0.8 * gap**2 if 0.95 < share < 1.1 else 0.35 * gap**6 if share < 0.1 else 0 * gap
        position = point + normal * (out - groove)[:, None]
        sheet.append(np.column_stack([position[:, 0], sign * (share * height + scallop), position[:, 1]]))
        gum.append(np.full(len(along), float(is_gum)))
    offset = lip_line / MILLIMETRE + ([0, 1.2, 6.0] if upper else [0, -0.6, 8.2])
    vertices = (np.array(sheet) + offset).reshape(-1, 3) * MILLIMETRE
    return Row(vertices, len(profile), len(along), np.concatenate(gum), np.tile(gap, len(profile)))


def arch(along: np.ndarray, half_width: float, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Return points `[N, 2]` (x, z millimetres) at lengths `along` of a dental arch, and outward normals."""
    turn = np.linspace(-1.5, 1.5, 2001)
    curve = np.column_stack([half_width * np.sin(turn), depth * (1 - np.cos(turn))])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    length -= length[1000]
    point = np.column_stack([np.interp(along, length, curve[:, k]) for k in (0, 1)])
    tangent = np.column_stack([np.interp(along, length, np.gradient(curve[:, k], length)) for k in (0, 1)])
    normal = np.column_stack([tangent[:, 1], -tangent[:, 0]])
    return point, normal / np.linalg.norm(normal, axis=1, keepdims=True)


TONGUE_ROWS, TONGUE_COLUMNS = 15, 16


def tongue(lip_line: np.ndarray) -> np.ndarray:
    """Return `[TONGUE_ROWS * TONGUE_COLUMNS + 1, 3]`: rings from the root to the tip, then the tip."""
    rings = []
    for s in np.linspace(0, 0.97, TONGUE_ROWS):
        z = 50 - 38.5 * s
        half = 17.5 * np.sqrt(np.clip(1 - s**3.2, 0, 1)) * (0.82 + 0.18 * np.sin(np.pi * s))
        thick = 7.0 * np.sqrt(np.clip(1 - s**4, 0, 1)) * (1 - 0.45 * s)
        y = 6.5 - 3.5 * np.sin(np.pi * min(1.0, 1.15 * s)) + 1.5 * s
        turn = 2 * np.pi * np.arange(TONGUE_COLUMNS) / TONGUE_COLUMNS
        dent = 1.6 * np.exp(-((np.cos(turn) * half / 4.0) ** 2)) * (np.sin(turn) < 0) * (1 - s)
        rings.append(np.column_stack([half * np.cos(turn), y + thick * np.sin(turn) + dent, np.full(len(turn), z)]))
    tip = [[0, 7.4, 10.6]]
    return (np.concatenate([*rings, tip]) + lip_line / MILLIMETRE * [0, 1, 1]) * MILLIMETRE


def jaw_rotation(points: np.ndarray, angle: float) -> np.ndarray:
    """Return the displacement `[N, 3]` of `points` when the jaw opens by `angle` radians."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    moved = (points - HINGE) @ turn.T + HINGE
    slide = np.array([0, 0.5, -1.5]) * MILLIMETRE * angle / JAW_ANGLE  # the joint glides forward as it opens
    return moved - points + slide
