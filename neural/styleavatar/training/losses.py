# SPDX-License-Identifier: GPL-3.0-or-later
"""What training minimises (Eq. 4 and Sec. 3.3), and two wavelet losses that keep short trainings sharp."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..networks.config import FEATURE_SIZE
from ..networks.wavelets import haar

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def mask_l1(mask: Tensor, matte: Tensor) -> Tensor:
    """L1 of the predicted mask `[B, 1, F, F]` (1 is background) to the matte `[B, 1, R, R]` made hard."""
    small = F.interpolate(matte, (FEATURE_SIZE, FEATURE_SIZE), mode="area")
    return (mask - torch.where(small > 0.5, -1.0, 1.0)).abs().mean()


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


def feature_matching(painted: Sequence[Tensor], footage: Sequence[Tensor]) -> Tensor:
    """Mean L1 between the discriminator's features `[B, C, H, W]`, each level scaled by the footage's."""
    parts = [
        (ours - theirs.detach()).abs().mean() / (theirs.detach().abs().mean() + 1e-4)
        for ours, theirs in zip(painted, footage, strict=True)
    ]
    return torch.stack(parts).mean()


def generator_adversarial(painted_logits: Tensor) -> Tensor:
    """Non-saturating loss of the generators for logits `[B, 1]`."""
    return F.softplus(-painted_logits.float()).mean()


def discriminator_adversarial(footage_logits: Tensor, painted_logits: Tensor) -> Tensor:
    """Logistic loss of the discriminator for logits `[B, 1]`."""
    return F.softplus(-footage_logits.float()).mean() + F.softplus(painted_logits.float()).mean()


def r1_penalty(footage_logits: Tensor, footage: Tensor) -> Tensor:
    """Squared gradient of the discriminator's logits `[B, 1]` at the footage `[B, 3, H, W]`, batch mean."""
    (gradient,) = torch.autograd.grad(footage_logits.sum(), footage, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()
