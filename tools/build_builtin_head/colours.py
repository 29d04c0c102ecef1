# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of the head (sRGB, 0 to 1): a mean, and ways in which people differ.

How skins differ is measured on the ten tones of the Monk Skin Tone Scale (Ellis Monk, skintone.google, CC BY 4.0);
the rest is made by hand.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from . import eyes
from .skin import MILLIMETRE, smoothstep
from .topology import OUTER_LIP_LOWER, OUTER_LIP_UPPER

if TYPE_CHECKING:
    from .anatomy import Anatomy

SKIN = (0.79, 0.61, 0.52)
MONK_TONES = (0xF6EDE4, 0xF3E7DB, 0xF7EAD0, 0xEADABA, 0xD7BD96, 0xA07E56, 0x825C43, 0x604134, 0x3A312A, 0x292420)
LIPS_SHARE = 0.6
"""How much less the lips differ between people than the skin around them."""

LIPS = (0.70, 0.42, 0.40)
BROWS = (0.29, 0.215, 0.175)
SCLERA, IRIS, IRIS_RIM, PUPIL = (0.90, 0.88, 0.86), (0.36, 0.25, 0.17), (0.17, 0.12, 0.10), (0.03, 0.03, 0.035)
TOOTH, TOOTH_GAP, GUM = (0.88, 0.84, 0.76), (0.55, 0.45, 0.38), (0.72, 0.40, 0.40)
TONGUE, CAVITY, THROAT = (0.70, 0.36, 0.36), (0.40, 0.13, 0.13), (0.06, 0.02, 0.02)

LEFT_BROW = ((285, 336), (295, 296), (282, 334), (283, 293), (276, 300))
RIGHT_BROW = ((55, 107), (65, 66), (52, 105), (53, 63), (46, 70))


def build_colours(anatomy: Anatomy) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean `[V, 3]` and the basis `[K, V, 3]`, each column one standard deviation of a plausible people."""
    masks = paint_masks(anatomy)
    mean = paint(anatomy, masks)
    skin = masks["skin"][:, None]
    face = skin * (1 - masks["brows"][:, None])
    pigmented = (face + LIPS_SHARE * masks["lips"][:, None]) * mean / np.array(SKIN)
    iris = masks["iris"][:, None]
    tint = np.array
    basis = [
        *(pigmented * difference for difference in skin_tones()),
        face * tint([0.035, -0.02, -0.025]) + masks["lips"][:, None] * tint([0.03, -0.01, -0.01]),  # redder skin
        face * tint([0.01, 0.015, -0.03]),  # yellower skin
        masks["lips"][:, None] * tint([0.04, -0.06, -0.05]),  # redder lips
        masks["cheeks"][:, None] * tint([0.05, -0.02, -0.015]),  # rosy cheeks
        masks["brows"][:, None] * tint([0.13, 0.11, 0.09]),  # fairer brows
        -masks["stubble"][:, None] * tint([0.13, 0.11, 0.09]),  # a beard's shadow
        -masks["eyebags"][:, None] * tint([0.06, 0.055, 0.04]),  # shadows under the eyes
        iris * tint([-0.02, 0.06, 0.12]),  # bluer irises
        iris * tint([0.07, 0.06, 0.04]),  # lighter irises
        -masks["scalp"][:, None] * tint([0.22, 0.19, 0.16]),  # hair on the scalp
        masks["teeth"][:, None] * tint([0.03, 0.035, 0.05]),  # whiter teeth
    ]
    return mean, np.array(basis)


def skin_tones() -> np.ndarray:
    """Return `[2, 3]`: the principal ways in which skins differ from `SKIN`, one standard deviation each."""
    tones = np.array([[tone >> 16, tone >> 8 & 255, tone & 255] for tone in MONK_TONES]) / 255
    _, deviations, ways = np.linalg.svd(tones - SKIN, full_matrices=False)
    return deviations[:2, None] / np.sqrt(len(tones)) * ways[:2]


def paint(anatomy: Anatomy, masks: dict[str, np.ndarray]) -> np.ndarray:
    """Return the mean colours."""
    colours = np.tile(np.array(SKIN), (len(anatomy.vertices), 1))
    layers = (
        ("cheeks", (0.80, 0.54, 0.47), 0.55),
        ("nose", (0.80, 0.55, 0.48), 0.45),
        ("eyebags", (0.70, 0.50, 0.44), 0.6),
        ("lids", (0.72, 0.50, 0.44), 0.55),
        ("stubble", (0.72, 0.56, 0.49), 0.35),
        ("ears", (0.80, 0.55, 0.48), 0.6),
        ("lips", LIPS, 1.0),
        ("lip_line", (0.50, 0.25, 0.25), 0.6),
        ("brows", BROWS, 0.9),
        ("lashes", (0.20, 0.14, 0.12), 0.85),
        ("nostrils", (0.22, 0.11, 0.09), 0.9),
        ("waterline", (0.82, 0.58, 0.54), 1.0),
    )
    for name, colour, strength in layers:
        mask = strength * masks[name][:, None]
        colours = colours * (1 - mask) + mask * np.array(colour)
    paint_mouth(anatomy, colours)
    for name in ("eye.L", "eye.R"):
        colours[anatomy.spans[name]] = eyeball_colours()
    return np.clip(colours, 0, 1)


def paint_mouth(anatomy: Anatomy, colours: np.ndarray) -> None:
    """Colour the cavity (darker towards the throat), teeth and gums, and the tongue."""
    depth = [
        np.array(LIPS) * 0.86,
        np.array(LIPS) * 0.72,
        CAVITY,
        np.array(CAVITY) * 0.75,
        np.array(CAVITY) * 0.4,
        THROAT,
    ]
    bag = np.repeat(np.array(depth), len(anatomy.lip_loop), axis=0)
    colours[anatomy.spans["bag"]] = np.concatenate([bag, [THROAT]])
    for name, row in zip(("teeth.upper", "teeth.lower"), anatomy.teeth, strict=True):
        gap = 0.4 * row.gap[:, None] ** 8
        tooth = np.array(TOOTH) * (1 - gap) + gap * np.array(TOOTH_GAP)
        along = np.abs(row.vertices[:, 2] - row.vertices[:, 2].min()) / (40 * MILLIMETRE)
        shade = 1 - 0.55 * smoothstep(along)[:, None]
        gum = row.gum[:, None]
        colours[anatomy.spans[name]] = (gum * np.array(GUM) + (1 - gum) * tooth) * shade
    span = anatomy.spans["tongue"]
    back = smoothstep((anatomy.vertices[span, 2] - anatomy.vertices[span, 2].min()) / (42 * MILLIMETRE))[:, None]
    colours[span] = np.array(TONGUE) * (1 - 0.75 * back)


def eyeball_colours() -> np.ndarray:
    """Return `[E, 3]` for the vertices of an eyeball."""
    stops = (0, 7.6, 9.4, 13, 20, 24, 25.5, 28.5, 45, 80, 180)
    red = (0.74, 0.52, 0.48)
    middle = tuple(np.array(IRIS) * 1.25)
    shades = (PUPIL, PUPIL, np.array(IRIS) * 0.8, middle, IRIS, IRIS_RIM, IRIS_RIM, SCLERA, SCLERA, red, red)
    angles = eyes.polar_angles()
    return np.column_stack([np.interp(angles, stops, [shade[k] for shade in shades]) for k in range(3)])


def paint_masks(anatomy: Anatomy) -> dict[str, np.ndarray]:
    """Return soft masks `[V]`, 0 to 1, of what has a colour of its own."""
    count, skin = len(anatomy.vertices), anatomy.skin
    face = np.arange(skin.face)
    points = anatomy.vertices[: skin.face]
    mask = {
        name: np.zeros(count)
        for name in ("skin", "lips", "brows", "iris", "teeth", "ears", "lashes", "waterline", "scalp")
    }
    mask["skin"][anatomy.spans["skin"]] = 1
    for ear in ("ear.L", "ear.R"):
        mask["ears"][anatomy.spans[ear]] = mask["skin"][anatomy.spans[ear]] = 1
    mask["lips"][face] = smoothstep(0.5 - lip_distance(points) / (1.8 * MILLIMETRE))
    mask["skin"] -= np.minimum(mask["skin"], mask["lips"])
    mask["brows"][face] = np.maximum(brow(points, LEFT_BROW), brow(points, RIGHT_BROW))
    for name, loop, eye in zip(("pocket.L", "pocket.R"), anatomy.pocket_loops, anatomy.eyes, strict=True):
        mask["waterline"][anatomy.spans[name]] = 1
        along = np.minimum(1, 6 * np.sin(np.pi * np.linspace(0, 1, len(eye.upper))))
        mask["lashes"][eye.upper] = along
        mask["lashes"][eye.lower] = np.maximum(mask["lashes"][eye.lower], 0.25 * along)
        edge = np.arange(anatomy.spans[name].start, anatomy.spans[name].start + len(loop))
        mask["lashes"][edge] = 0.5 * mask["lashes"][loop]
        mask["waterline"][edge] = 1 - mask["lashes"][edge]
    for name in ("eye.L", "eye.R"):
        angles = eyes.polar_angles()
        mask["iris"][anatomy.spans[name]] = smoothstep((angles - 8) / 3) * smoothstep((26 - angles) / 3)
    for name, row in zip(("teeth.upper", "teeth.lower"), anatomy.teeth, strict=True):
        mask["teeth"][anatomy.spans[name]] = 1 - row.gum
    blobs = {
        "cheeks": ((280, 50, 425, 205, 330, 101), 17),
        "nose": ((1, 4, 279, 49), 9),
        "eyebags": ((450, 230, 451, 231, 449, 229), 6),
        "lids": ((386, 159, 385, 158, 387, 160), 5),
        "nostrils": ((), 1),
    }
    for name, (centres, reach) in blobs.items():
        mask[name] = blob(anatomy, centres, reach * MILLIMETRE)
    mask["nostrils"] = nostrils(anatomy)
    line = np.zeros(count)
    line[anatomy.lip_loop] = 1
    mask["lip_line"] = line
    mask["stubble"] = stubble(anatomy) * (1 - mask["lips"])
    whole = anatomy.vertices[anatomy.spans["skin"]]
    above = -(whole[:, 1] + 62 * MILLIMETRE) / (30 * MILLIMETRE) + (whole[:, 2] + 45 * MILLIMETRE) / (38 * MILLIMETRE)
    nape = smoothstep((50 * MILLIMETRE - whole[:, 1]) / (20 * MILLIMETRE))
    mask["scalp"][anatomy.spans["skin"]] = (
        smoothstep(above - 0.2)
        * nape
        * smoothstep(np.where(whole[:, 1] > -45 * MILLIMETRE, (whole[:, 2] - 20 * MILLIMETRE) / (25 * MILLIMETRE), 1))
    )
    return mask


def blob(anatomy: Anatomy, centres: tuple[int, ...], reach: float) -> np.ndarray:
    """1 at landmarks `centres`, falling off over `reach` metres; on the skin only."""
    mask = np.zeros(len(anatomy.vertices))
    if centres:
        skin = anatomy.vertices[anatomy.spans["skin"]]
        distance = np.linalg.norm(skin[:, None] - anatomy.vertices[list(centres)], axis=-1).min(1)
        mask[anatomy.spans["skin"]] = np.exp(-((distance / reach) ** 2))
    return mask


def nostrils(anatomy: Anatomy) -> np.ndarray:
    """Dark spots where the openings of the nose are."""
    mask = np.zeros(len(anatomy.vertices))
    skin = anatomy.vertices[: anatomy.skin.face]
    for group in ((462, 250, 458, 461, 370), (242, 20, 238, 241, 141)):
        centre = anatomy.vertices[list(group)].mean(0)
        offset = (skin - centre) / (np.array([3.4, 3.0, 4.2]) * MILLIMETRE)
        mask[: len(skin)] = np.maximum(mask[: len(skin)], np.exp(-((offset**2).sum(1) ** 1.5)))
    return mask


def stubble(anatomy: Anatomy) -> np.ndarray:
    """Where a beard grows: jaw, chin and upper lip."""
    mask = np.zeros(len(anatomy.vertices))
    skin = anatomy.vertices[anatomy.spans["skin"]]
    line = np.interp(
        np.abs(skin[:, 0]),
        np.array([0, 12, 26, 45, 62, 75]) * MILLIMETRE,
        np.array([24, 24, 34, 30, 12, -10]) * MILLIMETRE,
    )
    below = smoothstep((skin[:, 1] - line) / (9 * MILLIMETRE))
    front = smoothstep((8 * MILLIMETRE - skin[:, 2]) / (22 * MILLIMETRE))
    throat = smoothstep((108 * MILLIMETRE - skin[:, 1]) / (18 * MILLIMETRE))
    mask[anatomy.spans["skin"]] = below * front * throat
    return mask


def lip_distance(points: np.ndarray) -> np.ndarray:
    """Return `[N]`: distance in the frontal view from the outline of the lips, negative inside."""
    outline = [*OUTER_LIP_UPPER, *OUTER_LIP_LOWER[-2:0:-1]]
    near = np.abs(points - points[outline].mean(0))
    distance = signed_distance(points[:, :2], points[outline][:, :2])
    distance[(near > np.array([45, 30, 30]) * MILLIMETRE).any(1)] = 1
    return distance


def brow(points: np.ndarray, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Return `[N]`, 0 to 1: how much brow there is around the line midway between the landmarks' pairs."""
    line = points[np.array(pairs)].mean(1)
    line[:, 1] += 0.8 * MILLIMETRE
    distance, along = distance_to_line(points, line)
    thick = np.interp(along, [0, 0.15, 0.5, 1], [3.4, 4.2, 3.6, 1.8]) * MILLIMETRE
    return smoothstep(1.35 - distance / thick) * np.interp(along, [0, 0.08, 0.85, 1], [0.55, 1, 1, 0.5])


def distance_to_line(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distances `[N]` of `points [N, D]` to a polyline and where along it (0 to 1) the nearest place is."""
    best, where = np.full(len(points), np.inf), np.zeros(len(points))
    for k, (a, b) in enumerate(pairwise(line)):
        t = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        distance = np.linalg.norm(points - a - t[:, None] * (b - a), axis=1)
        nearer = distance < best
        best[nearer], where[nearer] = distance[nearer], ((k + t) / (len(line) - 1))[nearer]
    return best, where


def signed_distance(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Return distances `[N]` of `points [N, 2]` to a closed `outline [M, 2]`, negative inside."""
    distance, _ = distance_to_line(points, np.concatenate([outline, outline[:1]]))
    inside = np.zeros(len(points), bool)
    for a, b in zip(outline, np.roll(outline, -1, 0), strict=True):
        crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        rise = b[1] - a[1] if b[1] != a[1] else 1.0
        inside ^= crosses & (points[:, 0] < a[0] + (points[:, 1] - a[1]) / rise * (b[0] - a[0]))
    return np.where(inside, -distance, distance)
