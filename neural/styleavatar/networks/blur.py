# SPDX-License-Identifier: GPL-3.0-or-later
"""The low-pass that goes with resampling by two, differentiable as often as wanted, but for its constant kernel.

PyTorch differentiates a convolution by its kernel whenever it differentiates twice, whether anybody asks or not, and
one channel after the other where channels are filtered apart. The R1 penalty would spend most of its time on that.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.autograd import Function

BLUR_TAPS = (1.0, 3.0, 3.0, 1.0)
SIDE = len(BLUR_TAPS)


class Blur(nn.Module):
    """The [1, 3, 3, 1] low-pass on both axes that goes with resampling by two; `padding` rows and columns each side."""

    kernel: Tensor

    def __init__(self, padding: int, gain: float = 1.0) -> None:
        super().__init__()
        taps = torch.tensor(BLUR_TAPS)
        self.register_buffer("kernel", torch.outer(taps, taps) / taps.sum() ** 2 * gain, persistent=False)
        self.padding = padding

    def forward(self, x: Tensor, stride: int = 1) -> Tensor:
        """Return `[B, C, H, W]` blurred, of every `stride`-th pixel; H and W grow by twice the padding minus 3."""
        x = as_convolutions_take(x)
        kernel = self.kernel.to(x.dtype).expand(x.shape[1], 1, SIDE, SIDE)
        blurred: Tensor = Filter.apply(x, kernel, self.padding, stride)  # type: ignore[no-untyped-call]
        return blurred


class Filter(Function):
    """Each channel of `x [B, C, H, W]` convolved with `kernel [C, 1, 4, 4]`, which is symmetric and has no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, padding: int, stride: int) -> Tensor:
        """Return `[B, C, H', W']`, every `stride`-th pixel."""
        ctx.kernel, ctx.padding, ctx.stride, ctx.size = kernel, padding, stride, x.shape[2:]
        return F.conv2d(x, kernel, None, stride, padding, groups=len(kernel))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """The transposed filter of the gradient; without a stride a symmetric filter is its own, padded otherwise."""
        if ctx.stride == 1:
            passed = Filter.apply(gradient, ctx.kernel, SIDE - 1 - ctx.padding, 1)  # type: ignore[no-untyped-call]
        else:
            passed = Spread.apply(  # type: ignore[no-untyped-call]
                gradient, ctx.kernel, ctx.padding, ctx.stride, ctx.size
            )
        return passed, None, None, None


class Spread(Function):
    """The transpose of `Filter`: from `[B, C, H', W']` to `[B, C, *size]`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, padding: int, stride: int, size: torch.Size) -> Tensor:
        """Return `[B, C, *size]`."""
        ctx.kernel, ctx.padding, ctx.stride = kernel, padding, stride
        reached = [(side - 1) * stride - 2 * padding + SIDE for side in x.shape[2:]]
        missing = [whole - part for whole, part in zip(size, reached, strict=True)]
        return F.conv_transpose2d(x, kernel, None, stride, padding, missing, groups=len(kernel))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """The filter of the gradient."""
        passed = Filter.apply(gradient, ctx.kernel, ctx.padding, ctx.stride)  # type: ignore[no-untyped-call]
        return passed, None, None, None, None


def as_convolutions_take(x: Tensor) -> Tensor:
    """Return `x [...]` in the type in which autocast has convolutions computed, where it is on."""
    kind = x.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return x.to(torch.get_autocast_dtype(kind))
    return x
