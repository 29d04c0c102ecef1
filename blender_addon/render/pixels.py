# SPDX-License-Identifier: GPL-3.0-or-later
"""From the engine's pictures to a render result: placing, resampling, colour, compositing. Pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...protocol.foreground import planes_of
from ...tracking.heads.srgb import linear_light

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...tracking.heads.arrays import Booleans, Doubles, Floats

Image = NDArray[np.uint8]

BLOCK = 32
"""Rows that are worked on at once: so few stay in the processor's cache."""


@dataclass(frozen=True)
class Window:
    """Where the avatar's square picture lies in a frame, in pixels; it may reach past the frame.

    `left, top` is its corner.
    """

    left: float
    top: float
    width: float
    height: float


def avatar_window(width: float, height: float, sensor_fit: str, pixel_aspect: float = 1.0) -> Window:
    """Return the avatar's window in a frame: centred, its side the frame's length that the camera's sensor fits.

    `sensor_fit` is a Blender camera's: 'AUTO' (the longer length), 'HORIZONTAL' or 'VERTICAL'. Lens and shift of a
    Blender camera count in this length, so that in this window the camera's intrinsics do not depend on the frame.
    `pixel_aspect` is how much taller than wide a pixel is.
    """
    side = fitted_length(sensor_fit, width, height * pixel_aspect)
    tall = side / pixel_aspect
    return Window((width - side) / 2, (height - tall) / 2, side, tall)


def fitted_length(sensor_fit: str, width: float, height: float) -> float:
    """Return which length of a frame, whose `height` counts in widths of a pixel, a camera's sensor fits."""
    return {"AUTO": max(width, height), "HORIZONTAL": width, "VERTICAL": height}[sensor_fit]


def in_frame(
    picture: Image, window: Window, width: int, height: int, from_rec709: Floats, *, transparent: bool
) -> Floats:
    """Return `[height, width, 4]`, scene-linear, premultiplied: the square `picture [S, S, 4]` (sRGB, straight alpha)
    resampled into its window, with nothing around it. Where the window fits the picture's pixels they are kept exactly.

    `from_rec709 [3, 3]` turns linear Rec. 709 into the scene's linear colours. Unless `transparent`, the picture's own
    background stays and the frame is opaque.
    """
    frame = np.zeros((height, width, 4), np.float32)[::-1]  # in memory as Blender's passes are: from the bottom up
    rows, columns = slice(0, height), slice(0, width)
    if transparent:
        there = picture[..., 3] > 0
        rows = covered(there.any(1), window.top, window.height, height)
        columns = covered(there.any(0), window.left, window.width, width)
    for block, straight in resampled(picture, window, rows, columns):
        to_scene_linear(straight, from_rec709, transparent, frame[block, columns])
    return frame


def covered(there: Booleans, start: float, length: float, count: int) -> slice:
    """Return into which of `count` pixels of a frame reaches what is `there [S]`, spread over `length` pixels from
    `start` on.
    """
    places = np.flatnonzero(there)
    if not len(places):
        return slice(0, 0)
    scale = length / len(there)
    beyond = 2 * max(1.0, scale) + 1
    first, last = start + places[0] * scale - beyond, start + (places[-1] + 1) * scale + beyond
    return slice(min(count, max(0, int(first))), max(0, min(count, int(last) + 1)))


def resampled(picture: Image, window: Window, rows: slice, columns: slice) -> Iterator[tuple[slice, Floats]]:
    """Yield these rows and columns of the frame in which the square `picture [S, S, C]` fills a window: some rows at a
    time, which, and their `[C, R, W]`, 0 to 1.

    Catmull-Rom's cubic, widened when the picture shrinks; zero outside. In blocks, each of the few rows that it takes:
    else nearly all of the work at large sizes would be multiplying by zeros.
    """
    size = len(picture)
    exact = window == Window(0, 0, size, size) and max(rows.stop, columns.stop) <= size
    down = [] if exact else list(shares(size, window.top, window.height, rows))
    across = [] if exact else list(shares(size, window.left, window.width, columns))
    if exact:
        for first in range(rows.start, rows.stop, BLOCK):
            block = slice(first, min(first + BLOCK, rows.stop))
            yield block, straight_of(picture[block, columns])
    elif down and across:
        first, last = min(taken.start for _, taken, _ in down), max(taken.stop for _, taken, _ in down)
        straight = straight_of(picture[first:last])
        wide = np.empty((*straight.shape[:2], columns.stop - columns.start), np.float32)
        for block, taken, weights in across:
            made = slice(block.start - columns.start, block.stop - columns.start)
            np.matmul(straight[..., taken], weights.T, out=wide[..., made])
        for block, taken, weights in down:
            made_rows = np.matmul(weights, wide[:, taken.start - first : taken.stop - first])
            yield block, np.clip(made_rows, 0, 1, out=made_rows)


def shares(size: int, start: float, length: float, pixels: slice) -> Iterator[tuple[slice, slice, Floats]]:
    """Yield some of the `pixels` at a time, of a frame in which `size` samples are spread over `length` pixels from
    `start` on: which, of which samples `S` they are made, and what these weigh, `[N, S]`.
    """
    scale = size / length
    reach = max(1.0, scale)
    for first in range(pixels.start, pixels.stop, BLOCK):
        block = slice(first, min(first + BLOCK, pixels.stop))
        centres = (np.arange(block.start, block.stop) + 0.5 - start) * scale
        low = min(size - 1, max(0, int(centres[0] - 2 * reach) - 1))
        high = max(low + 1, min(size, int(centres[-1] + 2 * reach) + 2))
        inside = (centres >= 0) & (centres <= size)
        weights = resampling(centres, np.arange(low, high) + 0.5, reach)
        yield block, slice(low, high), np.where(inside[:, None], weights, np.float32(0))


def resampling(centres: Doubles, samples: Doubles, reach: float) -> Floats:
    """Return `[N, S]`: what each of the `samples [S]` weighs at each of the `centres [N]`; each row's sum is 1."""
    weights = catmull_rom((centres[:, None] - samples) / reach)
    sums = weights.sum(1, keepdims=True)
    shares: Floats = (weights / np.where(sums == 0, 1, sums)).astype(np.float32)
    return shares


def catmull_rom(x: Doubles) -> Doubles:
    """The interpolating cubic of Catmull and Rom (a = -1/2) at distances `x [...]`, zero from 2 on."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def scene_linear(picture: Image, from_rec709: Floats, *, transparent: bool) -> Floats:
    """Return `[H, W, 4]` of a `picture [H, W, 4]` as it is; arguments as of `in_frame`."""
    made = np.empty(picture.shape, np.float32)
    for first in range(0, len(picture), BLOCK):
        rows = slice(first, first + BLOCK)
        to_scene_linear(straight_of(picture[rows]), from_rec709, transparent, made[rows])
    return made


def straight_of(picture: Image) -> Floats:
    """Return `[C, H, W]`, 0 to 1, of a picture `[H, W, C]`."""
    return planes_of(picture).astype(np.float32) / np.float32(255)


def to_scene_linear(straight: Floats, from_rec709: Floats, transparent: bool, made: Floats) -> None:
    """Write the scene-linear, premultiplied colours of sRGB `straight [4, H, W]`, straight alpha, 0 to 1, into
    `made [H, W, 4]`; opaque unless `transparent`.
    """
    linear = np.take(srgb_table(), (straight[:3] * 65535 + 0.5).astype(np.uint16), mode="wrap")
    if not np.array_equal(from_rec709, np.eye(3)):
        linear = (from_rec709 @ linear.reshape(3, -1)).reshape(linear.shape)
    alpha = straight[3] if transparent else np.float32(1)
    for channel in range(3):
        np.multiply(linear[channel], alpha, out=made[..., channel])
    made[..., 3] = alpha


@cache
def srgb_table() -> Floats:
    """Return `[65536]`: sRGB, in steps of 1/65535, to linear: powers are slow, and every 8-bit value is a step."""
    return linear_light(np.arange(65536) / 65535)


def over(front: Floats, back: Floats) -> Floats:
    """Lay a premultiplied picture `[H, W, 4]` over another of its size."""
    return front + back * (1 - front[..., 3:])


def behind(front: Floats, whole: Floats) -> Floats:
    """Return what lies behind a premultiplied picture `[H, W, 4]` where both together are `whole [H, W, 4]`, opaque."""
    left = 1 - front[..., 3:]
    return np.where(left > 1 / 512, (whole - front) / np.maximum(left, 1 / 512), whole)
