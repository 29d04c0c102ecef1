# SPDX-License-Identifier: GPL-3.0-or-later
"""Averages of weights (an exponential moving average, EMA): steadier pictures than those of the last step."""

from __future__ import annotations

import torch
from torch import nn

YOUNG_SHARE = 0.15
"""While training is young, the half life of the averaged weights is this share of the samples seen."""


def follow(average: nn.Module, module: nn.Module, index: int, batch_size: int, half_life: float) -> None:
    """Move the averaged weights towards those of `module` after step `index`.

    Args:
        average: a copy of `module`.
        batch_size: samples a step, of all processes.
        half_life: in samples, once training is long.
    """
    share = 1 - 0.5 ** (batch_size / min(half_life, max(1.0, YOUNG_SHARE * (index + 1) * batch_size)))
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), share)
