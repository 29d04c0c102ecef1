# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait's person alone: its colours freed of the background that the portrait lies over, and a firm alpha. NumPy.

A portrait shows its person over its own background, also where a soft edge mixes both. Laid over anything else as it
is, it would bring a rim of the old background along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Blur = Callable[[Floats, int], Floats]

REACHES = (1 / 16, 1 / 64)
"""Of the picture's side: how far around a pixel both colours are looked for, roughly and then finely."""
SURENESS = 4
"""The power of alpha by which colours count: those of mixed pixels hardly do."""
LITTLE = 1e-6
NOTHING, EVERYTHING = 0.03, 0.97
"""Alpha up to which a pixel is all background, and from which it is all the person's."""
FIRM = 2
"""Pixels from the outline inwards after which a person is solid."""
SOFT = 1.5
"""How steeply alpha is raised there."""


def person_alone(rgba: NDArray[np.uint8], blur: Blur | None = None) -> NDArray[np.uint8]:
    """Return `[H, W, 4]`, straight alpha, to be laid over anything, of a portrait `rgba [H, W, 4]` over its background.

    Colours are estimated by blurring what is surely either (Forte, "Approximate Fast Foreground Colour Estimation",
    2021), at two scales; the person's go on where alpha is 0. `blur` does what `blurred` does, for who has a quicker
    one.
    """
    picture = rgba[..., :3].astype(np.float32) / 255
    alpha = rgba[..., 3:].astype(np.float32) / 255
    plain = np.clip((alpha - NOTHING) / (EVERYTHING - NOTHING), 0, 1)
    alone = np.concatenate([foreground(picture, alpha, blur), firm(plain)], -1)
    return (alone * 255 + 0.5).astype(np.uint8)


def over(front: NDArray[np.uint8], behind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `[H, W, 3]`: a picture with straight alpha, `[H, W, 4]`, over another one, `[H, W, 3]`."""
    alpha = front[..., 3:].astype(np.float32) / 255
    return (front[..., :3] * alpha + behind * (1 - alpha) + 0.5).astype(np.uint8)


def foreground(picture: Floats, alpha: Floats, blur: Blur | None = None) -> Floats:
    """Return the person's colours `[H, W, 3]`, 0 to 1, of a picture `[H, W, 3]` with `alpha [H, W, 1]`."""
    blur = blur or blurred
    surely, surely_behind = alpha**SURENESS, (1 - alpha) ** SURENESS
    person, behind = picture, picture
    for reach in REACHES:
        radius = max(1, round(reach * len(picture)))
        person = blur(person * surely, radius) / (blur(surely, radius) + LITTLE)
        behind = blur(behind * surely_behind, radius) / (blur(surely_behind, radius) + LITTLE)
        person = np.clip(person + alpha * (picture - alpha * person - (1 - alpha) * behind), 0, 1)
    return person


def blurred(values: Floats, radius: int) -> Floats:
    """Return the means of `values [H, W, C]` over squares of `2 radius + 1` pixels; outside is nothing."""
    for axis in (0, 1):
        padding = [(0, 0)] * 3
        padding[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(values, padding), axis, dtype=np.float64)
        length = values.shape[axis]
        window = sums.take(range(2 * radius + 1, length + 2 * radius + 1), axis) - sums.take(range(length), axis)
        values = (window / (2 * radius + 1)).astype(np.float32)
    return values


def firm(alpha: Floats) -> Floats:
    """Return `alpha [H, W, 1]` raised to 1 well inside the outline, where it is a half: `FIRM` pixels and more."""
    inside = alpha >= 0.5
    for _ in range(FIRM):
        inside = eroded(inside)
    return np.maximum(alpha, np.minimum(1, SOFT * blurred(inside.astype(np.float32), 1)))


def eroded(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `[H, W, 1]`: where a pixel and its four neighbours are `inside [H, W, 1]`; outside the picture all are."""
    padded = np.pad(inside, ((1, 1), (1, 1), (0, 0)), constant_values=True)
    middle = padded[1:-1, 1:-1]
    across = padded[1:-1, :-2] & padded[1:-1, 2:]
    result: NDArray[np.bool_] = middle & across & padded[:-2, 1:-1] & padded[2:, 1:-1]
    return result
