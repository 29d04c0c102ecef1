# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture's own edges for a rough matte: a guided filter that is kept near the rough outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image

WINDOWS_SIDE = 128
"""Side of the picture on which the guided filter's windows lie: a pixel of it is six of the usual crop."""

RADIUS = 2
"""Pixels of that picture from the middle of a window to its side."""

SMOOTHNESS = 2e-4
"""Variance of the guide (0 to 1) below which a window counts as flat."""

REACH = 3 / 256
"""Share of the rough matte's side by which the picture may move its outline."""

PLAIN = 4
"""Shares of foreground this near to 0 or 255 are plain: the outline is out of reach."""

BOUND = 3.0
"""How fast the bounds of the matte open with the share of foreground around: they take off halos and fill holes."""

FLOOR, CEILING = 0.12, 0.88
"""Values below and above which a pixel is plain background or foreground."""


def refined(rough: Floats, functions: Floats, rgb: Image) -> Floats:
    """Return a matte `[H, W]`, 0 to 1, whose outline is that of `rough [h, w]` moved to the picture's edges.

    `functions [h', w', 4]` come from `window_functions` and are applied to the pixels of the picture `[H, W, 3]` that
    have the rough outline within `REACH`. The others are plain.
    """
    height, width = rgb.shape[:2]
    share = foreground_share(rough, (width, height))
    pixels = np.flatnonzero(cv2.inRange(share, PLAIN, 255 - PLAIN).view(np.bool_))
    y, x = np.divmod(pixels.astype(np.int32), np.int32(width))
    functions = sampled(functions, (x + 0.5) / width, (y + 0.5) / height)
    red, green, blue = np.take(rgb.reshape(-1, 3), pixels, axis=0).astype(np.float32).T / 255
    values = functions[:, 0] * red + functions[:, 1] * green + functions[:, 2] * blue + functions[:, 3]
    near = share.reshape(-1)[pixels].astype(np.float32) / 255
    result = (share > 255 - PLAIN).astype(np.float32)
    result.reshape(-1)[pixels] = np.clip(sharpened(values), 1 - BOUND * (1 - near), BOUND * near).clip(0, 1)
    return result


def foreground_share(rough: Floats, size: tuple[int, int]) -> Image:
    """Return the mean of `rough [h, w]`, 0 to 255, within `REACH` of each pixel of a (width, height) picture."""
    levels = (np.clip(sharpened(rough), 0, 1) * 255).astype(np.uint8)
    side = 2 * round(REACH * len(rough)) + 1
    share: Image = cv2.resize(cv2.blur(levels, (side, side), borderType=cv2.BORDER_REPLICATE), size)
    return share


def sharpened(matte: Floats) -> Floats:
    """Return a matte `[...]`, 0 to 1, whose nearly plain pixels reach 0 or 1 or pass them."""
    return (matte - FLOOR) / (CEILING - FLOOR)


def window_functions(rough: Floats, rgb: Image) -> Floats:
    """Return slopes and offset `[h', w', 4]`: about each place `rough` is slopes . (red, green, blue) + offset.

    The fast guided filter with a colour guide (He and Sun 2015): the functions are found on a small picture; colours
    are 0 to 1. `rough [h, w]` and the picture `[H, W, 3]` show the same.
    """
    small = (WINDOWS_SIDE, WINDOWS_SIDE)
    target = cv2.resize(rough, small, interpolation=cv2.INTER_AREA)
    guide = cv2.split(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255)
    means = mr, mg, mb = [box(channel) for channel in guide]
    red, green, blue = guide
    mean_target = box(target)
    r, g, b = (box(channel * target) - mean * mean_target for channel, mean in zip(guide, means, strict=True))
    variances: list[Floats] = [
        box(channel**2) - mean**2 + SMOOTHNESS for channel, mean in zip(guide, means, strict=True)
    ]
    rr, gg, bb = variances
    rg, gb, br = box(red * green) - mr * mg, box(green * blue) - mg * mb, box(blue * red) - mb * mr
    # The inverse of the symmetric 3 x 3 covariance, by its cofactors.
    c_rr, c_gg, c_bb = gg * bb - gb * gb, rr * bb - br * br, rr * gg - rg * rg
    c_rg, c_gb, c_br = br * gb - rg * bb, br * rg - rr * gb, rg * gb - gg * br
    scale = 1 / (rr * c_rr + rg * c_rg + br * c_br)
    slope_r = (c_rr * r + c_rg * g + c_br * b) * scale
    slope_g = (c_rg * r + c_gg * g + c_gb * b) * scale
    slope_b = (c_br * r + c_gb * g + c_bb * b) * scale
    offset = mean_target - slope_r * mr - slope_g * mg - slope_b * mb
    return box(cv2.merge([slope_r, slope_g, slope_b, offset]))


def sampled(picture: Floats, x: Floats, y: Floats) -> Floats:
    """Return `[N, C]`: a picture `[h, w, C]` at N points, bilinear; 0 and 1 are its edges."""
    if not len(x):
        return np.empty((0, picture.shape[2]), np.float32)
    height, width = picture.shape[:2]
    rows = -(-len(x) // 1024)  # OpenCV takes no picture of more than 32767 rows or columns
    places = x.astype(np.float32) * width - np.float32(0.5), y.astype(np.float32) * height - np.float32(0.5)
    grid_x, grid_y = (np.resize(place, (rows, 1024)) for place in places)
    values = cv2.remap(picture, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    samples: Floats = values.reshape(-1, picture.shape[2])[: len(x)]
    return samples


def box(values: Floats) -> Floats:
    """Return the means of `values [H, W, ...]` over windows of `2 RADIUS + 1` pixels square."""
    means: Floats = cv2.blur(values, (2 * RADIUS + 1, 2 * RADIUS + 1), borderType=cv2.BORDER_REFLECT)
    return means
