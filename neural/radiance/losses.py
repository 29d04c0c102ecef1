# SPDX-License-Identifier: GPL-3.0-or-later
"""What splats and fields are judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..training.picture_losses import detail_bands, texture_l1

if TYPE_CHECKING:
    from torch import Tensor

    from .scene import View

ABSOLUTE, SQUARED = 0.8, 4.0
CELL = 4
"""Pixels: sides of pictures whose texture is compared are multiples of it."""


def over(colour: Tensor, light: Tensor, background: Tensor) -> Tensor:
    """Return premultiplied `colour [..., 3]` before a `background` of which `light [...]` shines through."""
    return colour + light[..., None] * background


def picture_loss(colour: Tensor, light: Tensor, view: View, background: Tensor, texture: float) -> Tensor:
    """Judge a drawn picture by a view, both before the same `background [3]`, so that alpha is learnt too.

    `colour [H, W, 3]` is premultiplied, `light [H, W]` what shines through it; `texture` is the weight of its loss.
    """
    target = over(view.colour * view.alpha[..., None], 1 - view.alpha, background)
    shown = over(colour, light, background)
    loss = pixel_loss(shown, target, view.weight)
    return loss + texture * texture_loss(shown, target, view.weight) if texture else loss


def pixel_loss(shown: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Compare pictures `[H, W, 3]` pixel by pixel, of which each counts as much as its `weight [H, W]`."""
    error = (shown - target) * weight[..., None]
    return (ABSOLUTE * error.abs().sum() + SQUARED * error.square().sum()) / (3 * weight.sum()).clamp(min=1)


def texture_loss(shown: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Compare how much fine detail pictures have about each place, wherever it lies; arguments as of `pixel_loss`.

    Tracked poses are off by a fraction of a pixel, each frame's otherwise: pixel by pixel, the best that splats can
    learn is the mean, which is soft.
    """
    rows, columns = (side // CELL * CELL for side in weight.shape)
    if not rows or not columns:
        return weight.new_zeros(())
    ours, theirs = (detail_bands(each[:rows, :columns].permute(2, 0, 1)[None]) for each in (shown, target))
    return texture_l1(ours, theirs, weight[None, None, :rows, :columns])
