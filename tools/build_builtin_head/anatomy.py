# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole head from its skin: eyeballs, lids, mouth, ears; and how they follow when the skin moves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from . import ears, eyes, mouth
from .parts import directed, fan, grid, outward, strip
from .skin import MILLIMETRE, Skin, bending, build_skin, cotangent_laplacian
from .topology import (
    CONTROL,
    INNER_LIP_LOWER,
    INNER_LIP_UPPER,
    LEFT_EYE_LOWER,
    LEFT_EYE_UPPER,
    RIGHT_EYE_LOWER,
    RIGHT_EYE_UPPER,
    border_loop,
)

LEFT_IRIS, RIGHT_IRIS = 473, 468
"""MediaPipe's landmarks of the pupils; four of each iris's rim follow."""


@dataclass(frozen=True)
class Anatomy:
    """A head without expression, in parts.

    Attributes:
        skin: face, cranium and neck; their vertices come first.
        vertices: `[V, 3]` of everything; triangles: `[T, 3]`.
        spans: name of a part to its run of vertices: skin, pocket.L, pocket.R, bag, ear.L, ear.R, teeth.upper,
            teeth.lower, tongue, eye.L, eye.R.
        eyes: left, right.
        pocket_loops: lid margins of the pockets, left, right.
        lip_loop: vertices of the inner lips; upper_share: see `mouth.bag`.
        teeth: upper, lower.
    """

    skin: Skin
    vertices: np.ndarray
    triangles: np.ndarray
    spans: dict[str, slice]
    eyes: tuple[eyes.Eye, eyes.Eye]
    pocket_loops: tuple[np.ndarray, np.ndarray]
    lip_loop: np.ndarray
    upper_share: np.ndarray
    teeth: tuple[mouth.Row, mouth.Row]


def build_anatomy(landmarks: np.ndarray, mirror: np.ndarray) -> Anatomy:
    """Build the mean head around `landmarks [478, 3]`, which are symmetric; `mirror [478]` pairs left and right."""
    control = landmarks[:CONTROL].copy()
    meet_lips(control)
    centre = eyes.eyeball_centre(control[list(LEFT_EYE_UPPER + LEFT_EYE_LOWER[-2:0:-1])], landmarks[LEFT_IRIS])
    centres = (centre, centre * [-1, 1, 1])
    for middle, upper, lower in zip(
        centres, (LEFT_EYE_UPPER, RIGHT_EYE_UPPER), (LEFT_EYE_LOWER, RIGHT_EYE_LOWER), strict=True
    ):
        for margin in (list(upper[1:-1]), list(lower[1:-1])):
            control[margin] = eyes.on_lid(control[margin], middle)
    skin = build_skin(control, mirror[:CONTROL])
    vertices = skin.vertices.copy()
    face = skin.triangles[: skin.face_triangles]
    both = []
    for middle, upper, lower in zip(
        centres, (LEFT_EYE_UPPER, RIGHT_EYE_UPPER), (LEFT_EYE_LOWER, RIGHT_EYE_LOWER), strict=True
    ):
        loop = border_loop(face, upper[0], None)
        both.append(eyes.Eye(middle, run(loop, upper), run(loop, lower)))
        vertices[: skin.face] = eyes.pushed_off(vertices[: skin.face], middle, eyes.RADIUS + 1.3 * MILLIMETRE)
    skin = replace(skin, vertices=vertices)
    return joined(skin, (both[0], both[1]))


def meet_lips(control: np.ndarray) -> None:
    """Close the mouth: the inner edges of the lips meet in their middle line."""
    for upper, lower in zip(INNER_LIP_UPPER[1:-1], INNER_LIP_LOWER[1:-1], strict=True):
        control[[upper, lower]] = (control[upper] + control[lower]) / 2


def run(loop: np.ndarray, through: tuple[int, ...]) -> np.ndarray:
    """Return the part of a closed `loop` from `through[0]` to `through[-1]` that passes by the rest of `through`."""
    loop = np.roll(loop, -int(np.flatnonzero(loop == through[0])[0]))
    if np.flatnonzero(loop == through[1])[0] > np.flatnonzero(loop == through[-1])[0]:
        loop = np.roll(loop[::-1], 1)
    return loop[: np.flatnonzero(loop == through[-1])[0] + 1]


def joined(skin: Skin, both: tuple[eyes.Eye, eyes.Eye]) -> Anatomy:
    """Add every other part to the skin."""
    face = skin.triangles[: skin.face_triangles]
    lip_loop = directed(border_loop(face, INNER_LIP_UPPER[0]), face)
    upper_share = share_of_upper_lip(skin.vertices, face, lip_loop)
    lip_line = skin.vertices[INNER_LIP_UPPER[5]]
    rows = mouth.teeth(lip_line, True), mouth.teeth(lip_line, False)
    pieces, triangles, spans = [skin.vertices], [skin.triangles], {"skin": slice(0, len(skin.vertices))}

    def put(name: str, points: np.ndarray) -> int:
        start = sum(map(len, pieces))
        pieces.append(points)
        spans[name] = slice(start, start + len(points))
        return start

    loops = []
    for name, eye in zip(("pocket.L", "pocket.R"), both, strict=True):
        loop = directed(border_loop(face, int(eye.upper[0])), face)
        loops.append(loop)
        inner = eyes.pocket(skin.vertices[loop], eye.centre)
        start = put(name, inner.reshape(-1, 3))
        ring = start + np.arange(2 * len(loop)).reshape(2, -1)
        triangles += [strip(loop, ring[0]), strip(ring[0], ring[1])]
    inner = mouth.bag(skin.vertices[lip_loop], upper_share)
    start = put("bag", np.concatenate([inner.reshape(-1, 3), inner[-1].mean(0, keepdims=True)]))
    ring = start + np.arange(inner.shape[0] * len(lip_loop)).reshape(inner.shape[0], -1)
    triangles += [strip(a, b) for a, b in zip([lip_loop, *ring[:-1]], ring, strict=True)]
    triangles.append(fan(ring[-1], int(ring[-1, -1]) + 1))

    left_ear, ear_triangles = ears.ear(skin.vertices)
    for name, sign in (("ear.L", 1), ("ear.R", -1)):
        points = left_ear * [sign, 1, 1]
        start = put(name, points)
        triangles.append(start + outward(points, ear_triangles, points.mean(0)))
    for name, row in zip(("teeth.upper", "teeth.lower"), rows, strict=True):
        start = put(name, row.vertices)
        throat = row.vertices.mean(0) + np.array([0, 0, 8 * MILLIMETRE])
        triangles.append(start + outward(row.vertices, grid(row.rows, row.columns), throat))
    points = mouth.tongue(lip_line)
    start = put("tongue", points)
    sides = grid(mouth.TONGUE_ROWS, mouth.TONGUE_COLUMNS, closed=True)
    last = np.arange(len(points) - 1 - mouth.TONGUE_COLUMNS, len(points) - 1)
    triangles.append(start + outward(points, np.concatenate([sides, fan(last, len(points) - 1)]), points.mean(0)))
    for name, eye in zip(("eye.L", "eye.R"), both, strict=True):
        points = eyes.eyeball_vertices(eye.centre)
        start = put(name, points)
        triangles.append(start + outward(points, eyeball_triangles(), eye.centre))
    return Anatomy(
        skin,
        np.concatenate(pieces),
        np.concatenate(triangles),
        spans,
        both,
        (loops[0], loops[1]),
        lip_loop,
        upper_share,
        rows,
    )


def eyeball_triangles() -> np.ndarray:
    """Return the triangles of `eyes.eyeball_vertices`."""
    rings = len(eyes.RING_ANGLES)
    body = 1 + grid(rings, eyes.SEGMENTS, closed=True)
    return np.concatenate([body, fan(1 + np.arange(eyes.SEGMENTS), 0)[:, ::-1]])


def share_of_upper_lip(vertices: np.ndarray, face: np.ndarray, loop: np.ndarray) -> np.ndarray:
    """Return `[N]`: 1 in the middle of the upper lip, 0 at the corners, -1 in the middle of the lower lip."""
    upper, lower = run(loop, INNER_LIP_UPPER), run(loop, INNER_LIP_LOWER)
    share = np.zeros(len(vertices))
    for sign, part in ((1, upper), (-1, lower)):
        share[part] = sign * np.sin(np.pi * np.arange(len(part)) / (len(part) - 1))
    return share[loop]


def follow(anatomy: Anatomy, skin: np.ndarray, jaw: np.ndarray) -> np.ndarray:
    """Return `[V, 3]`: how all parts move when an expression moves the skin by `skin [S, 3]`.

    `jaw [V, 3]` is the rigid motion of the lower jaw, evaluated everywhere.
    """
    result = np.zeros_like(anatomy.vertices)
    result[anatomy.spans["skin"]] = skin
    move_linings(anatomy, result)
    upper_jaw = np.clip(anatomy.upper_share * 1.5, -1, 1)[None, :, None]
    lips = skin[anatomy.lip_loop][None]
    bag = anatomy.spans["bag"]
    rigid = jaw[bag][:-1].reshape(len(mouth.BAG_ROWS), -1, 3) * (1 - upper_jaw) / 2
    rows = anatomy.vertices[bag][:-1].reshape(len(mouth.BAG_ROWS), -1, 3)
    beyond = np.sign(anatomy.upper_share)[None, :, None] * np.array([0, -5, 0]) * MILLIMETRE  # of its own lip's side
    before = skin[cKDTree(anatomy.skin.vertices[: anatomy.skin.face]).query(rows + beyond)[1]]
    share, flesh = (np.array([row[-k] for row in mouth.BAG_ROWS])[:, None, None] for k in (2, 1))
    inner = flesh * before + (1 - flesh) * rigid
    result[bag] = np.concatenate(
        [(share * lips + (1 - share) * inner).reshape(-1, 3), rigid[-1].mean(0, keepdims=True)]
    )
    for part in ("teeth.lower", "tongue"):
        result[anatomy.spans[part]] = jaw[anatomy.spans[part]]
    return result


def move_linings(anatomy: Anatomy, result: np.ndarray) -> None:
    """Let the inner edges of the lids go with their margins and stay on the eyeballs."""
    for name, loop, eye in zip(("pocket.L", "pocket.R"), anatomy.pocket_loops, anatomy.eyes, strict=True):
        moved = eyes.pocket(anatomy.vertices[loop] + result[loop], eye.centre)
        result[anatomy.spans[name]] = moved.reshape(-1, 3) - anatomy.vertices[anatomy.spans[name]]


def carried(anatomy: Anatomy, control: np.ndarray, irises: np.ndarray) -> np.ndarray:
    """Return `[K, V, 3]`: how all parts differ in people whose landmarks differ by `control [K, 468, 3]`.

    `irises [K, 2, 3]` are the displacements of the pupils, left and right. Eyeballs keep their size, teeth theirs.
    """
    skin = anatomy.skin
    count = len(control)
    control = control.copy()
    result = np.zeros((count, *anatomy.vertices.shape))
    margins = ((LEFT_EYE_UPPER, LEFT_EYE_LOWER), (RIGHT_EYE_UPPER, RIGHT_EYE_LOWER))
    shifts = []
    for eye, (upper, lower), pupil in zip(anatomy.eyes, margins, irises.transpose(1, 0, 2), strict=True):
        ring = list(dict.fromkeys(upper + lower))
        shift = np.concatenate([pupil[:, :2], control[:, ring, 2].mean(1, keepdims=True)], 1)
        radial = skin.vertices[ring] - eye.centre
        radial /= np.linalg.norm(radial, axis=1, keepdims=True)
        relative = control[:, ring] - shift[:, None]
        control[:, ring] -= (relative * radial).sum(-1, keepdims=True) * radial
        shifts.append(shift)
    for above, below in zip(INNER_LIP_UPPER[1:-1], INNER_LIP_LOWER[1:-1], strict=True):
        control[:, above] = control[:, below] = (control[:, above] + control[:, below]) / 2
    face = (skin.weights @ control.transpose(1, 0, 2).reshape(CONTROL, -1)).reshape(skin.face, count, 3)
    whole = extended(skin, face.reshape(skin.face, -1)).reshape(-1, count, 3)
    result[:, anatomy.spans["skin"]] = whole.transpose(1, 0, 2)
    for k in range(count):
        loop = anatomy.lip_loop
        lips = anatomy.vertices[loop] + result[k, loop]
        moved = mouth.bag(lips, anatomy.upper_share)
        bag = np.concatenate([moved.reshape(-1, 3), moved[-1].mean(0, keepdims=True)])
        result[k, anatomy.spans["bag"]] = bag - anatomy.vertices[anatomy.spans["bag"]]
    inside = result[:, anatomy.lip_loop].mean(1, keepdims=True)
    for part in ("teeth.upper", "teeth.lower", "tongue"):
        result[:, anatomy.spans[part]] = inside
    for name, root in (("ear.L", ears.root(skin.vertices, 1)), ("ear.R", ears.root(skin.vertices, -1))):
        result[:, anatomy.spans[name]] = result[:, root].mean(1, keepdims=True)
    for name, pocket, loop, shift, eye in zip(
        ("eye.L", "eye.R"), ("pocket.L", "pocket.R"), anatomy.pocket_loops, shifts, anatomy.eyes, strict=True
    ):
        result[:, anatomy.spans[name]] = shift[:, None]
        for k in range(count):
            moved = eyes.pocket(anatomy.vertices[loop] + result[k, loop], eye.centre + shift[k])
            result[k, anatomy.spans[pocket]] = moved.reshape(-1, 3) - anatomy.vertices[anatomy.spans[pocket]]
    return result


def extended(skin: Skin, face: np.ndarray) -> np.ndarray:
    """Return displacements `[S, N]` of the skin whose face moves by `face [F, N]`: as smooth as can be, fading out."""
    stiffness = bending(skin.vertices, skin.triangles)
    _, area = cotangent_laplacian(skin.vertices, skin.triangles)
    free = np.arange(skin.face, len(skin.vertices))
    fade = diags(area[free] / (80 * MILLIMETRE) ** 4)
    system = (stiffness[free][:, free] + fade).tocsc()
    moved = splu(system).solve(-(stiffness[free][:, : skin.face] @ face))
    return np.concatenate([face, moved])
