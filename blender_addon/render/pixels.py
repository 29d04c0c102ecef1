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


@dataclass(frozen=True)
class Window:
    """Where the avatar's square picture lies in a frame: `left, top` of its corner and its `side`, in pixels.

    It may reach past the frame.
    """

    left: float
    top: float
    side: float


def avatar_window(width: float, height: float, sensor_fit: str) -> Window:
    """Return the avatar's window in a frame: centred, its side the frame's length that the camera's sensor fits.

    `sensor_fit` is a Blender camera's: 'AUTO' (the longer length), 'HORIZONTAL' or 'VERTICAL'. Lens and shift of a
    Blender camera count in this length, so that in this window the camera's intrinsics do not depend on the frame.
    """
    side = {"AUTO": max(width, height), "HORIZONTAL": width, "VERTICAL": height}[sensor_fit]
    return Window((width - side) / 2, (height - side) / 2, side)


def fit_to_frame(picture: Image, window: Window, width: int, height: int) -> Floats:
    """Return `[height, width, 4]` float32 0 to 1: the square `picture [S, S, 4]` (uint8, straight alpha) resampled into
    its window; transparent black outside. Where the window fits the picture's pixels they are kept exactly.
    """
    size = len(picture)
    pixels = picture.astype(np.float32) / 255
    if window == Window(0, 0, size) and (width, height) == (size, size):
        return pixels
    across = resampling(size, window.left, window.side, width)
    down = resampling(size, window.top, window.side, height)
    wide = np.einsum("xs,ysc->yxc", across, pixels, optimize=True)
    frame: Floats = np.clip(np.einsum("ys,sxc->yxc", down, wide, optimize=True), 0, 1)
    return frame


def resampling(size: int, start: float, length: float, count: int) -> Floats:
    """Return `[count, size]`: weights that turn `size` samples, spread over `length` pixels from `start` on, into
    `count` pixels. Catmull-Rom's cubic, widened when the picture shrinks; zero outside.
    """
    scale = size / length
    centres = (np.arange(count) + 0.5 - start) * scale
    reach = max(1.0, scale)
    weights = catmull_rom((centres[:, None] - (np.arange(size) + 0.5)) / reach)
    sums = weights.sum(1, keepdims=True)
    inside = (centres >= 0) & (centres <= size)
    return np.where(inside[:, None], weights / np.where(sums == 0, 1, sums), 0).astype(np.float32)


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
    linear = srgb_table()[(pixels[..., :3] * 65535 + 0.5).astype(np.uint16)]
    alpha = pixels[..., 3:] if transparent else np.ones_like(pixels[..., 3:])
    if not np.array_equal(from_rec709, np.eye(3)):
        linear = linear @ from_rec709.T
    return np.concatenate([linear * alpha, alpha], -1, dtype=np.float32)


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
