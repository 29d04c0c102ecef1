# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a picture is from footage: by pixels, and by the fine bands of wavelets, which keep short trainings sharp."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..wavelets import haar

CELLS = 5
"""Cells of the fine bands over which a lattice is told from detail."""


def weighted_l1(painted: Tensor, footage: Tensor, weight: Tensor) -> Tensor:
    """Mean of |painted - footage| `[B, C, H, W]` times `weight [B, 1, H, W]`."""
    return ((painted - footage).abs() * weight).mean()


def weighted_l2(painted: Tensor, footage: Tensor, weight: Tensor) -> Tensor:
    """Mean of (painted - footage)² `[B, C, H, W]` times `weight [B, 1, H, W]`.

    An L1 lets small things that are seldom there fade, such as the dark gap between lips; their errors are large.
    """
    return ((painted - footage).square() * weight).mean()


def detail_bands(picture: Tensor) -> Tensor:
    """The three fine Haar bands of `[B, C, H, W]`, as one batch `[3 B, C, H/2, W/2]`."""
    return torch.cat(haar(picture).chunk(4, 1)[1:])


def detail_l1(painted: Tensor, footage: Tensor, weight: Tensor) -> Tensor:
    """L1 of the fine bands; `weight [B, 1, H, W]`."""
    small = F.avg_pool2d(weight, 2).repeat(3, 1, 1, 1)
    return weighted_l1(painted, footage, small)


def lattice_l1(painted: Tensor, footage: Tensor, weight: Tensor) -> Tensor:
    """L1 of the local means of fine bands `[3 B, C, H/2, W/2]`; `weight [B, 1, H, W]`.

    Where a network does not know the place of detail but is asked for its strength, it paints the same band in every
    cell: a lattice of dots. Detail of footage has either sign by turns, so its means are near zero.
    """
    means = F.avg_pool2d(painted - footage, CELLS, 1, CELLS // 2, count_include_pad=False)
    return (means.abs() * F.avg_pool2d(weight, 2).repeat(3, 1, 1, 1)).mean()


def texture_l1(painted: Tensor, footage: Tensor, weight: Tensor) -> Tensor:
    """L1 of how strong the fine bands `[B, C, H, W]` are around each place, whatever their sign.

    An L1 of pixels makes detail whose place is not certain fade away; this one asks for its strength only.
    """
    small = F.avg_pool2d(weight, 2).repeat(3, 1, 1, 1)
    return weighted_l1(strength(painted), strength(footage), F.avg_pool2d(small, 2))


def strength(bands: Tensor) -> Tensor:
    """Root mean square of the bands over channels and 6x6 neighbourhoods: `[N, 1, H/2, W/2]`."""
    energy = F.avg_pool2d(bands.square().mean(1, keepdim=True), 6, 2, 2, count_include_pad=False)
    return (energy + 1e-5).sqrt()
