# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills the place of a removed person from the background around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Booleans, Floats, Image

GRAIN_SIGMA = 1.0
"""Pixels of blur that split grain from picture when its strength is measured."""

MIXED = (0.7, 0.99)
"""Mattes between which a pixel's colour is believed ever more to be the person's."""


def fill_behind(image: Image, matte: Floats, margin: float = 0.03) -> Image:
    """Return the picture `[H, W, 3]` with the person of `matte [H, W]` (0 to 1) removed.

    The hole is filled at all scales from coarse to fine by what surrounds it (push and pull: Gortler et al. 1996), and
    gets the grain of the rest. `margin` times the longer side is cut off around the person: there the picture holds
    some of the person's colours.
    """
    radius = max(1, round(margin * max(matte.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    person = cv2.dilate((matte > 0.04).astype(np.float32), kernel)
    return filled(image, person == 0, radius)


def filled(image: Image, known: Booleans, radius: int) -> Image:
    """Return the picture `[H, W, 3]` with what is not `known [H, W]` filled by what surrounds it, as in `fill_behind`.

    What is known passes into what is filled over `radius` pixels. Nothing changes where nothing is known.
    """
    if known.all() or not known.any():
        return image
    sure = 1 - cv2.blur((~known).astype(np.float32), (radius, radius))
    sure = np.where(known, sure, 0).astype(np.float32)
    missing = 1 - sure[..., None]
    around = push_pull(image.astype(np.float32), sure) + grain_like(image, sure)[..., None]
    whole: Image = np.clip(image * (1 - missing) + around * missing + 0.5, 0, 255).astype(np.uint8)
    return whole


def unmixed(image: Image, matte: Floats, behind: Image) -> Image:
    """Return the person's own colours `[H, W, 3]` of a picture, where its edges are mixed with what is behind.

    Where the person covers too little of a pixel, and everywhere outside, the colours beside it go on.

    Args:
        image: `[H, W, 3]`; matte: `[H, W]`, 0 to 1.
        behind: `[H, W, 3]`, the background alone.
    """
    share = np.maximum(matte, MIXED[0])[..., None]
    own = np.clip((image - (1 - share) * behind) / share, 0, 255).astype(np.float32)
    known = np.clip((cv2.erode(matte, np.ones((3, 3))) - MIXED[0]) / (MIXED[1] - MIXED[0]), 0, 1).astype(np.float32)
    person: Image = np.clip(push_pull(own, known) + 0.5, 0, 255).astype(np.uint8)
    return person


def push_pull(image: Floats, known: Floats) -> Floats:
    """Return `image [H, W, 3]` where `known [H, W]` is 1, and a smooth continuation where it is 0."""
    height, width = known.shape
    if min(height, width) < 2 or known.min() >= 1:
        return image
    half = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
    weight = cv2.GaussianBlur(known, (5, 5), 1.0)
    colours = cv2.GaussianBlur(image * known[..., None], (5, 5), 1.0)
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    small_colours = cv2.resize(colours, half, interpolation=cv2.INTER_AREA)
    coarse = push_pull(
        small_colours / np.maximum(small_weight, 1e-6)[..., None], np.minimum(1, 2 * small_weight).astype(np.float32)
    )
    behind = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    filled: Floats = image * known[..., None] + behind * (1 - known[..., None])
    return filled


def grain_like(image: Image, known: Floats) -> Floats:
    """Return grey noise `[H, W]` as strong as the grain of the known part; the same for the same picture."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = grey - cv2.GaussianBlur(grey, (0, 0), GRAIN_SIGMA)
    plain = np.abs(detail[known > 0.99])
    strength = 1.48 * float(np.median(plain)) if plain.size else 0.0
    noise = np.random.default_rng(0).standard_normal(known.shape).astype(np.float32)
    return strength * noise
