# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple ears: a shell with helix, hollow and lobe, rooted in the side of the head."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .parts import grid
from .skin import MILLIMETRE, smoothstep

CENTRE = (-10.0, 17.0)
"""Millimetres y, z of the middle of an ear."""

HEIGHT, BREADTH = 31.0, 18.0
STAND = 16.0
"""Millimetres from the head to the rear rim."""

AROUND = 24
RADII = (0.02, 0.2, 0.36, 0.48, 0.56, 0.64, 0.72, 0.80, 0.87, 0.93, 0.97, 1.0)


def ear(skin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices `[V, 3]` of the left ear in metres, and its triangles.

    It stands on the skin `[S, 3]`. Rings run from the ear canal to the rim, over it, and back inward behind.
    """
    turn = 2 * np.pi * np.arange(AROUND) / AROUND
    up, back = np.cos(turn), np.sin(turn)
    free = smoothstep((back + 0.5 + 0.25 * np.abs(up)) / 0.9)  # 0 where the ear grows from the head, 1 on its free rim
    breadth = BREADTH * np.where(back > 0, 1.0, 0.62) * (1 - 0.30 * smoothstep(-up) + 0.10 * smoothstep(up))
    helix = smoothstep((up + 0.45) / 0.6)  # the rim is rolled above, soft at the lobe
    rings = []
    for r in RADII:
        roll = free * helix * (3.2 * bump(r, 0.94, 0.07) - 1.3 * bump(r, 0.80, 0.07))
        antihelix = free * (2.6 * bump(r, 0.62, 0.10)) * smoothstep((up + 0.75) / 0.5)
        hollow = -3.0 * bump(r, 0.1, 0.36)
        tragus = 1.5 * bump(r, 0.52, 0.16) * np.exp(-(((back + 0.95) / 0.25) ** 2)) * np.exp(-((up / 0.35) ** 2))
        rings.append((r, roll + antihelix + hollow + tragus))
    rings += [(r * 0.985, -1.6 - 2.2 * (1 - r) * free) for r in RADII[-1:0:-1]]
    points = []
    for r, relief in rings:
        y = -HEIGHT * up * r
        z = breadth * back * r
        stand = STAND * (z + 0.62 * BREADTH) / (1.62 * BREADTH) - 1.2 - 1.5 * smoothstep(-up - 0.3) * r
        lean = -0.2 * y - 2.5 * (up < 0) * up * up * r
        points.append(np.column_stack([stand + relief, CENTRE[0] + y, CENTRE[1] + z + lean]))
    vertices = np.concatenate(points) * MILLIMETRE
    vertices[:, 0] += breadth_of_head(skin, vertices[:, 1:])
    return vertices, grid(len(rings), AROUND, closed=True)


def bump(r: float, middle: float, breadth: float) -> float:
    """A smooth bump of height 1."""
    return float(np.exp(-(((r - middle) / breadth) ** 2)))


def breadth_of_head(skin: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return how far to the left the skin `[S, 3]` reaches at `places [N, 2]` (y, z)."""
    left = skin[skin[:, 0] > 40 * MILLIMETRE]
    distance, near = cKDTree(left[:, 1:]).query(places, 8)
    weight = 1 / (distance + 2 * MILLIMETRE) ** 2
    return (left[near, 0] * weight).sum(1) / weight.sum(1)


def root(skin: np.ndarray, side: int) -> np.ndarray:
    """Return the vertices of the skin around the root of the left (`side` 1) or right (-1) ear."""
    far = np.linalg.norm(skin[:, 1:] - np.array(CENTRE) * MILLIMETRE, axis=1) + (skin[:, 0] * side < 0)
    return np.argsort(far)[:40]
