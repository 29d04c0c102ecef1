# SPDX-License-Identifier: GPL-3.0-or-later
"""Muon, an optimiser for matrices: steps of momentum whose singular values are made equal.

After K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); the size of a step as in
J. Liu et al., "Muon is scalable for LLM training" (2025), so that learning rates of AdamW serve. PyTorch's own takes
matrices only; this one takes the filters of convolutions too, as matrices of outputs by everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

MOMENTUM = 0.9
WEIGHT_DECAY = 0.01
ROUNDS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Of Newton and Schulz's iteration: after five rounds singular values lie between some 0.7 and 1.2 (Jordan et al.)."""
LEAST_SIDE = 4
"""A smaller matrix has too few directions for making them equal to mean much."""


class Muon(Optimizer):
    """Muon for weights of two dimensions and more.

    Args:
        parameters: groups or weights; the first dimension is the outputs'.
        rate: learning rate. A step changes a weight by about `rate * size` on average.
        size: root mean square of a step over the learning rate; AdamW's are 0.2 to 0.4.
    """

    def __init__(self, parameters: Iterable[Any], rate: float, size: float) -> None:
        super().__init__(parameters, {"lr": rate, "size": size})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # no closure, no loss
        """Move every weight that has a gradient."""
        assert closure is None, "Muon evaluates nothing"
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.mul_(1 - group["lr"] * WEIGHT_DECAY)
                    weight.add_(self._direction(weight, weight.grad), alpha=-group["lr"] * group["size"])

    def _direction(self, weight: Tensor, gradient: Tensor) -> Tensor:
        """Nesterov's momentum made orthogonal, with a root mean square of about 1, shaped as the weight."""
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        matrix = gradient.lerp(momentum, MOMENTUM).flatten(1)
        return orthogonalised(matrix).mul_(max(matrix.shape) ** 0.5).view(weight.shape)


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix `[M, N]` with its singular vectors and with singular values near 1 (Newton and Schulz)."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    a, b, c = QUINTIC
    for _ in range(ROUNDS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def suits(name: str, parameter: nn.Parameter) -> bool:
    """Whether a named parameter is a weight that Muon is for."""
    return name.endswith("weight") and parameter.dim() > 1 and min(parameter.flatten(1).shape) >= LEAST_SIDE
