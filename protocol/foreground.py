# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait's person alone: its colours freed of the background that the portrait lies over, and a firm alpha. NumPy.

A portrait shows its person over its own background, also where a soft edge mixes both. Laid over anything else as it
is, it would bring a rim of the old background along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

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
BAND, BEYOND = 1 << 16, 4
"""Pixels that are worked on at once, and how many rows more above and below count for them."""
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
    coarse = coarseness(rgba.shape)
    band = max(1, BAND // (rgba.shape[1] * coarse)) * coarse
    small = pooled(rgba, coarse) / np.float32(255)
    yield
    person, behind = estimates(small[:3], small[3])
    yield
    alone = np.empty_like(rgba)
    for top in range(0, len(rgba), band):
        rows, around = slice(top, top + band), slice(max(0, top - BEYOND), top + band + BEYOND)
        picture = planes(rgba[rows]) / np.float32(255)
        estimated = slice(top // coarse, (top + band) // coarse)
        nearby = enlarged(person[:, estimated], coarse), enlarged(behind[:, estimated], coarse)
        for channel, plane in enumerate(freed(picture[:3], picture[3], *nearby) * np.float32(255) + np.float32(0.5)):
            alone[rows, :, channel] = plane
        plain = (rgba[around, :, 3] / np.float32(255) - NOTHING) / (EVERYTHING - NOTHING)
        inside = slice(rows.start - around.start, rows.start - around.start + picture.shape[1])
        alone[rows, :, 3] = smooth(firm(np.clip(plain, 0, 1)))[inside] * 255 + np.float32(0.5)
        yield
    return alone


def over(front: NDArray[np.uint8], behind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `[H, W, 3]`: a picture with straight alpha, `[H, W, 4]`, over another one, `[H, W, 3]`."""
    alpha = front[..., 3:].astype(np.float32) / 255
    return (front[..., :3] * alpha + behind * (1 - alpha) + 0.5).astype(np.uint8)


def foreground(picture: Floats, alpha: Floats) -> Floats:
    """Return the person's colours `[H, W, 3]`, 0 to 1, of a picture `[H, W, 3]` with `alpha [H, W, 1]`."""
    coarse = coarseness(picture.shape)
    small = pooled(np.concatenate([picture, alpha], -1), coarse)
    person, behind = (enlarged(each, coarse) for each in estimates(small[:3], small[3]))
    return freed(planes(picture), alpha[..., 0], person, behind).transpose(1, 2, 0)


def coarseness(shape: tuple[int, ...]) -> int:
    """Return how many pixels, along each side, of a picture `[H, W, ...]` share an estimate."""
    coarse = max(1, shape[0] // ESTIMATED_AT)
    return 1 if shape[0] % coarse or shape[1] % coarse else coarse


def planes(picture: NDArray[Any]) -> Floats:
    """Return `[C, H, W]` of `[H, W, C]`: NumPy multiplies whole rows by an alpha far quicker than single pixels."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)


def freed(picture: Floats, alpha: Floats, person: Floats, behind: Floats) -> Floats:
    """Return the person's colours `[3, H, W]` where a picture mixes them with the background by `alpha [H, W]`; both
    are estimated, `[3, H, W]`.
    """
    colours = behind - person
    colours *= alpha
    colours += picture
    colours -= behind
    colours *= sureness(alpha)
    colours += person
    return np.clip(colours, 0, 1, out=colours)


def sureness(share: Floats) -> Floats:
    """Return how much pixels with such a share of a colour count: mixed ones hardly do."""
    counts: Floats = np.square(np.square(share))
    return counts


def estimates(picture: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Return the colours `[3, H, W]` of the person and of the background about each pixel; arguments as above."""
    surely, surely_behind = sureness(alpha), sureness(1 - alpha)
    person, behind, corrected = picture, picture, picture
    weighted = np.empty((8, *alpha.shape), np.float32)
    weighted[3], weighted[7] = surely, surely_behind
    for reach in REACHES:
        np.multiply(corrected, surely, out=weighted[:3])
        np.multiply(behind, surely_behind, out=weighted[4:7])
        means = blurred(weighted, max(1, round(reach * len(alpha))))
        person, behind = means[:3] / (means[3] + LITTLE), means[4:7] / (means[7] + LITTLE)
        corrected = freed(picture, alpha, person, behind)
    return person, behind


def pooled(values: NDArray[Any], by: int) -> Floats:
    """Return the means of `values [H, W, C]` over squares of `by` pixels: `[C, H / by, W / by]`."""
    kind = np.uint32 if values.dtype == np.uint8 else np.float32
    rows = summed([values[first::by] for first in range(by)], kind)
    return planes(summed([rows[:, first::by] for first in range(by)], kind)) / np.float32(by * by)


def summed(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    """Return the sum of arrays of one shape: by far quicker than along an axis that is short."""
    total: NDArray[Any] = parts[0].astype(kind)
    for part in parts[1:]:
        total += part
    return total


def enlarged(values: Floats, by: int) -> Floats:
    """Return `values [..., H, W]` with each pixel `by` times as wide and high."""
    return values if by == 1 else values.repeat(by, -1).repeat(by, -2)


def blurred(values: Floats, radius: int) -> Floats:
    """Return the means of `values [C, H, W]` over squares of `2 radius + 1` pixels; outside is nothing."""
    width = 2 * radius + 1
    padded = np.pad(values, ((0, 0), (radius, radius), (radius, radius)))
    means = running_sums(running_sums(padded, width, 1), width, 2)
    means /= np.float32(width**2)
    return means


def running_sums(values: Floats, count: int, axis: int) -> Floats:
    """Return the sums of `count` neighbours, 2 or more, along an axis: of one, two, four, … of them put together."""
    part = values.swapaxes(0, axis)
    length = len(part) - count + 1
    total, done, span = np.zeros((), np.float32), 0, 1
    while True:
        if count & span:
            total, done = total + part[done : done + length], done + span
        if done == count:
            return total.swapaxes(0, axis)
        part, span = part[:-span] + part[span:], 2 * span


def firm(alpha: Floats) -> Floats:
    """Return `alpha [H, W]` raised to 1 well inside the outline, where it is a half: `FIRM` pixels and more."""
    inside = alpha >= 0.5
    for _ in range(FIRM):
        inside = eroded(inside)
    raised = neighbours(inside.astype(np.float32))
    raised *= np.float32(SOFT / 9)
    return np.maximum(alpha, np.minimum(raised, 1, out=raised), out=raised)


def smooth(alpha: Floats) -> Floats:
    """Return `alpha [H, W]` without the steps of a hard outline, which show when the picture is enlarged."""
    height, width = alpha.shape
    there = np.outer(neighbours(np.ones((height, 1), np.float32)), neighbours(np.ones((1, width), np.float32)))
    mean = neighbours(alpha) / there
    mean -= np.float32(CUT)
    mean /= np.float32(1 - 2 * CUT)
    return np.clip(mean, 0, 1, out=mean)


def neighbours(values: Floats) -> Floats:
    """Return the sums of `values [H, W]` over squares of three pixels; outside is nothing."""
    rows = values.copy()
    rows[1:] += values[:-1]
    rows[:-1] += values[1:]
    sums = rows.copy()
    sums[:, 1:] += rows[:, :-1]
    sums[:, :-1] += rows[:, 1:]
    return sums


def eroded(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `[H, W]`: where a pixel and its four neighbours are `inside [H, W]`; outside the picture all are."""
    result = inside.copy()
    result[1:] &= inside[:-1]
    result[:-1] &= inside[1:]
    result[:, 1:] &= inside[:, :-1]
    result[:, :-1] &= inside[:, 1:]
    return result
