# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyeballs, and lids that lie on them: their thickness, how they close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .skin import MILLIMETRE

RADIUS = 13.2 * MILLIMETRE
LID_CLEARANCE = 1.5 * MILLIMETRE
"""From the eyeball to the outer edge of a lid. Shapes are linear: half closed, the edge is 0.7 mm nearer."""

SEGMENTS = 24
RING_ANGLES = (4, 7.5, 9.5, 13, 18, 22.5, 25, 27.5, 33, 41, 52, 65, 80, 98, 120, 150)
"""Degrees from the middle of the pupil to each ring of an eyeball; close together where the colour changes."""

UPPER_SHARE = 0.78
"""How much of the way to a closed eye the upper lid goes; the rest is the lower lid's."""


@dataclass(frozen=True)
class Eye:
    """One eye.

    Attributes:
        centre: `[3]` of the eyeball.
        upper, lower: indices of the lid margins, outer corner to inner corner, corners in both.
    """

    centre: np.ndarray
    upper: np.ndarray
    lower: np.ndarray


def eyeball_vertices(centre: np.ndarray) -> np.ndarray:
    """Return `[1 + rings * SEGMENTS, 3]`: the pole in front, then rings; nobody sees the back, which stays open."""
    polar = np.radians(RING_ANGLES)[:, None]
    turn = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    ring = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), -np.cos(polar) + 0 * turn], -1)
    return centre + RADIUS * np.concatenate([[[0, 0, -1]], ring.reshape(-1, 3)])


def polar_angles() -> np.ndarray:
    """Return degrees from the middle of the pupil to each vertex of an eyeball."""
    return np.concatenate([[0], np.repeat(RING_ANGLES, SEGMENTS)])


def eyeball_centre(margin: np.ndarray, pupil: np.ndarray) -> np.ndarray:
    """Return the centre of the eyeball behind the pupil, where the lids' middles touch it.

    `margin [16, 3]` runs from the outer corner along the upper lid to the inner corner, and back along the lower."""
    middles = margin[[4, 12]]
    reach = RADIUS + LID_CLEARANCE
    across = ((middles[:, :2] - pupil[:2]) ** 2).sum(1)
    depth = np.sqrt(reach**2 - across)
    return np.array([pupil[0], pupil[1], (middles[:, 2] + depth).mean()])


def on_lid(points: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return `points [N, 3]` moved in depth to where a lid lies over the eyeball at their x and y.

    Towards the corners a lid leaves the eyeball, which is narrower than the opening.
    """
    offset = points[:, :2] - centre[:2]
    aside = np.abs(offset[:, 0]) / (14 * MILLIMETRE)
    reach = RADIUS + LID_CLEARANCE + 2.2 * MILLIMETRE * aside**4
    depth = np.sqrt(np.maximum(reach**2 - (offset**2).sum(1), (6 * MILLIMETRE) ** 2))
    result = points.copy()
    result[:, 2] = centre[2] - depth
    return result


def pocket(margin: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return `[2, N, 3]`: the inner edge of the lids at `margin [N, 3]`, and their end inside the eyeball."""
    out = margin - centre
    distance = np.linalg.norm(out, axis=1, keepdims=True)
    direction = out / distance
    middle = direction.mean(0) / np.linalg.norm(direction.mean(0))
    away = direction - (direction @ middle)[:, None] * middle
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    edge = direction * np.minimum(RADIUS + 0.35 * MILLIMETRE, distance)
    end = direction * (RADIUS - 1.0 * MILLIMETRE) + away * 1.2 * MILLIMETRE
    return centre + np.stack([edge, end])


def closed_margin(vertices: np.ndarray, eye: Eye) -> np.ndarray:
    """Return `[N, 3]`: the line in which the margins of the lids of `eye` meet."""
    upper, lower = vertices[eye.upper], vertices[eye.lower]
    line = upper + UPPER_SHARE * (lower - upper)
    from_corner = np.minimum(np.arange(len(line)), np.arange(len(line))[::-1])
    share = np.clip(from_corner / 6, 0, 1)[:, None]
    return line * (1 - share) + on_lid(line, eye.centre) * share


def pushed_off(points: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Return `points [N, 3]`; those in front of the eyeball's middle and nearer than `radius` are moved out to it."""
    out = points - centre
    distance = np.linalg.norm(out, axis=1)
    near = (distance < radius) & (out[:, 2] < 0.2 * radius)
    result = points.copy()
    result[near] = centre + out[near] * (radius / distance[near])[:, None]
    return result
