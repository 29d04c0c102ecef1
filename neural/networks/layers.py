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

from .wavelets import haar, inverse_haar

SLOPE = 0.2
GAIN = math.sqrt(2.0)
BLUR_TAPS = (1.0, 3.0, 3.0, 1.0)


def rectify(x: Tensor) -> Tensor:
    """Leaky ReLU, in place. Its gain is put into what comes before: gain * lrelu(x) = lrelu(gain * x)."""
    return F.leaky_relu(x, SLOPE, inplace=True)


class Blur(nn.Module):
    """The [1, 3, 3, 1] low-pass on both axes that goes with resampling by two; `padding` rows and columns each side."""

    def __init__(self, padding: int, gain: float = 1.0) -> None:
        super().__init__()
        taps = torch.tensor(BLUR_TAPS)
        self.register_buffer("kernel", torch.outer(taps, taps) / taps.sum() ** 2 * gain, persistent=False)
        self.padding = padding

    def forward(self, x: Tensor, stride: int = 1) -> Tensor:
        """Return the blurred `[B, C, H, W]`, of every `stride`-th pixel."""
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv2d(x, kernel, padding=self.padding, stride=stride, groups=channels)


def downsample(picture: Tensor, blur: Blur) -> Tensor:
    """Halve a picture `[B, C, H, W]`; `blur` has padding 1."""
    return blur(picture, stride=2)


def upsample(picture: Tensor) -> Tensor:
    """Double a picture `[B, C, H, W]`: the [1, 3, 3, 1] filter over zeros put in between, black beyond the border."""
    padded = F.pad(picture, (1, 1, 1, 1))
    doubled = F.interpolate(padded, scale_factor=2, mode="bilinear", align_corners=False)
    return doubled[..., 2:-2, 2:-2]


class Convolution(nn.Module):
    """A 1x1 or 3x3 convolution with bias and activation; halves the size when `down`."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, *, down: bool = False) -> None:
        super().__init__()
        self.blur = Blur(2) if down else None
        self.stride, self.padding = (2, 0) if down else (1, size // 2)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size) / math.sqrt(inputs * size * size))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, H, W]` (half that size when `down`)."""
        if self.blur is not None:
            x = self.blur(x)
        return rectify(F.conv2d(x, self.weight * GAIN, self.bias * GAIN, self.stride, self.padding))


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

    def forward(self, x: Tensor, style: Tensor, offset: Tensor, gain: float = 1.0) -> Tensor:
        """Convolve, then add.

        Args:
            x: `[B, inputs, H, W]`.
            style: `[B, S]`, or `[1, S]` for all samples.
            offset: what is added at the end; `[1 or B, 1 or outputs, 1 or H, 1 or W]`.
            gain: of the convolution, not of the offset.
        """
        scale = self.modulation(style)
        if len(style) == 1:
            return self._convolve(x, self._modulated_weight(scale) * gain) + offset
        x = self._convolve(x * scale[:, :, None, None], self.weight if self.demodulate else self.weight * gain)
        if not self.demodulate:
            return x + offset
        return torch.addcmul(offset.to(x.dtype), x, (self._demodulation(scale) * gain)[:, :, None, None].to(x.dtype))

    def _demodulation(self, scale: Tensor) -> Tensor:
        energy = self.weight.square().sum((2, 3))
        return torch.rsqrt(scale.square() @ energy.t() + 1e-8)

    def _modulated_weight(self, scale: Tensor) -> Tensor:
        weight = self.weight * scale[:, :, None, None]
        return weight * self._demodulation(scale)[0, :, None, None, None] if self.demodulate else weight

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        if self.blur is not None:
            return self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        return F.conv2d(x, weight, padding=weight.shape[-1] // 2)


class StyledConvolution(nn.Module):
    """A modulated convolution, noise scaled by one learnt number, bias and activation."""

    def __init__(self, inputs: int, outputs: int, style: int, *, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConvolution(inputs, outputs, 3, style, up=up)
        self.noise_strength = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(1, outputs, 1, 1))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return `[B, outputs, H, W]`; `noise` is `[B, 1, H, W]` or `[1, 1, H, W]` at the output's size."""
        offset = self.bias if noise is None else self.bias + self.noise_strength * noise
        return rectify(self.conv(x, style, offset * GAIN, GAIN))


class ToBands(nn.Module):
    """Features to the Haar bands of a picture, added to the doubled picture of the level below."""

    def __init__(self, inputs: int, bands: int, style: int) -> None:
        super().__init__()
        self.conv = ModulatedConvolution(inputs, bands, 1, style, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, bands, 1, 1))

    def forward(self, x: Tensor, style: Tensor, below: Tensor | None = None) -> Tensor:
        """Return `[B, bands, H, W]`; `below` is `[B, bands, H/2, W/2]`."""
        bands = self.conv(x, style, self.bias)
        return bands if below is None else bands + haar(upsample(inverse_haar(below)))


class FromBands(nn.Module):
    """The Haar bands of a picture, halved first, to features."""

    def __init__(self, bands: int, outputs: int) -> None:
        super().__init__()
        self.blur = Blur(1)
        self.conv = Convolution(bands, outputs, 1)

    def forward(self, bands: Tensor) -> tuple[Tensor, Tensor]:
        """Return the halved bands and their features: `[B, bands, H/2, W/2]`, `[B, outputs, H/2, W/2]`."""
        halved = haar(downsample(inverse_haar(bands), self.blur))
        return halved, self.conv(halved)


class EncoderLevel(nn.Module):
    """Two convolutions, the second halving the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = Convolution(inputs, inputs)
        self.conv2 = Convolution(inputs, outputs, down=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, H/2, W/2]` of `[B, inputs, H, W]`."""
        return self.conv2(self.conv1(x))


class DecoderLevel(nn.Module):
    """Two styled convolutions, the first doubling the size, and the bands of the picture so far."""

    def __init__(self, inputs: int, outputs: int, bands: int, style: int, middle: int | None = None) -> None:
        super().__init__()
        middle = outputs if middle is None else middle
        self.up = StyledConvolution(inputs, middle, style, up=True)
        self.conv = StyledConvolution(middle, outputs, style)
        self.to_bands = ToBands(outputs, bands, style)

    def forward(
        self, x: Tensor, bands: Tensor | None, style: Tensor, noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return features `[B, outputs, 2 H, 2 W]` and the picture's bands at that size."""
        x = self.conv(self.up(x, style, noise), style, noise)
        return x, self.to_bands(x, style, bands)


class Mapping(nn.Module):
    """The mapping network: pixel norm, then linear layers with leaky ReLU 0.1."""

    def __init__(self, length: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(length, length) for _ in range(layers))
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=1 / math.sqrt(length))
            nn.init.zeros_(layer.bias)

    def forward(self, code: Tensor) -> Tensor:
        """Return styles `[B, S]` of codes `[B, S]`."""
        code = code * torch.rsqrt(code.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers:
            code = F.leaky_relu(layer(code), 0.1)
        return code


def embed(value: Tensor, length: int, octaves: int) -> Tensor:
    """Return `[B, length]` of `[B]`: the value, then its sines and cosines at doubling frequencies, then zeros.

    The positional embedding of times and identities (Sec. 3.2). 32 octaves and 64 numbers are the published code's;
    few octaves keep neighbouring frames alike.
    """
    angles = value[:, None] * 2.0 ** torch.arange(octaves, device=value.device, dtype=torch.float32)
    waves = torch.stack([angles.sin(), angles.cos()], 2).flatten(1)
    code = torch.cat([value[:, None], waves], 1)[:, :length]
    return F.pad(code, (0, length - code.shape[1]))
