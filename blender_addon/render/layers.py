# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that lie before and behind each other, laid together by their depth. Pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .pixels import over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...tracking.heads.arrays import Floats

NOTHING = np.float32(1e10)
"""The depth where nothing is: what Blender's own engines write there."""
SOLID = 0.5
"""Alpha from which on a pixel's depth is that of what covers it."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One picture of several.

    Attributes:
        colour: `[H, W, 4]` scene-linear, premultiplied.
        depth: `[H, W]` distance along the view in scene units, `NOTHING` where nothing is.
        backdrop: `[H, W, 4]` opaque: what this layer itself would stand before; None for one that has nothing.
    """

    colour: Floats
    depth: Floats
    backdrop: Floats | None = None


def composite(layers: Sequence[Layer]) -> Layer:
    """Lay layers together: in each pixel the nearest is on top, with its alpha over what is behind it.

    The depth is that of the nearest layer that covers at least half of the pixel.
    """
    if len(layers) == 1:
        only = layers[0]
        return Layer(only.colour, np.where(only.colour[..., 3] >= SOLID, only.depth, NOTHING))
    colours = np.stack([layer.colour for layer in layers])
    depths = np.stack([layer.depth for layer in layers])
    frame, depth = np.zeros_like(colours[0]), np.full_like(depths[0], NOTHING)
    for nth in np.argsort(-depths, axis=0, kind="stable"):  # the farthest first
        colour = np.take_along_axis(colours, nth[None, ..., None], 0)[0]
        frame = over(colour, frame)
        here = np.take_along_axis(depths, nth[None], 0)[0]
        depth = np.where(colour[..., 3] >= SOLID, here, depth)
    return Layer(frame, depth)


def on_backdrop(front: Layer, backdrop: Floats) -> Layer:
    """Lay a layer over an opaque picture `[H, W, 4]` or colour `[4]` that is far behind everything."""
    return Layer(over(front.colour, backdrop), front.depth)


def halved(colour: Floats, depth: Floats) -> Layer:
    """Return the layer `[H, W]` of opaque surfaces drawn at twice its size, so that outlines are smooth.

    Args:
        colour: `[2 H, 2 W, 3]` scene-linear.
        depth: `[2 H, 2 W]` scene units, 0 where nothing is.
    """
    there = depth > 0
    samples = np.concatenate([colour, np.ones_like(depth)[..., None]], -1) * there[..., None]
    height, width = depth.shape[0] // 2, depth.shape[1] // 2
    mean = samples.reshape(height, 2, width, 2, 4).mean((1, 3), dtype=np.float32)
    nearest = np.where(there, depth, NOTHING).reshape(height, 2, width, 2).min((1, 3))
    return Layer(mean, nearest.astype(np.float32))
