# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each expression carries the landmarks it moves: anatomy in millimetres, on the subject's left or in the middle.

x is to the subject's left, y down, z into the head. Shapes of the right side are mirror images, made elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .mouth import JAW_ANGLE, jaw_rotation
from .skin import MILLIMETRE, smoothstep
from .topology import INNER_LIP_LOWER, INNER_LIP_UPPER, OUTER_LIP_LOWER, OUTER_LIP_UPPER

Handles = dict[int, np.ndarray]
"""Vertex of the skin to its displacement `[3]` in metres."""

JAW_WEIGHTS = {
    1.0: (152, 175, 199, 200, 148, 377, 171, 396, 208, 428, 201, 421, 18, 83, 313, 176, 400, 140, 369, 32, 262),
    0.96: (149, 378, 170, 395, 194, 418, 211, 431, 182, 406),
    0.9: (150, 379, 204, 424, 169, 394),
    0.8: (136, 365, 135, 364, 106, 335),
    0.62: (172, 397, 138, 367),
    0.34: (58, 288),
    0.12: (132, 361),
    0.0: (93, 323, 234, 454, 2, 98, 327, 50, 280, 129, 358, 164, 49, 279, 36, 266, 4),
}
"""How much each landmark follows the jaw."""

LEFT_BROW_INNER, RIGHT_BROW_INNER = (285, 336), (55, 107)

Lips = Callable[[float, bool, bool], np.ndarray]
"""Displacement in millimetres at (t from -1, the right corner, to 1, the left one; upper lip?; outer edge?)."""


def lips(move: Lips) -> Handles:
    """Return handles for all landmarks of the lips."""
    rings = (
        (OUTER_LIP_UPPER, True, True),
        (OUTER_LIP_LOWER, False, True),
        (INNER_LIP_UPPER, True, False),
        (INNER_LIP_LOWER, False, False),
    )
    found: Handles = {}
    for ring, upper, outer in rings:
        for place, landmark in enumerate(ring):
            t = (place - 5) / 5
            found.setdefault(landmark, move(t, upper, outer) * MILLIMETRE)
    return found


def points(groups: dict[tuple[int, ...], tuple[float, float, float]]) -> Handles:
    """Return handles for groups of landmarks that move alike, in millimetres."""
    return {landmark: np.array(move) * MILLIMETRE for group, move in groups.items() for landmark in group}


def hold(*landmarks: int) -> Handles:
    """Return handles that keep landmarks where they are."""
    return {landmark: np.zeros(3) for landmark in landmarks}


def middle(t: float) -> float:
    """1 in the middle of the mouth, 0 at its corners."""
    return float(1 - smoothstep(abs(t)))


def leftward(t: float, start: float = -0.35) -> float:
    """1 at the left corner of the mouth, falling to 0 at `start`."""
    return float(smoothstep((t - start) / (1 - start)))


def left_half(t: float) -> float:
    """1 in the middle of the left half of a lip, 0 at the left corner and in the right half."""
    return float(smoothstep((t + 0.25) / 0.6) * (1 - smoothstep((t - 0.55) / 0.45)))


NOSE = hold(1, 2, 4, 5, 6, 195, 197, 168)
NASAL_WINGS = hold(98, 327, 129, 358, 49, 279, 64, 294)


def jaw_weights() -> dict[int, float]:
    """Return how much each landmark follows the jaw, lips included."""
    found = {landmark: weight for weight, group in JAW_WEIGHTS.items() for landmark in group}
    for ring, is_upper in (
        (OUTER_LIP_UPPER, True),
        (INNER_LIP_UPPER, True),
        (OUTER_LIP_LOWER, False),
        (INNER_LIP_LOWER, False),
    ):
        for place, landmark in enumerate(ring):
            t = abs(place - 5) / 5
            corner = 0.46
            follow = corner * t**2.6 if is_upper else 1 - (1 - corner) * t**2.8
            found.setdefault(landmark, follow)
    return found


def jaw_open(skin: np.ndarray) -> Handles:
    """The jaw turns about its joints; the corners of the mouth follow half way and come together a little."""
    found = {
        landmark: jaw_rotation(skin[landmark][None], JAW_ANGLE * weight)[0] * (weight > 0)
        for landmark, weight in jaw_weights().items()
    }
    for corner in (61, 291, 78, 308):
        found[corner] = found[corner] + np.array([-np.sign(skin[corner][0]) * 3.0, 0, 1.0]) * MILLIMETRE
    return found


def jaw_shift(move: tuple[float, float, float]) -> Handles:
    """The whole jaw moves by `move` millimetres."""
    return {landmark: np.array(move) * MILLIMETRE * weight for landmark, weight in jaw_weights().items()}


def mouth_close(skin: np.ndarray, opened: np.ndarray) -> Handles:
    """The lips meet again while the jaw stays open: for `opened [V, 3]`, the displacement of `jawOpen`."""
    found: Handles = {}
    for uppers, lowers in ((INNER_LIP_UPPER, INNER_LIP_LOWER), (OUTER_LIP_UPPER, OUTER_LIP_LOWER)):
        for inner_upper, inner_lower, upper, lower in zip(
            INNER_LIP_UPPER, INNER_LIP_LOWER, uppers, lowers, strict=True
        ):
            gap = (skin + opened)[inner_lower] - (skin + opened)[inner_upper]
            found[upper] = 0.38 * gap
            found[lower] = -0.62 * gap
    for corner in (61, 291, 78, 308):
        found[corner] = np.zeros(3)
    chin = hold(152, 148, 377, 176, 400, 149, 378, 150, 379, 136, 365)
    return {**found, **chin, **NOSE}


def mouth_handles() -> dict[str, Handles]:
    """Return the handles of mouth, cheeks and nose by shape; those of the left and of the middle."""
    still = {**NOSE, **NASAL_WINGS}
    chin = hold(152, 148, 377, 199)
    return {
        "mouthSmileLeft": smile(),
        "mouthFrownLeft": {
            **lips(lambda t, upper, outer: leftward(t, 0.1) * vector(1.5, 7.5, 2.5)),
            **points({(422, 432): (1, 4.0, 1.5), (426, 436): (0.5, 4, 1.0)}),
            **still,
            **hold(152, 199, 397),
        },
        "mouthDimpleLeft": {
            **lips(lambda t, upper, outer: leftward(t, 0.1) * vector(5.0, -1.0, 5.0)),
            **points({(436, 432): (2.0, -0.5, 3.5)}),
            **still,
            **chin,
        },
        "mouthStretchLeft": {
            **lips(lambda t, upper, outer: leftward(t, -0.1) * vector(8.0, 3.0 if upper else 5.0, 5.0)),
            **points({(422, 432): (4.0, 4.0, 3.0), (424, 431): (2.5, 3.0, 1.0)}),
            **still,
            **hold(152, 199),
        },
        "mouthPressLeft": {**lips(press), **still, **chin},
        "mouthLowerDownLeft": {
            **lips(lambda t, upper, outer: (not upper) * left_half(t) * vector(1.0, 6.5, 0.8)),
            **points({(418, 406, 335): (0.5, 4.0, 0.6)}),
            **hold(152, 377, 148, 199),
        },
        "mouthUpperUpLeft": {
            **lips(lambda t, upper, outer: upper * left_half(t) * vector(0.6, -5.5, 0.8)),
            **points({(391, 322): (0.8, -4.0, 0.2), (426, 423, 425): (0.5, -2.8, -0.8), (358, 327): (0.5, -1.5, 0)}),
            **NOSE,
            **hold(152, 98, 129),
        },
        "mouthLeft": {
            **lips(lambda t, upper, outer: vector(9.5 - 1.5 * abs(t), 0.4 * t, -1.0 + 3.5 * t)),
            **points({(164, 436): (4.0, 0, 0), (18,): (6.0, 0, 0.5), (200,): (2.5, 0, 0), (216,): (5, 0, 0)}),
            **still,
            **hold(152, 205, 425),
        },
        "mouthPucker": {
            **lips(pucker),
            **points({(164,): (0, 0.3, -2.5), (18,): (0, 0, -3.0)}),
            **points({(436, 432): (-4.0, 0, -1.0), (216, 212): (4.0, 0, -1.0)}),
            **points({(427,): (-2.0, 0.5, 0.5), (207,): (2.0, 0.5, 0.5)}),
            **still,
            **hold(152, 205, 425),
        },
        "mouthFunnel": {
            **lips(funnel),
            **points({(164,): (0, -1.5, -2.0), (18,): (0, 2.0, -2.0), (436, 432): (-3, 0, 0), (216, 212): (3, 0, 0)}),
            **still,
            **hold(152, 205, 425),
        },
        "mouthRollLower": {**lips(roll_lower), **points({(18, 83, 313): (0, -2.2, 0.8)}), **still, **chin},
        "mouthRollUpper": {**lips(roll_upper), **points({(164,): (0, 1.8, 0.8)}), **still, **chin},
        "mouthShrugLower": {
            **lips(lambda t, upper, outer: middle(t) * (vector(0, -1.2, -0.8) if upper else vector(0, -4.0, -2.5))),
            **points({(18,): (0, -4.5, -1.0), (200,): (0, -5.0, -1.0), (199,): (0, -3.5, 0), (175,): (0, -1.5, 0)}),
            **still,
        },
        "mouthShrugUpper": {
            **lips(lambda t, upper, outer: middle(t) * (vector(0, -4.0, -2.2) if upper else vector(0, -2.5, -0.8))),
            **points({(164,): (0, -2.0, -0.8)}),
            **NOSE,
            **hold(152, 200, 98, 327),
        },
        "cheekPuff": cheek_puff(),
        "cheekSquintLeft": {
            **points({(280, 330, 347): (0.5, -4.0, -2.2), (346, 348, 352): (0.4, -3.0, -1.4)}),
            **points({(425, 411): (0.8, -3.0, -1.2), (450, 449, 451): (0, -1.8, -0.7), (291,): (0.5, -0.8, 0)}),
            **NOSE,
            **hold(61, 13, 14, 454, 361),
        },
        "noseSneerLeft": nose_sneer(),
    }


def smile() -> Handles:
    """The left corner goes up, out and back along the cheek, which swells."""
    return {
        **lips(lambda t, upper, outer: leftward(t) ** 1.3 * vector(8.5, -8.5, 6.0) + middle(t) * vector(0, 0, 0.8)),
        **points({(425, 427): (3.0, -4.5, -0.5), (280, 330): (0.8, -2.5, -1.8), (411, 426): (3.5, -5.5, 0.5)}),
        **points({(436, 432): (5.0, -5.0, 3.0), (422,): (4.0, -3.0, 2.5), (358,): (1.2, -0.8, 0.3)}),
        **hold(1, 4, 5, 6, 195, 197, 152, 199, 397, 288, 361),
    }


def press(t: float, upper: bool, outer: bool) -> np.ndarray:
    """The left half of the lips is pressed together and thins."""
    thinning = (1.2 if upper else -1.6) * (1.0 if outer else 0.15)
    return vector(0.6 * leftward(t), leftward(t, -0.5) * thinning, 1.3 * left_half(t))


def pucker(t: float, upper: bool, outer: bool) -> np.ndarray:
    """The corners come together and the lips forward, closed."""
    thickening = (-0.8 if upper else 0.6) * middle(t) * outer
    return vector(-9.5 * np.sign(t) * abs(t) ** 1.1, thickening, -6.0 + 0.5 * abs(t) - (not outer))


def funnel(t: float, upper: bool, outer: bool) -> np.ndarray:
    """The lips form an open ring."""
    opening = (-4.0 if upper else 4.5) * middle(t * 0.9) * (0.75 if outer else 1.0)
    return vector(-7.0 * np.sign(t) * abs(t) ** 1.1, opening, -5.5 + 1.5 * abs(t) + 0.5 * (not outer))


def roll_lower(t: float, upper: bool, outer: bool) -> np.ndarray:
    """The lower lip is drawn in over the teeth."""
    return (not upper) * middle(0.85 * t) * (vector(0, -4.2, 2.6) if outer else vector(0, 0.3, 3.6))


def roll_upper(t: float, upper: bool, outer: bool) -> np.ndarray:
    """The upper lip is drawn in over the teeth."""
    return upper * middle(0.85 * t) * (vector(0, 3.8, 2.4) if outer else vector(0, -0.3, 3.6))


def cheek_puff() -> Handles:
    """Both cheeks fill with air."""
    return {
        **points({(425, 427, 411, 416, 434): (4.5, 0, -4.5), (205, 207, 187, 192, 214): (-4.5, 0, -4.5)}),
        **points(
            {(436, 432): (3.0, 0, -5.0), (216, 212): (-3.0, 0, -5.0), (280,): (1.5, 0, -1.0), (50,): (-1.5, 0, -1)}
        ),
        **points({(435, 367): (4.0, 0.5, -1.0), (215, 138): (-4.0, 0.5, -1.0)}),
        **lips(lambda t, upper, outer: vector(0, (-0.5 if upper else 0.5) * outer, -2.2)),
        **NOSE,
        **NASAL_WINGS,
        **hold(152, 361, 132, 454, 234),
    }


def nose_sneer() -> Handles:
    """The left wing of the nose goes up and takes the lip along."""
    return {
        **points({(279, 278, 294, 331, 360): (0.6, -3.6, 0.4), (358, 327, 429): (0.8, -3.2, 0.4)}),
        **points({(420, 437, 343): (0, -2.0, -0.5), (465, 413, 412): (0, -0.8, -0.8), (425, 423): (0.2, -2.0, -0.8)}),
        **points({(391, 322, 410): (0.3, -2.4, 0), (269, 270): (0.2, -1.8, 0)}),
        **points({(4, 1): (0.2, -0.6, 0), (285,): (-0.5, 1.5, 0)}),
        **hold(98, 129, 49, 61, 291, 14, 6, 168, 8, 37, 0),
    }


def brow_handles() -> dict[str, Handles]:
    """Return the handles of the brows by shape; the lids below them hold."""
    forehead = hold(10, 338, 297, 332, 284, 109, 67, 103, 54, 168, 6)
    return {
        "browDownLeft": {
            **points({LEFT_BROW_INNER: (-2.2, 6.0, -0.6), (295, 296): (-1.6, 5.2, -0.3), (282, 334): (-1.0, 4.0, 0)}),
            **points({(283, 293): (-0.5, 2.8, 0), (276, 300): (0, 1.5, 0), (9,): (0, 1.8, -0.3), (8,): (0, 1.6, -0.3)}),
            **points({(337,): (-0.6, 2.0, 0), (299,): (-0.4, 1.6, 0)}),
            **forehead,
            **hold(107, 55, 151),
        },
        "browInnerUp": {
            **points({LEFT_BROW_INNER: (0.5, -8.0, 0.8), RIGHT_BROW_INNER: (-0.5, -8.0, 0.8)}),
            **points({(295, 296): (0.3, -6.0, 0.6), (65, 66): (-0.3, -6.0, 0.6), (282, 334, 52, 105): (0, -3.0, 0.4)}),
            **points({(9,): (0, -4.5, 0.4), (8,): (0, -2.5, 0), (151, 337, 108): (0, -4.0, 0.4)}),
            **hold(283, 293, 53, 63, 276, 300, 46, 70),
            **forehead,
        },
        "browOuterUpLeft": {
            **points({LEFT_BROW_INNER: (0, -1.0, 0), (295, 296): (0, -3.5, 0.3), (282, 334): (0.2, -6.5, 0.6)}),
            **points({(283, 293): (0.4, -8.5, 1.0), (276, 300): (0.6, -7.0, 1.2)}),
            **points({(333, 298): (0.2, -4.5, 0.5), (299,): (0, -2.0, 0)}),
            **forehead,
            **hold(107, 55, 151, 9, 8),
        },
    }


def vector(x: float, y: float, z: float) -> np.ndarray:
    """Return `[3]`."""
    return np.array([x, y, z])
