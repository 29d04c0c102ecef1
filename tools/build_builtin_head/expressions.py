# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 expressions as displacement fields: handles where anatomy knows them, the smoothest skin between."""

from __future__ import annotations

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from ...tracking.heads.head import ARKIT_NAMES
from . import eyes, mouth
from .anatomy import Anatomy, extended, follow, move_linings, run
from .handles import Handles, brow_handles, hold, jaw_open, jaw_shift, mouth_close, mouth_handles, points
from .skin import MILLIMETRE, bending, cotangent_laplacian, smoothstep
from .topology import (
    CONTROL,
    FACE_OVAL,
    INNER_LIP_LOWER,
    INNER_LIP_UPPER,
    LEFT_EYE_LOWER,
    LEFT_EYE_UPPER,
    RIGHT_EYE_LOWER,
    RIGHT_EYE_UPPER,
)

REACH = 24 * MILLIMETRE
"""How far the skin is drawn along beyond the last handle."""

LIP_REACH, LIP_CONTACT = 6 * MILLIMETRE, 0.6 * MILLIMETRE
"""How far a correction of the lips' inner edges is felt; below which gap they are drawn together."""

PARTING = ("jawOpen", "jawForward", "mouthFunnel", "mouthLowerDownLeft", "mouthUpperUpLeft", "mouthStretchLeft")
"""Shapes that part the lips; in all others they stay closed, so that any mixture of these is closed as well."""

JAW_REACH = 45 * MILLIMETRE

JAW_SHIFTS = {"jawForward": (0.0, 0.6, -7.0), "jawLeft": (8.5, 0.3, 0.5)}
"""Millimetres by which the whole jaw moves."""

BORDER = hold(*FACE_OVAL)
AROUND_LEFT_EYE = BORDER | hold(
    *(285, 295, 282, 283, 276, 336, 296, 334, 293, 300),  # brow
    *(280, 330, 425, 346, 353, 6, 168, 197, 343, 412),  # cheekbone and nose
)


def build_expressions(anatomy: Anatomy, mirror: np.ndarray, learned: np.ndarray | None = None) -> np.ndarray:
    """Return `[52, V, 3]` in metres, in the order of `ARKIT_NAMES`.

    `mirror [V]` pairs the vertices left and right. `learned [52, 468, 3]` is added to the landmarks' displacements of
    all shapes but those of the lids, which have to close whatever the measurements say.
    """
    tissue = Tissue(anatomy)
    fields = skin_fields(anatomy, tissue)
    if learned is not None:
        added = tissue.refined(np.array([on_its_side(name, learned, anatomy) for name in fields]))
        fields = {name: field + more for (name, field), more in zip(fields.items(), added, strict=True)}
    fields = {name: tissue.lips_met(field, name in PARTING) for name, field in fields.items()}
    closing = tissue.moved({**BORDER, **lid_margins(anatomy), **mouth_close(anatomy.skin.vertices, fields["jawOpen"])})
    fields["mouthClose"] = tissue.lips_met(fields["jawOpen"] + closing) - fields["jawOpen"]

    still = np.zeros_like(anatomy.vertices)
    rigid = {name: still + np.array(move) * MILLIMETRE for name, move in JAW_SHIFTS.items()}
    rigid["jawOpen"] = mouth.jaw_rotation(anatomy.vertices, mouth.JAW_ANGLE)
    found = {name: follow(anatomy, field, rigid.get(name, still)) for name, field in fields.items()}
    found |= lid_shapes(anatomy, tissue)
    found["tongueOut"] = tongue_out(anatomy)
    for name in list(found):
        reflected = found[name][mirror] * [-1, 1, 1]
        if name.endswith("Left"):
            found[name.removesuffix("Left") + "Right"] = reflected
        else:
            found[name] = (found[name] + reflected) / 2
    return np.array([found[name] for name in ARKIT_NAMES])


def on_its_side(name: str, learned: np.ndarray, anatomy: Anatomy) -> np.ndarray:
    """Return `[468, 3]`: what was learned for a shape; of a shape of the left, the left side's part.

    People move both brows or both corners of the mouth together, and the fit cannot tell one shape from its twin.
    """
    field = learned[ARKIT_NAMES.index(name)]
    if not name.endswith("Left") or name in ("jawLeft", "mouthLeft"):
        return field
    x = anatomy.vertices[:CONTROL, :1]
    return field * smoothstep((x + 10 * MILLIMETRE) / (20 * MILLIMETRE))


def skin_fields(anatomy: Anatomy, tissue: Tissue) -> dict[str, np.ndarray]:
    """Return displacements `[S, 3]` of the skin by shape: jaw, mouth, cheeks, nose and brows, left or middle."""
    margins, vertices = lid_margins(anatomy), anatomy.vertices
    fields = {"jawOpen": tissue.moved({**hold(10, 338, 109, 297, 67), **margins, **jaw_open(vertices)}, JAW_REACH)}
    for name, move in JAW_SHIFTS.items():
        fields[name] = tissue.moved({**margins, **jaw_shift(move)}, JAW_REACH)
    for name, handles in (mouth_handles() | brow_handles()).items():
        fields[name] = tissue.moved({**BORDER, **margins, **handles})
    return fields


def lid_margins(anatomy: Anatomy) -> Handles:
    """Return handles that hold the margins of all lids."""
    return hold(*(int(vertex) for eye in anatomy.eyes for vertex in (*eye.upper, *eye.lower)))


class Tissue:
    """The skin as an elastic sheet: it bends as little as can be while handles carry some of its vertices."""

    def __init__(self, anatomy: Anatomy) -> None:
        self.anatomy = anatomy
        self.vertices = anatomy.skin.vertices
        self.stiffness = bending(self.vertices, anatomy.skin.triangles)
        _, self.area = cotangent_laplacian(self.vertices, anatomy.skin.triangles)
        self.rims = run(anatomy.lip_loop, INNER_LIP_UPPER), run(anatomy.lip_loop, INNER_LIP_LOWER)
        self.lip_hold = np.zeros(len(self.vertices))
        self.lip_hold[np.concatenate(self.rims)] = 1000 * self.stiffness.diagonal().max()
        self.lip_mender = splu((self.stiffness + diags(self.area / LIP_REACH**4 + self.lip_hold)).tocsc())

    def moved(self, handles: Handles, reach: float = REACH) -> np.ndarray:
        """Return displacements `[S, 3]` of the skin; away from `handles` they fade over `reach` metres."""
        at = np.fromiter(handles, int)
        hold_fast = np.zeros(len(self.vertices))
        hold_fast[at] = 30 * self.stiffness.diagonal().mean()
        target = np.zeros_like(self.vertices)
        target[at] = np.array(list(handles.values()))
        system = self.stiffness + diags(self.area / reach**4 + hold_fast)
        return splu(system.tocsc()).solve(hold_fast[:, None] * target)

    def lips_met(self, field: np.ndarray, parting: bool = False) -> np.ndarray:
        """Return a displacement `field [S, 3]` in which the lips meet or, if they may part, at least never cross."""
        upper, lower = self.rims
        middle, gap = (field[upper] + field[lower]) / 2, field[lower] - field[upper]
        gap = parting * gap * smoothstep(gap[:, 1:2] / LIP_CONTACT)
        target = np.zeros_like(field)
        target[upper], target[lower] = middle - gap / 2 - field[upper], middle + gap / 2 - field[lower]
        return field + self.lip_mender.solve(self.lip_hold[:, None] * target)

    def refined(self, control: np.ndarray) -> np.ndarray:
        """Return displacements `[K, S, 3]` of the skin whose landmarks move by `control [K, 468, 3]`; lids hold."""
        margins = list(dict.fromkeys(LEFT_EYE_UPPER + LEFT_EYE_LOWER + RIGHT_EYE_UPPER + RIGHT_EYE_LOWER))
        control = control.copy()
        control[:, margins] = 0
        columns = control.transpose(1, 0, 2).reshape(CONTROL, -1)
        whole = extended(self.anatomy.skin, self.anatomy.skin.weights @ columns)
        return whole.reshape(len(whole), len(control), 3).transpose(1, 0, 2)


def lid_shapes(anatomy: Anatomy, tissue: Tissue) -> dict[str, np.ndarray]:
    """Return `[V, 3]` each: the shapes of the left eye's lids."""
    eye, vertices = anatomy.eyes[0], anatomy.skin.vertices
    closed = eyes.closed_margin(vertices, eye)
    closing_upper, closing_lower = closed - vertices[eye.upper], closed - vertices[eye.lower]
    bell = np.sin(np.pi * np.linspace(0, 1, len(closed)))[:, None] * MILLIMETRE  # the middles move most
    cheek = points({(450, 449, 451, 448): (0, -2.6, -1.0), (348, 347, 349): (0.2, -2.2, -1.2)})
    cheek |= points({(330, 280): (0.4, -1.6, -1.0)})
    motions = {
        "eyeBlinkLeft": (closing_upper, closing_lower, {}),
        "eyeWideLeft": (bell * [0, -2.6, 0.3], bell * [0, 0.6, 0], {}),
        "eyeSquintLeft": (0.16 * closing_upper, bell * [0, -2.6, -0.2], cheek),
        "eyeLookDownLeft": (0.5 * closing_upper, bell * [0, 1.6, 0.2], {}),
        "eyeLookUpLeft": (bell * [0, -2.0, 0.3], bell * [0, -0.9, 0], {}),
        "eyeLookInLeft": (bell * [-0.9, 0, 0], bell * [-0.6, 0, 0], {}),
        "eyeLookOutLeft": (bell * [0.9, 0, 0], bell * [0.6, 0, 0], {}),
    }
    return {name: lids(anatomy, tissue, eye, *motion) for name, motion in motions.items()}


def lids(
    anatomy: Anatomy, tissue: Tissue, eye: eyes.Eye, upper: np.ndarray, lower: np.ndarray, more: Handles
) -> np.ndarray:
    """Return `[V, 3]` when the margins of an eye's lids move by `upper` and `lower` `[N, 3]` and the skin by `more`.

    Neither the margins nor the skin over them come nearer to the eyeball than `eyes.LID_CLEARANCE`.
    """
    vertices = tissue.vertices
    clear = eyes.RADIUS + eyes.LID_CLEARANCE
    handles = AROUND_LEFT_EYE | more
    for margin, move in ((eye.upper, upper), (eye.lower, lower)):
        goal = eyes.pushed_off(vertices[margin] + move, eye.centre, clear)
        handles |= dict(zip(margin.tolist(), goal - vertices[margin], strict=True))
    moved = tissue.lips_met(tissue.moved(handles, reach=12 * MILLIMETRE))
    near = np.linalg.norm(vertices - eye.centre, axis=1) < 2.2 * eyes.RADIUS
    moved[near] = eyes.pushed_off((vertices + moved)[near], eye.centre, clear) - vertices[near]
    result = np.zeros_like(anatomy.vertices)
    result[: len(moved)] = moved
    move_linings(anatomy, result)
    return result


def tongue_out(anatomy: Anatomy) -> np.ndarray:
    """The tongue slides forward over the lower lip and bends down; meant together with an open jaw."""
    result = np.zeros_like(anatomy.vertices)
    span = anatomy.spans["tongue"]
    rest = anatomy.vertices[span]
    forward = np.clip((rest[:, 2].max() - rest[:, 2]) / np.ptp(rest[:, 2]), 0, 1)[:, None]
    result[span] = forward**1.3 * np.array([0, -6.5, -34.0]) + forward**5 * np.array([0, 10.0, 0])
    result *= MILLIMETRE
    result[span, 0] -= 0.25 * forward[:, 0] * rest[:, 0]
    return result
