# SPDX-License-Identifier: GPL-3.0-or-later
"""The low-pass with a constant kernel: its gradients are those that PyTorch finds, as often as they are taken."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from semblance.neural.styleavatar.networks.blur import Blur
from semblance.neural.styleavatar.networks.discriminator import Discriminator
from semblance.neural.styleavatar.training.losses import r1_penalty
from torch import nn

SHAPES = [(1, 1, 8, 6), (2, 1, 7, 9), (1, 2, 8, 6), (2, 2, 7, 9)]
"""Padding, stride and the picture's size, of which a stride may leave a row or column over."""


def as_pytorch_would(blur: Blur, x: torch.Tensor, stride: int) -> torch.Tensor:
    kernel = blur.kernel.to(x.dtype).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, padding=blur.padding, stride=stride, groups=x.shape[1])


@pytest.mark.parametrize(("padding", "stride", "height", "width"), SHAPES)
def test_gradients_are_those_of_finite_differences(padding, stride, height, width):
    blur = Blur(padding, 4.0).double()
    x = torch.randn(2, 3, height, width, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(blur(x, stride), as_pytorch_would(blur, x, stride))
    assert torch.autograd.gradcheck(lambda x: blur(x, stride), x)
    assert torch.autograd.gradgradcheck(lambda x: blur(x, stride).tanh(), x)


def test_the_discriminator_learns_the_same_of_r1_as_with_pytorchs_gradients(monkeypatch):
    torch.manual_seed(0)
    judge = Discriminator(64, (4, 8, 8, 8)).double()
    footage, texture = torch.rand(2, 2, 3, 64, 64, dtype=torch.float64).unbind()

    def learnt() -> list[torch.Tensor]:
        seen = footage.clone().requires_grad_(True)
        return list(torch.autograd.grad(r1_penalty(judge(seen, texture)[0], seen), weights(judge)))

    ours = learnt()
    monkeypatch.setattr(Blur, "forward", as_pytorch_would_in_layers)
    torch.testing.assert_close(ours, learnt())


def as_pytorch_would_in_layers(self: Blur, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
    return as_pytorch_would(self, x, stride)


def weights(network: nn.Module) -> list[nn.Parameter]:
    """Those that the penalty tells anything of: the slope of a picture does not depend on the last bias."""
    return [each for name, each in network.named_parameters() if name.endswith("weight")]


def test_autocast_computes_it_as_other_convolutions():
    blur, x = Blur(1), torch.randn(1, 2, 8, 8, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        blurred = blur(x)
    assert blurred.dtype == torch.bfloat16
    blurred.float().sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32
