# SPDX-License-Identifier: GPL-3.0-or-later
"""Places in the UV square: the face takes most of it, everything else has a small chart of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags, identity
from scipy.sparse.linalg import splu

from . import ears, eyes, mouth
from .skin import RINGS
from .topology import FACE_OVAL, border_loop

if TYPE_CHECKING:
    from .anatomy import Anatomy

FACE_CENTRE, FACE_RADII = np.array([0.5, 0.455]), np.array([0.46, 0.425])
RIM = 0.055
"""How far the cranium and neck reach beyond the face's ellipse, as a share of its radii."""

EVENING_ROUNDS, EVENING_POWER = 3, 0.7
"""How often, and how eagerly, room is given to what the flattening made too small: nose, lids, lips."""

CAVITY_WORTH = 0.4
"""How much less room the cavity of the mouth gets; it is dark and seldom seen."""

EYE_CHARTS = {"eye.L": (0.893, 0.89), "eye.R": (0.107, 0.89)}
EYE_RADIUS = 0.1
TONGUE_CHART, TONGUE_RADIUS = (0.072, 0.072), 0.062
EAR_CHARTS = {"ear.L": (0.96, 0.04), "ear.R": (0.885, 0.035)}
EAR_RADIUS = 0.032
TEETH_CHARTS = {"teeth.upper": (0.24, 0.912, 0.76, 0.952), "teeth.lower": (0.24, 0.956, 0.76, 0.994)}
"""Left, top, right, bottom."""


def build_uvs(anatomy: Anatomy, parted: np.ndarray) -> np.ndarray:
    """Return `[V, 2]`, (0, 0) at the top left; u grows to the subject's left.

    The face with the linings of its lids and the cavity of the mouth is spread without overlap by mean value
    coordinates (Floater 2003) of `parted [V, 3]`, the head with its mouth a little open, and evened out by their
    stretch (Yoshizawa, Belyaev and Seidel 2004).
    """
    uvs = np.zeros((len(anatomy.vertices), 2))
    spread_face(anatomy, parted, uvs)
    for name, centre in EYE_CHARTS.items():
        uvs[anatomy.spans[name]] = disc_of_eye(np.array(centre))
    uvs[anatomy.spans["tongue"]] = rings_on_disc(
        mouth.TONGUE_ROWS, mouth.TONGUE_COLUMNS, TONGUE_CHART, TONGUE_RADIUS, True
    )
    for name, centre in EAR_CHARTS.items():
        rows = (anatomy.spans[name].stop - anatomy.spans[name].start) // ears.AROUND
        uvs[anatomy.spans[name]] = rings_on_disc(rows, ears.AROUND, centre, EAR_RADIUS, False)
    for (name, (left, top, right, bottom)), row in zip(TEETH_CHARTS.items(), anatomy.teeth, strict=True):
        u, v = np.meshgrid(np.linspace(left, right, row.columns), np.linspace(top, bottom, row.rows))
        uvs[anatomy.spans[name]] = np.column_stack([u.ravel(), v.ravel()])
    return uvs


def spread_face(anatomy: Anatomy, parted: np.ndarray, uvs: np.ndarray) -> None:
    """Place the skin, the lid linings and the cavity."""
    skin = anatomy.skin
    spread = [slice(0, skin.face), anatomy.spans["pocket.L"], anatomy.spans["pocket.R"], anatomy.spans["bag"]]
    index = np.concatenate([np.arange(s.start, s.stop) for s in spread])
    local = np.full(len(anatomy.vertices), -1)
    local[index] = np.arange(len(index))
    triangles = local[anatomy.triangles]
    triangles = triangles[(triangles >= 0).all(1)]
    points = parted[index]
    for name in ("pocket.L", "pocket.R"):
        span = anatomy.spans[name]
        ring = local[np.arange(span.start, span.stop)].reshape(2, -1)[1]
        tip = len(points)
        points = np.concatenate([points, points[ring].mean(0, keepdims=True)])
        triangles = np.concatenate([triangles, np.stack([np.roll(ring, -1), ring, np.full(len(ring), tip)], 1)])
    loop = border_loop(skin.triangles[: skin.face_triangles], FACE_OVAL[0], FACE_OVAL[1])
    length = np.linalg.norm(np.roll(points[loop], -1, 0) - points[loop], axis=1)
    angle = 2 * np.pi * np.concatenate([[0], np.cumsum(length)[:-1]]) / length.sum()
    border = np.column_stack([np.sin(angle), -np.cos(angle)])
    fixed = np.zeros(len(points))
    fixed[loop] = 1
    target = np.zeros((len(points), 2))
    target[loop] = border
    worth = np.ones(len(points))
    worth[local[anatomy.spans["bag"]]] = CAVITY_WORTH
    weights = mean_value_weights(points, triangles)
    for _ in range(EVENING_ROUNDS):
        flat = embedded(weights, fixed, target)
        weights = weights @ diags((worth * stretch(points, flat, triangles)) ** -EVENING_POWER)
        weights = diags(1 / np.asarray(weights.sum(1)).ravel()) @ weights
    flat = embedded(weights, fixed, target)
    uvs[index] = FACE_CENTRE + FACE_RADII * flat[: len(index)]
    for k in range(RINGS):
        width = len(loop) // 2
        ring = slice(skin.face + k * width, skin.face + (k + 1) * width)
        uvs[ring] = FACE_CENTRE + FACE_RADII * (1 + RIM * (k + 1) / RINGS) * border[::2]


def embedded(weights: csr_matrix, fixed: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return `[V, 2]`: each vertex at the weighted mean of its neighbours, the `fixed` ones at their `target`."""
    system = diags(1 - fixed) @ (identity(len(target)) - weights) + diags(fixed)
    return splu(system.tocsc()).solve(target)


def stretch(points: np.ndarray, flat: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return `[V]`: how much smaller the surface around each vertex has become, 1 on average."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    a, b, c = (flat[triangles[:, k]] for k in range(3))
    flat_area = np.abs(np.cross(b - a, c - a))
    around = [np.bincount(triangles.ravel(), np.repeat(x, 3), minlength=len(points)) for x in (area, flat_area)]
    ratio = np.sqrt(around[0] / np.maximum(around[1], 1e-12))
    return np.clip(ratio / np.median(ratio), 0.2, 5)


def mean_value_weights(points: np.ndarray, triangles: np.ndarray) -> csr_matrix:
    """Return `[V, V]` with rows that sum to 1: Floater's mean value coordinates, all positive."""
    rows, columns, values = [], [], []
    for i in range(3):
        o, p, q = triangles[:, i], triangles[:, (i + 1) % 3], triangles[:, (i + 2) % 3]
        to_p, to_q = points[p] - points[o], points[q] - points[o]
        length_p, length_q = (np.maximum(np.linalg.norm(d, axis=1), 2e-4) for d in (to_p, to_q))
        cosine = np.clip((to_p * to_q).sum(1) / (length_p * length_q), -0.99, 0.99)
        half = np.sqrt((1 - cosine) / (1 + cosine))
        rows += [o, o]
        columns += [p, q]
        values += [half / length_p, half / length_q]
    weights = coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))).tocsr()
    return diags(1 / np.asarray(weights.sum(1)).ravel()) @ weights


def disc_of_eye(centre: np.ndarray) -> np.ndarray:
    """Return UVs of an eyeball seen from the front; its rear makes the rim of the disc."""
    polar = np.radians(eyes.RING_ANGLES)[:, None]
    turn = 2 * np.pi * np.arange(eyes.SEGMENTS) / eyes.SEGMENTS
    radius = EYE_RADIUS * (polar / polar.max()) ** 0.65
    ring = np.stack([radius * np.cos(turn), radius * np.sin(turn)], -1).reshape(-1, 2)
    return np.concatenate([[centre], centre + ring])


def rings_on_disc(rows: int, columns: int, centre: tuple[float, float], radius: float, tip: bool) -> np.ndarray:
    """Return UVs of `rows` rings as circles, the first one inmost or, where a `tip` follows the last, outmost."""
    share = np.linspace(1, 0.08, rows) if tip else np.linspace(0.02, 1, rows)
    turn = 2 * np.pi * np.arange(columns) / columns
    ring = radius * share[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], -1)
    flat = ring.reshape(-1, 2)
    return np.array(centre) + (np.concatenate([flat, [[0, 0]]]) if tip else flat)
