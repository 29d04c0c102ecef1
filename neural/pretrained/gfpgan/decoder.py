# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleGAN2 as GFPGAN's generative prior: steered by style codes, and by features that scale and shift half of it.

In the published "clean" version the equalised learning rates are multiplied into the weights, and pictures are made
larger bilinearly. Names of layers are those of the published file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    Condition = tuple[Tensor, Tensor]

SLOPE = 0.2
"""Of the leaky ReLUs."""
GAIN = 2**0.5
"""Of activations, kept apart from the weights in the published file."""
FIRST_SIDE, WIDE_UP_TO = 4, 64
"""Pixels of the constant that pictures grow from, and up to which layers are as wide as they get."""
SMALLEST_NORM = 1e-8


def width_at(side: int, width: int) -> int:
    """Return the channels at `side` pixels of a decoder that is at most `width` wide."""
    return min(width, width * WIDE_UP_TO // side)


def enlarged(x: Tensor, times: float) -> Tensor:
    """Return pictures `[B, C, H, W]`, so many times as large."""
    return F.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)


class ModulatedConvolution(nn.Module):
    """A convolution whose kernel a style code scales, for each picture anew; normalised (StyleGAN2, Eq. 1 and 3)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, style: int, *, demodulate: bool) -> None:
        super().__init__()
        self.demodulate = demodulate
        self.weight = nn.Parameter(torch.randn(1, outputs, inputs, kernel, kernel) / (inputs * kernel**2) ** 0.5)
        self.modulation = nn.Linear(style, inputs)
        nn.init.ones_(self.modulation.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Return `[B, outputs, H, W]` of `x [B, inputs, H, W]` and `style [B, style]`."""
        batch, inputs, height, width = x.shape
        kernels = self.weight * self.modulation(style)[:, None, :, None, None]
        if self.demodulate:
            kernels = kernels * torch.rsqrt(kernels.square().sum((2, 3, 4), keepdim=True) + SMALLEST_NORM)
        _, outputs, _, *size = kernels.shape
        together = x.reshape(1, batch * inputs, height, width)
        y = F.conv2d(together, kernels.reshape(batch * outputs, inputs, *size), padding=size[0] // 2, groups=batch)
        return y.view(batch, outputs, height, width)


class StyledLayer(nn.Module):
    """A modulated convolution with its noise, bias and activation."""

    def __init__(self, inputs: int, outputs: int, style: int, *, grow: bool = False) -> None:
        super().__init__()
        self.grow = grow
        self.modulated_conv = ModulatedConvolution(inputs, outputs, 3, style, demodulate=True)
        self.weight = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(1, outputs, 1, 1))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """Return `[B, outputs, h, w]`, `noise [1, 1, h, w]`; twice the size of `x [B, inputs, H, W]` where it grows."""
        x = self.modulated_conv(enlarged(x, 2) if self.grow else x, style) * GAIN
        return F.leaky_relu(x + self.weight * noise + self.bias, SLOPE)


class ToPicture(nn.Module):
    """Adds a layer's share to the picture."""

    def __init__(self, inputs: int, style: int) -> None:
        super().__init__()
        self.modulated_conv = ModulatedConvolution(inputs, 3, 1, style, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(self, x: Tensor, style: Tensor, smaller: Tensor | None = None) -> Tensor:
        """Return `[B, 3, H, W]` of `x [B, inputs, H, W]` and the picture so far, half as large."""
        picture: Tensor = self.modulated_conv(x, style) + self.bias
        return picture if smaller is None else picture + enlarged(smaller, 2)


class Constant(nn.Module):
    """What every picture grows from."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, width, FIRST_SIDE, FIRST_SIDE))


class StyleDecoder(nn.Module):
    """Paints a face from style codes and from conditions: scales and shifts for half of the channels (Sec. 3.3).

    Its noise is what the file keeps: the same picture gives the same face.
    """

    def __init__(self, size: int, width: int) -> None:
        """`size` pixels square, a power of two from 8; layers are at most `width` wide, as are style codes."""
        super().__init__()
        self.constant_input = Constant(width)
        self.style_conv1 = StyledLayer(width, width, width)
        self.to_rgb1 = ToPicture(width, width)
        self.style_convs, self.to_rgbs = nn.ModuleList(), nn.ModuleList()
        self.noises = nn.Module()
        self.noises.register_buffer("noise0", torch.zeros(1, 1, FIRST_SIDE, FIRST_SIDE))
        side, inputs = FIRST_SIDE, width
        while side < size:
            side *= 2
            outputs = width_at(side, width)
            self.style_convs += [StyledLayer(inputs, outputs, width, grow=True), StyledLayer(outputs, outputs, width)]
            self.to_rgbs.append(ToPicture(outputs, width))
            for number in (len(self.style_convs) - 1, len(self.style_convs)):
                self.noises.register_buffer(f"noise{number}", torch.zeros(1, 1, side, side))
            inputs = outputs

    @property
    def codes(self) -> int:
        """How many style codes it takes: one a layer, and one for the last picture."""
        return len(self.style_convs) + 2

    def forward(self, codes: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """Return faces `[B, 3, size, size]`, about -1 to 1.

        Args:
            codes: `[B, self.codes, width]`.
            conditions: scale and shift for each size from 8 pixels on, `[B, C / 2, side, side]` each.
        """
        noise = [self.noises.get_buffer(f"noise{number}") for number in range(len(self.style_convs) + 1)]
        x = self.constant_input.weight.expand(len(codes), -1, -1, -1)
        x = self.style_conv1(x, codes[:, 0], noise[0])
        picture: Tensor = self.to_rgb1(x, codes[:, 1])
        for number, (condition, to_picture) in enumerate(zip(conditions, self.to_rgbs, strict=True)):
            first = 2 * number + 1
            x = conditioned(self.style_convs[first - 1](x, codes[:, first], noise[first]), *condition)
            x = self.style_convs[first](x, codes[:, first + 1], noise[first + 1])
            picture = to_picture(x, codes[:, first + 2], picture)
        return picture


def conditioned(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return `x [B, C, H, W]` with the second half of its channels scaled and shifted, `[B, C / 2, H, W]` (Eq. 5)."""
    same, steered = x.chunk(2, dim=1)
    return torch.cat([same, steered * scale + shift], 1)
