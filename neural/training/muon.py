# SPDX-License-Identifier: GPL-3.0-or-later
"""Muon, an optimiser for matrices: steps of momentum whose singular values are made equal.

After K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); the size of a step as in
J. Liu et al., "Muon is scalable for LLM training" (2025), so that learning rates of AdamW serve. PyTorch's own takes
matrices only; this one takes the filters of convolutions too, as matrices of outputs by everything else.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
        rate: learning rate. A step changes a weight by about `rate * update_rms` on average.
        update_rms: root mean square of a step over the learning rate; AdamW's are 0.2 to 0.4.
    """

    def __init__(self, parameters: Iterable[Any], rate: float, update_rms: float) -> None:
        super().__init__(parameters, {"lr": rate, "update_rms": update_rms})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # no closure, no loss
        """Move every weight that has a gradient."""
        assert closure is None, "Muon evaluates nothing"
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                torch._foreach_mul_(weights, 1 - group["lr"] * WEIGHT_DECAY)
                torch._foreach_add_(weights, self._directions(weights), alpha=-group["lr"] * group["update_rms"])

    def _directions(self, weights: list[Tensor]) -> list[Tensor]:
        """Nesterov's momentum made orthogonal, with a root mean square of about 1, shaped as the weights."""
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        momenta = [self.state[weight]["momentum"] for weight in weights]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = [each.flatten(1) for each in torch._foreach_lerp(gradients, momenta, MOMENTUM)]
        return [
            direction.mul_(max(direction.shape) ** 0.5).view(weight.shape)
            for direction, weight in zip(orthogonalised(ahead), weights, strict=True)
        ]


def orthogonalised(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Matrices `[M, N]` with their singular vectors and with singular values near 1 (Newton and Schulz).

    Every round multiplies a matrix by a polynomial of its products with itself, `[L, L]` for the lesser side L. These
    commute, so they are multiplied up first, those of one size together, and meet the matrices only at the end.
    """
    wide = [matrix.T if matrix.shape[0] > matrix.shape[1] else matrix for matrix in matrices]
    wide = [matrix / (matrix.norm() + 1e-7) for matrix in wide]
    sides: defaultdict[int, list[int]] = defaultdict(list)
    for index, matrix in enumerate(wide):
        sides[len(matrix)].append(index)
    for indices in sides.values():
        factors = polynomials(torch.stack([wide[index] @ wide[index].T for index in indices]))
        for index, factor in zip(indices, factors, strict=True):
            wide[index] = factor @ wide[index]
    return [made.T if matrix.shape[0] > matrix.shape[1] else made for made, matrix in zip(wide, matrices, strict=True)]


def polynomials(products: Tensor) -> Tensor:
    """What the rounds multiply matrices X by, given `products [K, L, L]`, X X' of each: `[K, L, L]`."""
    a, b, c = QUINTIC
    identity = torch.eye(products.shape[-1], device=products.device).expand_as(products)
    factors = identity
    for _ in range(ROUNDS):
        factor = torch.baddbmm(torch.add(a * identity, products, alpha=b), products, products, alpha=c)
        factors = factor @ factors
        products = factor @ products @ factor
    return factors


def suits_muon(name: str, parameter: nn.Parameter) -> bool:
    """Whether a named parameter is a weight that Muon is for."""
    return name.endswith("weight") and parameter.dim() > 1 and min(parameter.flatten(1).shape) >= LEAST_SIDE
