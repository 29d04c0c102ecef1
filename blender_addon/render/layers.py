# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that lie before and behind each other, laid together by their depth. Pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .pixels import over

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        backdrop: makes `[H, W, 4]`, opaque: what this layer itself would stand before; None for one that has nothing.
    """

    colour: Floats
    depth: Floats
    backdrop: Callable[[], Floats] | None = None


def composite(layers: Sequence[Layer]) -> Layer:
    """Lay layers together: in each pixel the nearest is on top, with its alpha over what is behind it.

    The depth is that of the nearest layer that covers at least half of the pixel.
    """
    if len(layers) == 1:
        colour = layers[0].colour
        return Layer(colour, np.where(colour[..., 3] >= SOLID, layers[0].depth, NOTHING))
    colours = np.stack([layer.colour for layer in layers])
    depths = np.stack([layer.depth for layer in layers])
    frame = colours.sum(0)  # right wherever one layer alone is there, which is nearly everywhere
    depth = np.where(colours[..., 3] >= SOLID, depths, NOTHING).min(0)
    shared = (colours[..., 3] > 0).sum(0) > 1
    frame[shared], depth[shared] = composite_pixels(colours[:, shared], depths[:, shared])
    return Layer(frame, depth)


def composite_pixels(colours: Floats, depths: Floats) -> tuple[Floats, Floats]:
    """Return colours `[P, 4]` and depths `[P]` of pixels in which several layers `[N, P, 4]`, `[N, P]` are."""
    frame, depth = np.zeros_like(colours[0]), np.full_like(depths[0], NOTHING)
    for nth in np.argsort(-depths, axis=0, kind="stable"):  # the farthest first
        colour = np.take_along_axis(colours, nth[None, :, None], 0)[0]
        frame = over(colour, frame)
        here = np.take_along_axis(depths, nth[None], 0)[0]
        depth = np.where(colour[..., 3] >= SOLID, here, depth)
    return frame, depth


def on_backdrop(front: Layer, backdrop: Floats) -> Layer:
    """Lay a layer over an opaque picture `[H, W, 4]` or colour `[4]` that is far behind everything."""
    return Layer(over(front.colour, backdrop), front.depth)
