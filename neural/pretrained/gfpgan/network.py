# SPDX-License-Identifier: GPL-3.0-or-later
"""GFPGAN: a U-Net sees the face, and steers StyleGAN2 to paint it anew.

Written from the paper and from the names and shapes of the published file's tensors, which it reads ("v1.4", as well as
1.2 and 1.3, which are built alike). Names of layers are those of the file. Parts that only training uses are left out.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ..contents import load_layer, network_tensors
from .decoder import FIRST_SIDE, SLOPE, StyleDecoder, enlarged, width_at

if TYPE_CHECKING:
    from pathlib import Path

SIZE, WIDTH = 512, 512
"""Pixels of the published network's pictures, and channels of its widest layers."""


class ResidualBlock(nn.Module):
    """Two convolutions with a change of size between them, beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, times: float) -> None:
        super().__init__()
        self.times = times
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, times * H, times * W]` of `x [B, inputs, H, W]`."""
        y = enlarged(F.leaky_relu(self.conv1(x), SLOPE), self.times)
        shortcut: Tensor = self.skip(enlarged(x, self.times))
        return F.leaky_relu(self.conv2(y), SLOPE) + shortcut


def condition(channels: int) -> nn.Sequential:
    """Return what makes scales or shifts of features, of as many channels."""
    first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
    return nn.Sequential(first, nn.LeakyReLU(SLOPE), second)


class GFPGAN(nn.Module):
    """Restores faces that lie as FFHQ's do."""

    def __init__(self, size: int = SIZE, width: int = WIDTH) -> None:
        """`size` pixels square, a power of two from 8; the defaults are the published network's."""
        super().__init__()
        sides = [size >> step for step in range(size.bit_length()) if size >> step >= FIRST_SIDE]
        channels = [width_at(side, width) // 2 for side in sides]
        growing = list(itertools.pairwise(channels[::-1]))
        self.width = width
        self.conv_body_first = nn.Conv2d(3, channels[0], 1)
        self.conv_body_down = nn.ModuleList(
            ResidualBlock(inputs, outputs, 0.5) for inputs, outputs in itertools.pairwise(channels)
        )
        self.final_conv = nn.Conv2d(channels[-1], channels[-1], 3, padding=1)
        self.conv_body_up = nn.ModuleList(ResidualBlock(inputs, outputs, 2) for inputs, outputs in growing)
        self.condition_scale = nn.ModuleList(condition(outputs) for _, outputs in growing)
        self.condition_shift = nn.ModuleList(condition(outputs) for _, outputs in growing)
        self.stylegan_decoder = StyleDecoder(size, width)
        self.final_linear = nn.Linear(channels[-1] * FIRST_SIDE**2, self.stylegan_decoder.codes * width)
        self.requires_grad_(False)

    @classmethod
    def from_file(cls, path: Path) -> GFPGAN:
        """Read the published weights, as the authors' `.pth` or as safetensors.

        Raises:
            UserError: the file is cut short or damaged, holds code, or holds another network.
        """
        tensors = network_tensors(path, "gfpgan")
        with torch.device("meta"):
            network = cls()
        network.to_empty(device="cpu")
        load_layer(network, tensors, "", path)
        return network.eval()

    def forward(self, face: Tensor) -> Tensor:
        """Return restored faces `[B, 3, size, size]`, about -1 to 1, of faces of the same shape, -1 to 1."""
        features, seen = F.leaky_relu(self.conv_body_first(face), SLOPE), []
        for smaller in self.conv_body_down:
            features = smaller(features)
            seen.append(features)
        features = F.leaky_relu(self.final_conv(features), SLOPE)
        codes = self.final_linear(features.flatten(1)).view(len(face), -1, self.width)
        conditions = []
        for beside, larger, scale, shift in zip(
            reversed(seen), self.conv_body_up, self.condition_scale, self.condition_shift, strict=True
        ):
            features = larger(features + beside)
            conditions.append((scale(features), shift(features)))
        return cast("Tensor", self.stylegan_decoder(codes, conditions))
