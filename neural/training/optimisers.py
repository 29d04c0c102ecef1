# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning rates, AdamW in groups, clipped gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .distributed import DistributedGroup

LARGEST_GRADIENT = 1.0
"""Norm to which the gradients of a module are clipped."""
WARM_UP = 30
"""Steps in which the learning rate rises to its start."""
BETA2 = 0.99


def cosine_rate(first: float, last: float, index: int, fraction: float, halvings: int = 0) -> float:
    """The learning rate of step `index`: warm-up, then a cosine from `first` to `last` as `fraction` goes from 0 to 1.

    It is halved `halvings` times, after setbacks.
    """
    falling = last + (first - last) * (1 + math.cos(math.pi * min(1.0, fraction))) / 2
    return falling * min(1.0, (index + 1) / WARM_UP) * 0.5**halvings


def adamw(parameters: Mapping[str, nn.Parameter], rate: float, beta1: float, *, equalised: bool) -> AdamW:
    """AdamW for named parameters; a group's `rate_scale` is the share of the learning rate that it takes.

    `equalised`: weights of many inputs take less of it, in proportion to how large they are (StyleGAN).
    """
    by_scale: dict[float, list[nn.Parameter]] = {}
    for name, parameter in parameters.items():
        inputs = parameter[0].numel() if name.endswith("weight") and parameter.dim() > 1 else 1
        by_scale.setdefault(inputs**-0.5 if equalised else 1.0, []).append(parameter)
    groups = [{"params": parameters, "rate_scale": scale} for scale, parameters in by_scale.items()]
    return AdamW(groups, rate, (beta1, BETA2), fused=True)


def clipped(module: nn.Module, group: DistributedGroup, scale: Tensor | None = None) -> Tensor:
    """Average the gradients of a module over the processes and clip them; return their norm, of no dimension.

    It lies where the module does: looking at it makes the processor wait for the GPU. `scale`, of no dimension, is what
    the loss was multiplied with, which is undone.
    """
    group.average_gradients(module)
    if scale is not None:
        torch._foreach_div_([each.grad for each in module.parameters() if each.grad is not None], scale)
    return nn.utils.clip_grad_norm_(module.parameters(), LARGEST_GRADIENT)


def advance(optimisers: Iterable[Optimizer], rate: float, *, sound: bool) -> None:
    """Let optimisers do a step unless the gradients are not `sound`; forget these."""
    for optimiser in optimisers:
        for weights in optimiser.param_groups:
            weights["lr"] = rate * weights["rate_scale"]
        if sound:
            optimiser.step()
        optimiser.zero_grad(set_to_none=True)
