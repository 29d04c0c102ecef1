# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleGAN2's layers, written so that they are fast on a CPU too.

A style modulates *activations* (input channels times the style, outputs demodulated), which equals convolving each
sample with weights of its own but needs no grouped convolution. A single sample modulates the weights instead.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ...wavelets import inverse_haar
from .blur import Blur

SLOPE = 0.2
GAIN = math.sqrt(2.0)
FIRST_PICTURE = 0.1
"""Contrast of what an untrained network paints."""


def rectify(x: Tensor) -> Tensor:
    """Return the leaky ReLU of `[...]`, in place.

    Its gain is put into what comes before: gain * lrelu(x) = lrelu(gain * x).
    """
    return F.leaky_relu(x, SLOPE, inplace=True)


def upsample(picture: Tensor) -> Tensor:
    """Double a picture `[B, C, H, W]` to `[B, C, 2 H, 2 W]`.

    By the [1, 3, 3, 1] filter over zeros put in between; black beyond the border.
    """
    padded = F.pad(picture, (1, 1, 1, 1))
    doubled = F.interpolate(padded, scale_factor=2, mode="bilinear", align_corners=False)
    return doubled[..., 2:-2, 2:-2]


def scaled(weight: Tensor, gain: float) -> Tensor:
    """Return a weight or bias `[...]` times a gain; as it is where that is 1, as in the published network."""
    return weight if gain == 1 else weight * gain


class Convolution(nn.Module):
    """A 1x1 or 3x3 convolution with bias and activation, whose gain is `gain`; halves the size when `down`."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, *, down: bool = False, gain: float = GAIN) -> None:
        super().__init__()
        self.gain = gain
        self.blur = Blur(2) if down else None
        self.stride, self.padding = (2, 0) if down else (1, size // 2)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size) / math.sqrt(inputs * size * size))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, H, W]` of `[B, inputs, H, W]` (half that size when `down`)."""
        if self.blur is not None:
            x = self.blur(x)
        weight, bias = scaled(self.weight, self.gain), scaled(self.bias, self.gain)
        return rectify(F.conv2d(x, weight, bias, self.stride, self.padding))


class ModulatedConvolution(nn.Module):
    """A convolution whose input channels are scaled by a style; doubles the size when `up` (StyleGAN2).

    Args:
        inputs, outputs: channels.
        size: kernel side, 1 or 3.
        style: length of the style code.
        demodulate: scale every output channel back to unit variance.
        up: double the size.
    """

    def __init__(
        self, inputs: int, outputs: int, size: int, style: int, *, demodulate: bool = True, up: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size) / math.sqrt(inputs * size * size))
        self.modulation = nn.Linear(style, inputs)
        nn.init.normal_(self.modulation.weight, std=1 / math.sqrt(style))
        nn.init.ones_(self.modulation.bias)
        self.demodulate = demodulate
        self.blur = Blur(1, gain=4.0) if up else None

    def forward(self, x: Tensor, style: Tensor, bias: Tensor, gain: float = 1.0, mix: Tensor | None = None) -> Tensor:
        """Return `[B, outputs, H, W]` (twice that size when `up`).

        Args:
            x: `[B, inputs, H, W]`.
            style: `[B, S]`, or `[1, S]` for all samples.
            bias: `[outputs]`, added at the end.
            gain: scales the outputs, bias included.
            mix: `[outputs, outputs]`, applied to the outputs, bias included.
        """
        if len(style) == 1:
            return self._convolve(x, *self.plain(style, bias, gain, mix))
        scale = self.modulation(style)
        weight, bias = self._mixed(scaled(bias, gain), mix)
        x = x * scale[:, :, None, None]
        if not self.demodulate:
            return self._convolve(x, scaled(weight, gain), bias)
        x = self._convolve(x, weight, None)
        demodulation = scaled(self._demodulation(scale), gain)
        return torch.addcmul(bias[:, None, None].to(x.dtype), x, demodulation[:, :, None, None].to(x.dtype))

    def plain(self, style: Tensor, bias: Tensor, gain: float = 1.0, mix: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the plain convolution that this is for one style `[1, S]`; arguments as in `forward`.

        Returns:
            Weight `[outputs, inputs, size, size]` and bias `[outputs]`.
        """
        scale = self.modulation(style)
        weight, bias = self._mixed(scaled(bias, gain), mix)
        weight = weight * scaled(scale, gain)[:, :, None, None]
        if self.demodulate:
            weight = weight * self._demodulation(scale)[0, :, None, None, None]
        return weight, bias

    def _mixed(self, bias: Tensor, mix: Tensor | None) -> tuple[Tensor, Tensor]:
        weight: Tensor = self.weight
        return (weight, bias) if mix is None else (torch.einsum("po,oihw->pihw", mix, weight), mix @ bias)

    def _demodulation(self, scale: Tensor) -> Tensor:
        energy = self.weight.square().sum((2, 3))
        return torch.rsqrt(scale.square() @ energy.t() + 1e-8)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.blur is None:
            return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)
        x = self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        return x if bias is None else x + bias[:, None, None]


class StyledConvolution(nn.Module):
    """A modulated convolution, noise scaled by one learnt number, bias and activation (none where `linear`)."""

    def __init__(
        self, inputs: int, outputs: int, style: int, gain: float, *, up: bool = False, linear: bool = False
    ) -> None:
        super().__init__()
        self.gain, self.linear = 1.0 if linear else gain, linear
        self.conv = ModulatedConvolution(inputs, outputs, 3, style, up=up)
        self.noise_strength = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return `[B, outputs, H, W]` of `[B, inputs, H, W]` (twice that size when `up`) and a style `[1 or B, S]`.

        `noise` is `[1 or B, 1, H, W]` at the output's size.
        """
        x = self.conv(x, style, self.bias, self.gain)
        if noise is not None:
            x = x + (scaled(self.noise_strength, self.gain) * noise).to(x.dtype)
        return x if self.linear else rectify(x)


class ToPicture(nn.Module):
    """Features to the Haar bands of a picture, to that picture, added to the doubled picture of the level below."""

    bands_to_pixels: Tensor

    def __init__(self, inputs: int, channels: int, style: int) -> None:
        super().__init__()
        self.conv = ModulatedConvolution(inputs, 4 * channels, 1, style, demodulate=False)
        nn.init.normal_(self.conv.weight, std=FIRST_PICTURE / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(4 * channels))
        self.register_buffer("bands_to_pixels", bands_to_pixels(channels), persistent=False)

    def forward(self, x: Tensor, style: Tensor, below: Tensor | None = None) -> Tensor:
        """Return `[B, channels, 2 H, 2 W]` of `x [B, inputs, H, W]` and a style `[1 or B, S]`.

        `below`, the picture of the level below, is `[B, channels, H, W]`. The inverse wavelet is folded into the
        weights.
        """
        picture = F.pixel_shuffle(self.conv(x, style, self.bias, mix=self.bands_to_pixels), 2)
        return picture if below is None else picture + upsample(below)


class FromPicture(nn.Module):
    """A picture, halved first, to Haar bands and to features."""

    def __init__(self, channels: int, outputs: int, gain: float = GAIN) -> None:
        super().__init__()
        self.blur = Blur(1)
        self.conv = FromBands(channels, outputs, gain)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return the halved picture `[B, channels, H/2, W/2]` and its features `[B, outputs, H/4, W/4]`."""
        halved = self.blur(picture, stride=2)
        return halved, self.conv(halved)


class FromBands(Convolution):
    """A 1x1 convolution of a picture's Haar bands; the wavelet is folded into the weights."""

    bands_to_pixels: Tensor

    def __init__(self, channels: int, outputs: int, gain: float = GAIN) -> None:
        super().__init__(4 * channels, outputs, 1, gain=gain)
        self.register_buffer("bands_to_pixels", bands_to_pixels(channels), persistent=False)

    def forward(self, picture: Tensor) -> Tensor:
        """Return `[B, outputs, H/2, W/2]` of `[B, channels, H, W]`."""
        weight = (self.weight.flatten(1) @ self.bands_to_pixels.t())[:, :, None, None]
        return rectify(F.conv2d(F.pixel_unshuffle(picture, 2), scaled(weight, self.gain), scaled(self.bias, self.gain)))


def bands_to_pixels(channels: int) -> Tensor:
    """Return `[4 C, 4 C]`: from Haar bands to the pixels that `pixel_shuffle` takes; orthonormal."""
    return F.pixel_unshuffle(inverse_haar(torch.eye(4 * channels)[:, :, None, None]), 2).flatten(1).t().contiguous()


class EncoderLevel(nn.Module):
    """Two convolutions, the second halving the size."""

    def __init__(self, inputs: int, outputs: int, gain: float = GAIN) -> None:
        super().__init__()
        self.conv1 = Convolution(inputs, inputs, gain=gain)
        self.conv2 = Convolution(inputs, outputs, down=True, gain=gain)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, H/2, W/2]` of `[B, inputs, H, W]`."""
        halved: Tensor = self.conv2(self.conv1(x))
        return halved


class DecoderLevel(nn.Module):
    """Two styled convolutions, the first doubling the size, and the picture so far.

    Args:
        inputs, outputs: channels.
        channels: of the picture.
        style: length of the style code.
        gain: of the activations.
        linear: no activation at the end, and the outputs' channels only there: the features are to be mixed.
    """

    def __init__(
        self, inputs: int, outputs: int, channels: int, style: int, gain: float, *, linear: bool = False
    ) -> None:
        super().__init__()
        middle = inputs if linear else outputs
        self.up = StyledConvolution(inputs, middle, style, gain, up=True)
        self.conv = StyledConvolution(middle, outputs, style, gain, linear=linear)
        self.to_picture = ToPicture(outputs, channels, style)

    def forward(
        self, x: Tensor, below: Tensor | None, style: Tensor, noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return features `[B, outputs, 2 H, 2 W]` and the picture `[B, channels, 4 H, 4 W]`.

        `x` is `[B, inputs, H, W]`, `below` the picture of the level below, `[B, channels, 2 H, 2 W]`, and `style`
        `[1 or B, S]`. `noise` is `[1 or B, 1 or 2, 2 H, 2 W]`: one map for both convolutions, or one for each.
        """
        first, second = (noise[:, :1], noise[:, -1:]) if noise is not None else (None, None)
        x = self.conv(self.up(x, style, first), style, second)
        return x, self.to_picture(x, style, below)


class Mapping(nn.Module):
    """The mapping network: pixel norm, then linear layers with leaky ReLU 0.1 in between."""

    def __init__(self, length: int, layers: int) -> None:
        super().__init__()
        linears = [nn.Linear(length, length) for _ in range(layers)]
        self.layers = nn.ModuleList(linears)
        for layer in linears:
            nn.init.normal_(layer.weight, std=1 / math.sqrt(length))
            nn.init.zeros_(layer.bias)

    def forward(self, code: Tensor) -> Tensor:
        """Return styles `[B, S]` of codes `[B, S]`."""
        code = code * torch.rsqrt(code.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers[:-1]:
            code = F.leaky_relu(layer(code), 0.1)
        style: Tensor = self.layers[-1](code)
        return style


def embed(value: Tensor, length: int, octaves: int) -> Tensor:
    """Return `[B, length]` of `[B]`: the value, then its sines and cosines at doubling frequencies, then zeros.

    The positional embedding of times and identities (Sec. 3.2). 32 octaves and 64 numbers are the published code's;
    few octaves keep neighbouring frames alike.
    """
    angles = value[:, None] * 2.0 ** torch.arange(octaves, device=value.device, dtype=torch.float32)
    waves = torch.stack([angles.sin(), angles.cos()], 2).flatten(1)
    code = torch.cat([value[:, None], waves], 1)[:, :length]
    return F.pad(code, (0, length - code.shape[1]))
