# SPDX-License-Identifier: GPL-3.0-or-later
"""The hair of a portrait: where it is, and what it would look like where face, ears and neck are.

A head that turns shows hair that the photo hides: behind the ears, at the back. What is seen there continues the hair
of the photo, mirrored at its edge, so that it keeps its strands and its colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..plates.inpainting import push_pull

if TYPE_CHECKING:
    from ..heads.arrays import Booleans, Floats, Image

SURE = 0.98
"""Matte from which a pixel holds nothing of the background."""

LEAST = 0.02
"""Share of the face's area that hair has, else the head counts as bald."""

FACE_GROWN = 1.06
"""By how much the face's outline is grown where hair is looked for without doubt."""

GUESSED = 7.0
"""Deviation, in steps of CIE Lab, of the background behind a person from what it is guessed to be."""

SURELY = 2.0
"""By how many squared deviations background must look more like background than like the person."""

EYES, CHIN = (33, 263), 152
"""MediaPipe landmarks: the outer corners of the eyes, and the chin."""

UNDER_NOSE, UNDER_LIP = 2, 17
"""MediaPipe landmarks between whose heights hair ends at the nape."""

SHADED = 0.85
"""Brightness of the neck's back against that of its sides."""

MIRRORED = (1.0, 0.5, 0.25, 0.1)
"""How far within the hair's edge a place shows what lies as far beyond it; the first that is hair counts."""

NEAREST = 5
"""Size of the mask with which OpenCV measures distances."""


@dataclass(frozen=True)
class Parts:
    """What a portrait shows where.

    Attributes:
        hair: `[S, S]`: hair, or, of a bald head, its skin above the eyes.
        gaps: `[S, S]`: what the matte takes for the person, but is background seen between hair and cheek.
    """

    hair: Booleans
    gaps: Booleans


def parts_of(window: Image, background: Image, matte: Floats, marks: Floats) -> Parts:
    """Tell hair, skin and background apart by their colours.

    Args:
        window: `[S, S, 3]`; background: `[S, S, 3]`, the same without the person.
        matte: `[S, S]`, 0 to 1.
        marks: `[478, 2]` landmarks in the window.
    """
    outline = cv2.convexHull(marks.astype(np.float32))[:, 0]
    larger = outline.mean(0) + FACE_GROWN * (outline - outline.mean(0))
    face, about_face = filled(outline, len(matte)), filled(larger, len(matte))
    rows = np.arange(len(matte))[:, None]
    eyes = marks[list(EYES), 1].mean()
    person = matte > SURE
    surely = person & ~about_face & (rows < eyes)
    if surely.sum() < LEAST * face.sum():
        return Parts(person & (rows < eyes), np.zeros_like(person))
    colours = cv2.cvtColor(window, cv2.COLOR_RGB2LAB).astype(np.float32)
    to_hair, to_skin = likeness(colours, surely), likeness(colours, face & (rows > eyes) & person)
    away = colours - cv2.cvtColor(background, cv2.COLOR_RGB2LAB)
    to_background = (away**2).sum(-1) / GUESSED**2 + np.float32(6 * np.log(GUESSED))
    doubtful = person & ~face & (rows < marks[CHIN, 1])
    hair = (surely | doubtful) & (to_hair < np.minimum(to_skin, to_background))
    possible = (matte > 0.5) & ~face & (rows < marks[CHIN, 1])
    gaps = possible & (to_background + SURELY < np.minimum(to_skin, to_hair))
    return Parts(cv2.erode(hair.astype(np.uint8), np.ones((5, 5))) > 0, opened(gaps))


def opened(mask: Booleans) -> Booleans:
    """Return a mask `[S, S]` without its specks."""
    whole: Booleans = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return whole


def likeness(colours: Floats, sample: Booleans) -> Floats:
    """Return `[S, S]`: how far `colours [S, S, 3]` are from those of a sample, in its deviations."""
    known = colours[sample]
    spread = np.cov(known.T) + 9 * np.eye(3)
    away = colours - np.median(known, 0).astype(np.float32)
    whitened = away @ np.linalg.cholesky(np.linalg.inv(spread)).astype(np.float32)
    distance: Floats = (whitened**2).sum(-1) + np.float32(np.log(np.linalg.det(spread)))
    return distance


def back_of_head(person: Image, hair: Booleans, marks: Floats) -> Image:
    """Return `[S, S, 3]`: what the back of a head shows: its hair, and below, towards the neck, what the photo has.

    Args:
        person: `[S, S, 3]` the window, the person's colours only.
        hair: `[S, S]`; marks: `[478, 2]` landmarks in the window.
    """
    rows = np.arange(len(person), dtype=np.float32)[:, None, None]
    nose, lip = (float(marks[mark, 1]) for mark in (UNDER_NOSE, UNDER_LIP))
    skin = np.clip((rows - nose) / (lip - nose), 0, 1)
    everywhere = hair_everywhere(person, hair).astype(np.float32)
    back: Image = np.clip(everywhere + skin * (SHADED * person - everywhere) + 0.5, 0, 255).astype(np.uint8)
    return back


def hair_everywhere(window: Image, hair: Booleans) -> Image:
    """Return `[S, S, 3]`: the hair of a window, continued over all that is none.

    What lies beyond the hair's edge is its mirror image, narrowed where the hair is narrow.
    """
    if not hair.any():
        return window
    size = len(hair)
    _, labels = cv2.distanceTransformWithLabels(
        (~hair).astype(np.uint8), cv2.DIST_L2, NEAREST, labelType=cv2.DIST_LABEL_PIXEL
    )
    where = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).astype(np.float32)
    nearest = np.zeros((labels.max() + 1, 2), np.float32)
    nearest[labels[hair]] = where[hair]
    edge = nearest[labels]
    shown, known = window.astype(np.float32), hair.copy()
    for depth in MIRRORED:
        mirrored = edge + depth * (edge - where)
        lands = ~known & (cv2.remap(hair.astype(np.uint8), mirrored[..., 0], mirrored[..., 1], cv2.INTER_NEAREST) > 0)
        shown[lands] = cv2.remap(window, mirrored[..., 0], mirrored[..., 1], cv2.INTER_LINEAR)[lands]
        known |= lands
    continued: Image = np.clip(push_pull(shown, known.astype(np.float32)), 0, 255).astype(np.uint8)
    return continued


def filled(outline: Floats, size: int) -> Booleans:
    """Return `[size, size]`: the pixels within `outline [N, 2]`, which is convex."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), 1)
    return mask > 0
