# SPDX-License-Identifier: GPL-3.0-or-later
"""From the engine's pictures to a render result: placing, resampling, colour, compositing. Pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...tracking.heads.srgb import linear_light

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Doubles, Floats

Image = NDArray[np.uint8]

BLOCK = 64
"""Rows that are resampled at once."""
ROWS = 32
"""Rows whose colours are converted at once: so few stay in the processor's cache."""


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


def fit_to_frame(picture: Image, window: Window, width: int, height: int) -> Floats:
    """Return `[height, width, 4]` float32 0 to 1: the square `picture [S, S, 4]` (uint8, straight alpha) resampled into
    its window; transparent black outside. Where the window fits the picture's pixels they are kept exactly.
    """
    size = len(picture)
    if window == Window(0, 0, size, size) and (width, height) == (size, size):
        return picture.astype(np.float32) / 255
    rows = rows_seen(size, window, height)
    pixels = picture[rows].astype(np.float32) / 255
    wide = resampled(pixels.swapaxes(0, 1), window.left, window.width, width)
    top = window.top + rows.start * window.height / size
    frame = resampled(wide.swapaxes(0, 1), top, window.height * len(pixels) / size, height)
    return np.clip(frame, 0, 1, out=frame)


def rows_seen(size: int, window: Window, height: int) -> slice:
    """Return which of the `size` rows of a picture in its window a frame of so many rows shows, and what their
    resampling takes besides.
    """
    scale = size / window.height
    beyond = 2 * max(1.0, scale) + 2
    first, last = -window.top * scale - beyond, (height - window.top) * scale + beyond
    return slice(min(size - 1, max(0, int(first))), max(1, min(size, int(last) + 1)))


def resampled(rows: Floats, start: float, length: float, count: int) -> Floats:
    """Return `[count, ...]`: `rows [S, ...]`, spread over `length` pixels from `start` on, turned into `count` pixels.

    Catmull-Rom's cubic, widened when the picture shrinks; zero outside. In blocks, each of the few rows that it takes:
    else nearly all of the work at large sizes would be multiplying by zeros.
    """
    scale = len(rows) / length
    centres, reach = (np.arange(count) + 0.5 - start) * scale, max(1.0, scale)
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    made = np.zeros((count, flat.shape[1]), np.float32)
    for first in range(0, count, BLOCK):
        block = centres[first : first + BLOCK]
        low = max(0, int(block[0] - 2 * reach) - 1)
        high = min(len(rows), int(block[-1] + 2 * reach) + 2)
        if low < high:
            weights = resampling(block, np.arange(low, high) + 0.5, reach)
            inside = (block >= 0) & (block <= len(rows))
            np.matmul(np.where(inside[:, None], weights, 0), flat[low:high], out=made[first : first + BLOCK])
    return made.reshape(count, *rows.shape[1:])


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


def scene_linear(pixels: Floats, from_rec709: Floats, transparent: bool) -> Floats:
    """Return `[H, W, 4]` scene-linear, premultiplied alpha, of sRGB `pixels [H, W, 4]`, straight alpha, 0 to 1.

    `from_rec709 [3, 3]` turns linear Rec. 709 into the scene's linear colours. Unless `transparent`, the avatar's own
    background stays and the picture is opaque.
    """
    made = np.empty(pixels.shape, np.float32)
    turned = not np.array_equal(from_rec709, np.eye(3))
    for first in range(0, len(pixels), ROWS):
        straight, linear = pixels[first : first + ROWS], made[first : first + ROWS]
        np.take(srgb_table(), (straight * 65535 + 0.5).astype(np.uint16), out=linear, mode="clip")
        if turned:
            linear[..., :3] = linear[..., :3] @ from_rec709.T
        if transparent:
            linear *= straight[..., 3:]
        linear[..., 3] = straight[..., 3] if transparent else 1
    return made


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
