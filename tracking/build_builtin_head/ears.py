# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple ears: a shell with helix, hollow and lobe, rooted in the side of the head."""

from __future__ import annotations

import numpy as np

from .parts import grid
from .skin import MILLIMETRE, smoothstep

CENTRE = (73.0, -12.0, 18.0)
HEIGHT, BREADTH = 31.0, 17.0
AROUND = 32
RADII = (0.0, 0.18, 0.36, 0.52, 0.66, 0.78, 0.87, 0.94, 1.0)


def ear() -> tuple[np.ndarray, np.ndarray]:
    """Return vertices `[V, 3]` of the left ear in metres, and its triangles."""
    turn = 2 * np.pi * np.arange(AROUND) / AROUND
    up, back = np.cos(turn), np.sin(turn)
    outline_back = BREADTH * back * np.where(back > 0, 1.0, 0.75) * (1 - 0.33 * smoothstep(-up))
    outline_up = HEIGHT * up
    behind = smoothstep((back + 0.55) / 1.1)  # 0 at the root before the ear canal, 1 along the free rim
    sheets = []
    for front in (True, False):
        radii = RADII if front else RADII[-2::-1]
        for r in radii:
            rim = np.exp(-(((r - 0.93) / 0.10) ** 2)) * behind * 2.6
            antihelix = np.exp(-(((r - 0.60) / 0.10) ** 2)) * behind * smoothstep(up + 0.9) * 1.6
            hollow = -3.5 * np.exp(-((r / 0.42) ** 2)) * np.ones_like(up)
            lift = r * np.clip(back + 0.25, -0.8, None) * 11.5
            relief = rim + antihelix + hollow if front else -2.2 - 1.8 * (1 - r) + 0 * up
            edge = 1.0 if front else smoothstep((1 - r) / 0.12)
            out = lift + (relief * edge if not front else relief) + 3.0 * behind * r
            y = -(outline_up * r)
            z = outline_back * r + 0.22 * outline_up * r  # the upper part leans back
            sheets.append(np.column_stack([CENTRE[0] + out, CENTRE[1] + y, CENTRE[2] + z]))
    vertices = np.concatenate(sheets) * MILLIMETRE
    return vertices, grid(len(sheets), AROUND, closed=True)


def root(skin: np.ndarray, side: int) -> np.ndarray:
    """Return the vertices of the skin around the root of the left (`side` 1) or right (-1) ear."""
    centre = np.array([side * CENTRE[0], CENTRE[1], CENTRE[2] - 8]) * MILLIMETRE
    return np.argsort(np.linalg.norm(skin - centre, axis=1))[:40]
