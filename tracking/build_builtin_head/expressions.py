# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 expressions as displacement fields: handles where anatomy knows them, the smoothest skin between."""

from __future__ import annotations

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from ..heads.head import ARKIT_NAMES
from . import eyes, mouth
from .anatomy import Anatomy, follow, move_linings
from .handles import Handles, brow_handles, hold, jaw_open, jaw_shift, lips, mouth_close, mouth_handles, points
from .skin import MILLIMETRE, bending, cotangent_laplacian
from .topology import FACE_OVAL

REACH = 24 * MILLIMETRE
"""How far the skin is drawn along beyond the last handle."""


def build_expressions(anatomy: Anatomy, mirror: np.ndarray) -> np.ndarray:
    """Return `[52, V, 3]` in metres, in the order of `ARKIT_NAMES`. `mirror [V]` pairs the vertices left and right."""
    skin = Tissue(anatomy)
    found: dict[str, np.ndarray] = {}
    still = np.zeros_like(anatomy.vertices)
    margins = {int(v): np.zeros(3) for eye in anatomy.eyes for v in (*eye.upper, *eye.lower)}
    rim = hold(*FACE_OVAL)

    opened = skin.moved({**hold(10, 338, 109, 297, 67), **margins, **jaw_open(anatomy.vertices)}, reach=45 * MILLIMETRE)
    found["jawOpen"] = follow(anatomy, opened, mouth.jaw_rotation(anatomy.vertices, mouth.JAW_ANGLE))
    for name, move in (("jawForward", (0, 0.6, -7.0)), ("jawLeft", (8.5, 0.3, 0.5))):
        shifted = skin.moved({**margins, **jaw_shift(move)}, reach=45 * MILLIMETRE)
        found[name] = follow(anatomy, shifted, still + np.array(move) * MILLIMETRE)
    for name, handles in mouth_handles().items():
        found[name] = follow(anatomy, skin.moved({**rim, **margins, **handles}), still)
    closing = {**rim, **margins, **mouth_close(anatomy.vertices, found["jawOpen"])}
    for chin in (152, 148, 377, 176, 400, 149, 378, 150, 379, 136, 365):
        closing[chin] = np.zeros(3)
    found["mouthClose"] = follow(anatomy, skin.moved(closing), still)
    for name, handles in brow_handles().items():
        found[name] = follow(anatomy, skin.moved({**rim, **margins, **handles}), still)
    found.update(lid_shapes(anatomy, skin))
    found["tongueOut"] = tongue_out(anatomy)
    for name in [name for name in found if name.endswith("Left")]:
        found[name.replace("Left", "Right")] = found[name][mirror] * [-1, 1, 1]
    return np.array([found[name] for name in ARKIT_NAMES])


class Tissue:
    """The skin as an elastic sheet: it bends as little as can be while handles carry some of its vertices."""

    def __init__(self, anatomy: Anatomy) -> None:
        self.vertices = anatomy.skin.vertices
        self.stiffness = bending(self.vertices, anatomy.skin.triangles)
        _, self.area = cotangent_laplacian(self.vertices, anatomy.skin.triangles)

    def moved(self, handles: Handles, reach: float = REACH) -> np.ndarray:
        """Return displacements `[S, 3]` of the skin; away from `handles` they fade over `reach` metres."""
        at = np.fromiter(handles, int)
        hold_fast = np.zeros(len(self.vertices))
        hold_fast[at] = 30 * self.stiffness.diagonal().mean()
        target = np.zeros_like(self.vertices)
        target[at] = np.array(list(handles.values()))
        system = self.stiffness + diags(self.area / reach**4 + hold_fast)
        return splu(system.tocsc()).solve(hold_fast[:, None] * target)


def lid_shapes(anatomy: Anatomy, skin: Tissue) -> dict[str, np.ndarray]:
    """Return the shapes of the left eye's lids."""
    eye, vertices = anatomy.eyes[0], anatomy.skin.vertices
    upper, lower = eye.upper, eye.lower
    closed_upper, closed_lower = eyes.closed_margins(vertices, eye)
    closing_up, closing_low = closed_upper - vertices[upper], closed_lower - vertices[lower]
    bell = np.sin(np.pi * np.linspace(0, 1, len(upper)))[:, None]
    around = {
        **hold(
            *FACE_OVAL, 285, 295, 282, 283, 276, 336, 296, 334, 293, 300, 280, 330, 425, 346, 353, 6, 168, 197, 343, 412
        ),
    }

    def lids(up: np.ndarray, low: np.ndarray, more: Handles | None = None) -> np.ndarray:
        """Displace the margins by `up` and `low` `[N, 3]`, keep them and the skin over them off the eyeball."""
        moves: Handles = {}
        for margin, move in ((upper, up), (lower, low)):
            goal = vertices[margin] + move
            reach = np.linalg.norm(vertices[margin] - eye.centre, axis=1)
            goal = eyes.pushed_off(goal, eye.centre, eyes.RADIUS + eyes.LID_CLEARANCE)
            moves.update({int(v): g - p for v, g, p, _ in zip(margin, goal, vertices[margin], reach, strict=True)})
        moved = skin.moved({**around, **(more or {}), **moves}, reach=12 * MILLIMETRE)
        near = np.linalg.norm(vertices - eye.centre, axis=1) < 2.2 * eyes.RADIUS
        cover = eyes.pushed_off((vertices + moved)[near], eye.centre, eyes.RADIUS + eyes.LID_CLEARANCE)
        moved[near] = cover - vertices[near]
        result = np.zeros_like(anatomy.vertices)
        result[: len(moved)] = moved
        move_linings(anatomy, result)
        return result

    mm = MILLIMETRE
    none = np.zeros_like(closing_up)
    squint_cheek = points(
        {(450, 449, 451, 448): (0, -2.6, -1.0), (348, 347, 349): (0.2, -2.2, -1.2), (330, 280): (0.4, -1.6, -1.0)}
    )
    return {
        "eyeBlinkLeft": lids(closing_up, closing_low),
        "eyeWideLeft": lids(
            bell * [0, -2.6 * mm, 0.3 * mm], bell * [0, 0.6 * mm, 0], points({(386, 385, 387): (0, -2.6, 0.3)})
        ),
        "eyeSquintLeft": lids(0.16 * closing_up, bell * [0, -2.6 * mm, -0.2 * mm], squint_cheek),
        "eyeLookDownLeft": lids(0.5 * closing_up, bell * [0, 1.6 * mm, 0.2 * mm]),
        "eyeLookUpLeft": lids(bell * [0, -2.0 * mm, 0.3 * mm], bell * [0, -0.9 * mm, 0]),
        "eyeLookInLeft": lids(bell * [-0.9 * mm, 0, 0], bell * [-0.6 * mm, 0, 0]),
        "eyeLookOutLeft": lids(bell * [0.9 * mm, 0, 0], bell * [0.6 * mm, 0, 0] + none),
    }


def tongue_out(anatomy: Anatomy) -> np.ndarray:
    """The tongue slides forward over the lower lip and bends down; meant together with an open jaw."""
    result = np.zeros_like(anatomy.vertices)
    span = anatomy.spans["tongue"]
    rest = anatomy.vertices[span]
    forward = np.clip((rest[:, 2].max() - rest[:, 2]) / np.ptp(rest[:, 2]), 0, 1)[:, None]
    result[span] = (
        forward**1.3 * np.array([0, -3.0, -34.0]) * MILLIMETRE + forward**5 * np.array([0, 12.0, 0]) * MILLIMETRE
    )
    lower = lips(lambda t, up, out: (0, 0, 0) if up else (0, 1.0 * (1 - t * t), 0))
    result[list(lower)] += np.array(list(lower.values()))
    return result
