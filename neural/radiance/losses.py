# SPDX-License-Identifier: GPL-3.0-or-later
"""What splats and fields are judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from .scene import View

ABSOLUTE, SQUARED = 0.8, 4.0


def over(colour: Tensor, light: Tensor, background: Tensor) -> Tensor:
    """Return premultiplied `colour [..., 3]` before a `background` of which `light [...]` shines through."""
    return colour + light[..., None] * background


def picture_loss(colour: Tensor, light: Tensor, view: View, background: Tensor) -> Tensor:
    """Judge a drawn picture by a view, both before the same `background [3]`, so that alpha is learnt too.

    `colour [H, W, 3]` is premultiplied, `light [H, W]` what shines through it.
    """
    target = over(view.colour * view.alpha[..., None], 1 - view.alpha, background)
    error = (over(colour, light, background) - target) * view.weight[..., None]
    return (ABSOLUTE * error.abs().sum() + SQUARED * error.square().sum()) / (3 * view.weight.sum()).clamp(min=1)
