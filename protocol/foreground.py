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
ESTIMATED_AT = 128
"""Pixels of the picture's side at which this is done, and more of a finer picture: both colours are smooth."""
LITTLE = 1e-6
NOTHING, EVERYTHING = 0.12, 0.88
"""Alpha up to which a pixel is all background, and from which it is all the person's, as of mattes."""
FIRM = 2
"""Pixels from the outline inwards after which a person is solid."""
SOFT = 1.5
"""How steeply alpha is raised there."""
CUT = 0.1
"""What a mean over neighbours has too much of on the outline's one side, and too little on its other."""


def person_alone(rgba: NDArray[np.uint8], blur: Blur | None = None) -> NDArray[np.uint8]:
    """Return `[H, W, 4]`, straight alpha, to be laid over anything, of a portrait `rgba [H, W, 4]` over its background.

    `blur` does what `blurred` does, where there is something quicker.

    Colours are estimated by blurring what is surely either (Forte, "Approximate Fast Foreground Colour Estimation",
    2021), at two scales; the person's go on where alpha is 0.
    """
    picture = rgba[..., :3].astype(np.float32) / 255
    alpha = rgba[..., 3:].astype(np.float32) / 255
    plain = np.clip((alpha - NOTHING) / (EVERYTHING - NOTHING), 0, 1)
    blur = blur or blurred
    alone = np.empty(rgba.shape, np.uint8)
    alone[..., :3] = foreground(picture, alpha, blur) * 255 + 0.5
    alone[..., 3:] = smooth(firm(plain, blur), blur) * 255 + 0.5
    return alone


def over(front: NDArray[np.uint8], behind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `[H, W, 3]`: a picture with straight alpha, `[H, W, 4]`, over another one, `[H, W, 3]`."""
    alpha = for_each_colour(front[..., 3:].astype(np.float32) / 255)
    return (front[..., :3] * alpha + behind * (1 - alpha) + 0.5).astype(np.uint8)


def foreground(picture: Floats, alpha: Floats, blur: Blur | None = None) -> Floats:
    """Return the person's colours `[H, W, 3]`, 0 to 1, of a picture `[H, W, 3]` with `alpha [H, W, 1]`."""
    coarse = max(1, len(picture) // ESTIMATED_AT)
    if len(picture) % coarse or picture.shape[1] % coarse:
        coarse = 1
    small = estimates(pooled(picture, coarse), pooled(alpha, coarse), blur or blurred)
    person, behind = (enlarged(each, coarse) for each in small)
    return corrected(picture, for_each_colour(alpha), person, behind)


def estimates(picture: Floats, alpha: Floats, blur: Blur) -> tuple[Floats, Floats]:
    """Return the colours `[H, W, 3]` of the person and of the background about each pixel; arguments as above."""
    alpha = for_each_colour(alpha)
    surely, surely_behind = sureness(alpha), sureness(1 - alpha)
    person, behind, found = picture, picture, picture
    for reach in REACHES:
        radius = max(1, round(reach * len(picture)))
        person = blur(found * surely, radius) / (blur(surely, radius) + LITTLE)
        behind = blur(behind * surely_behind, radius) / (blur(surely_behind, radius) + LITTLE)
        found = corrected(picture, alpha, person, behind)
    return person, behind


def corrected(picture: Floats, alpha: Floats, person: Floats, behind: Floats) -> Floats:
    """Return the person's colours where both colours were estimated; all are `[H, W, 3]`."""
    missing = picture - alpha * person - (1 - alpha) * behind
    colours: Floats = np.clip(person + sureness(alpha) * missing, 0, 1)
    return colours


def sureness(alpha: Floats) -> Floats:
    """Return how much colours count, 0 to 1: those of mixed pixels hardly do, nor what they miss of the estimates."""
    squared = alpha * alpha
    return squared * squared  # NumPy takes ten times as long for a power


def for_each_colour(alpha: Floats) -> Floats:
    """Return `alpha [H, W, 1]` as `[H, W, 3]`: NumPy is much quicker with arrays of one shape."""
    return np.ascontiguousarray(np.broadcast_to(alpha, (*alpha.shape[:2], 3)))


def pooled(values: Floats, by: int) -> Floats:
    """Return the means of `values [H, W, C]` over squares of `by` pixels: `[H / by, W / by, C]`."""
    if by == 1:
        return values
    parts = [values[down::by, right::by] for down in range(by) for right in range(by)]
    means: Floats = sum(parts[1:], start=parts[0]) / np.float32(by**2)
    return means


def enlarged(values: Floats, by: int) -> Floats:
    """Return `values [H, W, C]` with each pixel `by` times as wide and high."""
    if by == 1:
        return values
    height, width, channels = values.shape
    large = np.empty((height, by, width, by, channels), values.dtype)
    large[:] = values[:, None, :, None]
    return large.reshape(height * by, width * by, channels)


def blurred(values: Floats, radius: int) -> Floats:
    """Return the means of `values [H, W, C]` over squares of `2 radius + 1` pixels; outside is nothing."""
    width = 2 * radius + 1
    sums = np.cumsum(np.pad(values, ((radius + 1, radius), (0, 0), (0, 0))), 0, dtype=np.float64)
    rows = np.pad(sums[width:] - sums[:-width], ((0, 0), (radius + 1, radius), (0, 0)))
    sums = np.cumsum(rows, 1, out=rows)
    return ((sums[:, width:] - sums[:, :-width]) / width**2).astype(np.float32)


def firm(alpha: Floats, blur: Blur) -> Floats:
    """Return `alpha [H, W, 1]` raised to 1 well inside the outline, where it is a half: `FIRM` pixels and more."""
    inside = alpha >= 0.5
    for _ in range(FIRM):
        inside = eroded(inside)
    return np.maximum(alpha, np.minimum(1, SOFT * blur(inside.astype(np.float32), 1)))


def smooth(alpha: Floats, blur: Blur) -> Floats:
    """Return `alpha [H, W, 1]` without the steps of a hard outline, which show when the picture is enlarged."""
    mean = blur(alpha, 1) / blur(np.ones_like(alpha), 1)
    return np.clip((mean - CUT) / (1 - 2 * CUT), 0, 1)


def eroded(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `[H, W, 1]`: where a pixel and its four neighbours are `inside [H, W, 1]`; outside the picture all are."""
    padded = np.pad(inside, ((1, 1), (1, 1), (0, 0)), constant_values=True)
    middle = padded[1:-1, 1:-1]
    across = padded[1:-1, :-2] & padded[1:-1, 2:]
    result: NDArray[np.bool_] = middle & across & padded[:-2, 1:-1] & padded[2:, 1:-1]
    return result
