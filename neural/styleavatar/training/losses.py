# SPDX-License-Identifier: GPL-3.0-or-later
"""What training of portraits minimises (Eq. 4 and Sec. 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..networks.config import FEATURE_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence


def mask_l1(mask: Tensor, matte: Tensor) -> Tensor:
    """L1 of the predicted mask `[B, 1, F, F]` (1 is background) to the matte `[B, 1, R, R]` made hard."""
    small = F.interpolate(matte, (FEATURE_SIZE, FEATURE_SIZE), mode="area")
    return (mask - torch.where(small > 0.5, -1.0, 1.0)).abs().mean()


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
