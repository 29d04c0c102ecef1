# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait's person alone: its colours freed of the background that the portrait lies over, and a firm alpha. NumPy.

A portrait shows its person over its own background, also where a soft edge mixes both. Laid over anything else as it
is, it would bring a rim of the old background along.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

REACHES = (1 / 16, 1 / 64)
"""Of the picture's side: how far around a pixel both colours are looked for, roughly and then finely."""
ESTIMATED_AT = 64
"""Pixels of the picture's height at which this is done, up to twice as many: both colours are smooth."""
LITTLE = 1e-6
NOTHING, EVERYTHING = 0.12, 0.88
"""Alpha up to which a pixel is all background, and from which it is all the person's, as of mattes."""
WHOLLY = 250
"""Of 255: a matte from which a pixel shows nothing but the person."""
FIRM = 2
"""Pixels from the outline inwards after which a person is solid."""
SOFT = 1.5
"""How steeply alpha is raised there."""
BAND, BEYOND = 64, 4
"""Rows that are worked on at once, and how many more above and below count for them."""
CUT = 0.1
"""What a mean over neighbours has too much of on the outline's one side, and too little on its other."""


def person_alone(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `[H, W, 4]`, straight alpha, to be laid over anything, of a portrait `rgba [H, W, 4]` over its background.

    Colours are estimated by blurring what is surely either (Forte, "Approximate Fast Foreground Colour Estimation",
    2021), at two scales; the person's go on where alpha is 0.
    """
    steps = person_alone_in_steps(rgba)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        alone: NDArray[np.uint8] = end.value
        return alone


def person_alone_in_steps(rgba: NDArray[np.uint8]) -> Generator[None, None, NDArray[np.uint8]]:
    """Do what `person_alone` does in short steps, for those who must not be kept waiting."""
    planes = planes_of(rgba)
    coarse = coarseness(rgba.shape)
    band = -(-BAND // coarse) * coarse
    small = pooled(planes, coarse) / np.float32(255)
    yield
    person, behind = estimates(small[:3], small[3])
    yield
    alone = np.empty_like(rgba)
    for top in range(0, len(rgba), band):
        rows, around = slice(top, top + band), slice(max(0, top - BEYOND), top + band + BEYOND)
        *picture, alpha = planes[:, rows].astype(np.float32) / np.float32(255)
        estimated = slice(top // coarse, -(-(top + band) // coarse))
        nearby = (enlarged(each[:, estimated], coarse, alpha.shape) for each in (person, behind))
        for channel, colours in enumerate(zip(picture, *nearby, strict=True)):
            alone[rows, :, channel] = freed(colours[0], alpha, *colours[1:]) * 255 + np.float32(0.5)
        plain = np.clip((planes[3, around] / np.float32(255) - NOTHING) / (EVERYTHING - NOTHING), 0, 1)
        inside = slice(rows.start - around.start, rows.start - around.start + len(alpha))
        alone[rows, :, 3] = smooth(firm(plain))[inside] * 255 + np.float32(0.5)
        yield
    return alone


def over(front: NDArray[np.uint8], behind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `[H, W, 3]`: a picture with straight alpha, `[H, W, 4]`, over another one, `[H, W, 3]`."""
    alpha = front[..., 3:].astype(np.float32) / 255
    return (front[..., :3] * alpha + behind * (1 - alpha) + 0.5).astype(np.uint8)


def own_colours(picture: NDArray[np.uint8], person: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture `[H, W, 3]` with the colours of the person alone where it mixes them with what is behind.

    `person [H, W]`, 0 to 255, is how far each pixel is theirs. A person is shown before other backgrounds than the one
    they were filmed before, of which they would carry a rim along.
    """
    alone = foreground(picture.astype(np.float32) / 255, person[..., None].astype(np.float32) / 255)
    mixed = (person > 0) & (person < WHOLLY)
    return np.where(mixed[..., None], alone * 255 + 0.5, picture).astype(np.uint8)


def foreground(picture: Floats, alpha: Floats) -> Floats:
    """Return the person's colours `[H, W, 3]`, 0 to 1, of a picture `[H, W, 3]` with `alpha [H, W, 1]`."""
    planes, share = picture.transpose(2, 0, 1), alpha[..., 0]
    coarse = coarseness(picture.shape)
    found = estimates(pooled(planes, coarse), pooled(alpha.transpose(2, 0, 1), coarse)[0])
    colours = freed(planes, share, *(enlarged(each, coarse, share.shape) for each in found))
    return np.ascontiguousarray(colours.transpose(1, 2, 0))


def coarseness(shape: tuple[int, ...]) -> int:
    """Return how many pixels, along each side, of a picture `[H, W, ...]` share an estimate."""
    return max(1, shape[0] // ESTIMATED_AT)


def planes_of(picture: NDArray[Any]) -> NDArray[Any]:
    """Return `[C, H, W]` of `[H, W, C]`: NumPy multiplies whole rows by an alpha far quicker than single pixels."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


def freed(picture: Floats, alpha: Floats, person: Floats, behind: Floats) -> Floats:
    """Return the person's colours `[..., H, W]` where a picture mixes them with the background by `alpha [H, W]`; both
    are estimated, `[..., H, W]`.
    """
    missed = picture - alpha * person - (1 - alpha) * behind
    colours: Floats = np.clip(person + sureness(alpha) * missed, 0, 1)
    return colours


def sureness(share: Floats) -> Floats:
    """Return how much pixels with such a share of a colour count: mixed ones hardly do."""
    counts: Floats = np.square(np.square(share))
    return counts


def estimates(picture: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Return the colours `[3, H, W]` of the person and of the background about each pixel of a picture `[3, H, W]` with
    `alpha [H, W]`.
    """
    surely, surely_behind = sureness(alpha), sureness(1 - alpha)
    person, behind, corrected = picture, picture, picture
    for reach in REACHES:
        radius = max(1, round(reach * len(alpha)))
        weighted = (corrected * surely, surely[None], behind * surely_behind, surely_behind[None])
        means = blurred(np.concatenate(weighted), radius)
        person, behind = means[:3] / (means[3] + LITTLE), means[4:7] / (means[7] + LITTLE)
        corrected = freed(picture, alpha, person, behind)
    return person, behind


def pooled(planes: NDArray[Any], by: int) -> Floats:
    """Return the means of `planes [C, H, W]` over squares of `by` pixels, `[C, H / by, W / by]`, rounded up: at the
    lower and the right edge the last pixels count for what is missing.
    """
    _, height, width = planes.shape
    if height % by or width % by:
        planes = np.pad(planes, ((0, 0), (0, -height % by), (0, -width % by)), mode="edge")
    kind = np.uint32 if planes.dtype == np.uint8 else np.float32
    rows = np.add.reduce([planes[:, first::by] for first in range(by)], dtype=kind)
    sums = np.add.reduce([rows[:, :, first::by] for first in range(by)])
    means: Floats = sums.astype(np.float32) / np.float32(by * by)
    return means


def enlarged(planes: Floats, by: int, shape: tuple[int, ...]) -> Floats:
    """Return `planes [C, H, W]` with each pixel `by` times as wide and high, as far as a picture of `shape` reaches."""
    return planes.repeat(by, 1)[:, : shape[0]].repeat(by, 2)[..., : shape[1]]


def blurred(planes: Floats, radius: int) -> Floats:
    """Return the means of small `planes [C, H, W]` over squares of `2 radius + 1` pixels; outside is nothing.

    By a multiplication along each side, which is the quickest up to some 256 pixels.
    """
    _, height, width = planes.shape
    means: Floats = box(height, radius) @ planes @ box(width, radius)
    return means


@cache
def box(size: int, radius: int) -> Floats:
    """Return `[size, size]`, which takes the means of `blurred` along one side."""
    near = np.abs(np.arange(size)[:, None] - np.arange(size)) <= radius
    return near.astype(np.float32) / np.float32(2 * radius + 1)


def of_nine(values: Floats) -> Floats:
    """Return the means of `values [H, W]` over each pixel and its eight neighbours; outside is nothing."""
    padded = np.pad(values, 1)
    threes = padded[:-2] + padded[1:-1] + padded[2:]
    means: Floats = (threes[:, :-2] + threes[:, 1:-1] + threes[:, 2:]) / np.float32(9)
    return means


def firm(alpha: Floats) -> Floats:
    """Return `alpha [H, W]` raised to 1 well inside the outline, where it is a half: `FIRM` pixels and more."""
    inside = alpha >= 0.5
    for _ in range(FIRM):
        inside = eroded(inside)
    return np.maximum(alpha, np.minimum(1, SOFT * of_nine(inside.astype(np.float32))))


def smooth(alpha: Floats) -> Floats:
    """Return `alpha [H, W]` without the steps of a hard outline, which show when the picture is enlarged."""
    mean = of_nine(alpha) / of_nine(np.ones_like(alpha))
    return np.clip((mean - CUT) / (1 - 2 * CUT), 0, 1)


def eroded(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `[H, W]`: where a pixel and its four neighbours are `inside [H, W]`; outside the picture all are."""
    padded = np.pad(inside, 1, constant_values=True)
    middle = padded[1:-1, 1:-1]
    across = padded[1:-1, :-2] & padded[1:-1, 2:]
    result: NDArray[np.bool_] = middle & across & padded[:-2, 1:-1] & padded[2:, 1:-1]
    return result
