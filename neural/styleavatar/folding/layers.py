# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of `networks.layers` for one style: plain convolutions, with gains, biases and wavelets in their weights.

A blur that goes with resampling can be *merged* into the convolution beside it. That takes four times the
multiplications and saves passes over memory, which pays where there are matrix units (bfloat16, float16) and not in
float32. Where a convolution that doubles has many outputs, half of the blur is merged: [1, 3, 3, 1] is [1, 1] and then
[1, 2, 1], and with [1, 1] alone four pixels are made of four and not of nine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ..networks.layers import (
    SLOPE,
    Convolution,
    DecoderLevel,
    FromBands,
    FromPicture,
    StyledConvolution,
    ToPicture,
)
from .cells import as_cells, doubling_kernel, spread

if TYPE_CHECKING:
    from ..networks.blur import Blur

HALF_MERGED_FROM = 128
"""With so many outputs multiplications cost more than another pass over memory."""
REST_OF_BLUR = (1.0, 2.0, 1.0)
DOUBLED = ((0.25, 0.75, 0.0), (0.0, 0.75, 0.25))
"""`networks.layers.upsample` along one side: the taps of the first and of the second of two pixels."""


class PlainConvolution(nn.Module):
    """A convolution with constant weights and bias and, unless `linear`, the activation. It casts what comes in."""

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.stride, self.padding, self.groups, self.linear = stride, padding, groups, linear

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, H, W]` of `[B, inputs, H, W]`, or what padding and stride make of that size."""
        x = F.conv2d(x.to(self.weight.dtype), self.weight, self.bias, self.stride, self.padding, groups=self.groups)
        return x if self.linear else F.leaky_relu_(x, SLOPE)


class ConstantBlur(nn.Module):
    """A blur of so many channels, of every `stride`-th pixel; always float32."""

    kernel: Tensor

    def __init__(self, blur: Blur, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.register_buffer("kernel", blur.kernel.repeat(channels, 1, 1, 1))
        self.padding, self.stride = blur.padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, C, H, W]` blurred, of every `stride`-th pixel."""
        return F.conv2d(x, self.kernel, None, self.stride, self.padding, groups=len(self.kernel))


class DoublingConvolution(nn.Module):
    """A transposed convolution, then the blur with the bias; no activation."""

    weight: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, blur: Blur) -> None:
        super().__init__()
        self.register_buffer("weight", weight.transpose(0, 1))
        kernel = blur.kernel.expand(len(weight), 1, 4, 4)
        self.blur = PlainConvolution(kernel, bias, padding=blur.padding, groups=len(weight), linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, 2 H, 2 W]` of `[B, inputs, H, W]`."""
        doubled: Tensor = self.blur(F.conv_transpose2d(x.to(self.weight.dtype), self.weight, stride=2))
        return doubled


class PhaseConvolution(nn.Module):
    """The same as one convolution that makes the four pixels that each pixel becomes, by a kernel over zeros between.

    Args:
        kernel: `[O, I, 6, 6]` with all of the blur, for `[B, O, 2 H, 2 W]`; `[O, I, 4, 4]` with half of it, for a row
            and a column more on each side, which the other half takes away.
    """

    def __init__(self, kernel: Tensor, bias: Tensor, *, linear: bool) -> None:
        super().__init__()
        phases = [kernel[:, :, row::2, column::2].flip(2, 3) for row in (0, 1) for column in (0, 1)]
        self.conv = PlainConvolution(torch.cat(phases), bias.repeat(4), padding=1, linear=linear)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, O, 2 H, 2 W]`, or `[B, O, 2 H + 2, 2 W + 2]`, of `[B, I, H, W]`."""
        return spread(self.conv(x))


def doubling(weight: Tensor, bias: Tensor, blur: Blur, *, linear: bool) -> nn.Module:
    """Return a transposed convolution `[O, I, 3, 3]` with its blur, bias `[O]` and, unless `linear`, activation.

    It makes `[B, O, 2 H, 2 W]` of `[B, I, H, W]`, the faster way.
    """
    outputs = len(weight)
    if outputs < HALF_MERGED_FROM:
        return PhaseConvolution(merged(weight, blur.kernel), bias, linear=linear)
    box = torch.ones(2, 2, device=weight.device)
    taps = torch.tensor(REST_OF_BLUR, device=weight.device)
    rest = torch.outer(taps, taps) * blur.kernel.sum() / (box.sum() * taps.sum() ** 2)
    return nn.Sequential(
        PhaseConvolution(merged(weight, box), torch.zeros_like(bias), linear=True),
        PlainConvolution(rest.expand(outputs, 1, 3, 3).contiguous(), bias, groups=outputs, linear=linear),
    )


class NoisyConvolution(nn.Module):
    """A styled convolution for one style."""

    strength: Tensor

    def __init__(self, layer: StyledConvolution, style: Tensor, *, merge: bool, noisy: bool) -> None:
        super().__init__()
        weight, bias = layer.conv.plain(style, layer.bias, layer.gain)
        self.register_buffer("strength", layer.noise_strength * layer.gain)
        blur = layer.conv.blur
        at_once = not noisy and (blur is None or merge)
        """Whether the convolution brings its activation along."""
        self.conv: nn.Module
        if blur is None:
            self.conv = PlainConvolution(weight, bias, padding=1, linear=layer.linear or not at_once)
        elif merge:
            self.conv = doubling(weight, bias, blur, linear=layer.linear or not at_once)
        else:
            self.conv = DoublingConvolution(weight, bias, blur)
        self.activated = not layer.linear and not at_once

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return `[B, outputs, H, W]`, or twice that size, of `[B, inputs, H, W]`.

        `noise` is `[1 or B, 1, H, W]` of the size returned.
        """
        x = self.conv(x)
        if noise is not None:
            x = x.add_((noise * self.strength).to(x.dtype))
        return F.leaky_relu_(x, SLOPE) if self.activated else x


class PictureConvolution(nn.Module):
    """Features to a picture, in cells, added to the doubled picture of the level below; both are float32."""

    doubled: Tensor

    def __init__(self, layer: ToPicture, style: Tensor) -> None:
        super().__init__()
        weight, bias = layer.conv.plain(style, layer.bias, mix=layer.bands_to_pixels)
        self.conv = PlainConvolution(as_cells(weight), as_cells(bias), linear=True)
        self.register_buffer("doubled", doubling_kernel(len(bias) // 4, DOUBLED).to(weight))

    def forward(self, x: Tensor, below: Tensor | None = None) -> Tensor:
        """Return the cells `[B, 4 * channels, H, W]` of `x [B, inputs, H, W]` and the picture `below [B, channels, H,
        W]`.
        """
        cells: Tensor = self.conv(x).float()
        return cells if below is None else cells + F.conv2d(below, self.doubled, padding=1)


class FoldedDecoderLevel(nn.Module):
    """A level of the decoder for one style; `noisy` where it gets noise."""

    def __init__(self, level: DecoderLevel, style: Tensor, *, merge: bool, noisy: bool) -> None:
        super().__init__()
        self.up = NoisyConvolution(level.up, style, merge=merge, noisy=noisy)
        self.conv = NoisyConvolution(level.conv, style, merge=merge, noisy=noisy)
        self.to_picture = PictureConvolution(level.to_picture, style)

    def forward(self, x: Tensor, below: Tensor | None, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return features `[B, outputs, 2 H, 2 W]` and the picture's cells `[B, 4 * channels, 2 H, 2 W]`.

        See `DecoderLevel`.
        """
        first, second = (noise[:, :1], noise[:, -1:]) if noise is not None else (None, None)
        x = self.conv(self.up(x, first), second)
        return x, self.to_picture(x, below)


class FoldedFromPicture(nn.Module):
    """A picture, halved, and its features."""

    def __init__(self, layer: FromPicture) -> None:
        super().__init__()
        self.conv = of_bands(layer.conv)
        self.blur = ConstantBlur(layer.blur, self.conv.weight.shape[1], stride=2)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return the halved picture `[B, channels, H/2, W/2]` and its features `[B, outputs, H/4, W/4]`."""
        halved = self.blur(picture)
        return halved, self.conv(halved)


def of_bands(layer: FromBands) -> PlainConvolution:
    """Return a convolution of a picture's Haar bands as one of its pixels, two by two, `[outputs, channels, 2, 2]`."""
    weight = (layer.weight.flatten(1) @ layer.bands_to_pixels.t()).view(len(layer.weight), -1, 2, 2)
    return PlainConvolution(weight * layer.gain, layer.bias * layer.gain, stride=2)


def plain(layer: Convolution, *, merge: bool) -> nn.Module:
    """Return a convolution with its gain and, where it halves the size and `merge`, its blur in its weights."""
    weight, bias = layer.weight * layer.gain, layer.bias * layer.gain
    if layer.blur is None:
        return PlainConvolution(weight, bias, padding=layer.padding)
    if merge:
        return PlainConvolution(merged(weight, layer.blur.kernel), bias, stride=2, padding=layer.blur.padding)
    return nn.Sequential(ConstantBlur(layer.blur, weight.shape[1]), PlainConvolution(weight, bias, stride=2))


def merged(weight: Tensor, filtering: Tensor) -> Tensor:
    """Return the kernels `[O, I, K + 2, K + 2]` of a convolution `[O, I, 3, 3]` and a symmetric filter `[K, K]`."""
    each_tap = torch.eye(9, device=weight.device).view(9, 1, 3, 3)
    size = len(filtering)
    filtered = F.conv2d(each_tap, filtering[None, None], padding=size - 1).flatten(1)
    return (weight.flatten(2) @ filtered).view(*weight.shape[:2], size + 2, size + 2)
