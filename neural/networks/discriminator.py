# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleGAN2's discriminator on Haar bands; it sees the picture together with its texture map (Sec. 3.2, 3.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .layers import Convolution, EncoderLevel, FromBands
from .wavelets import haar

BANDS = 24
"""Haar bands of six channels: picture and texture map."""


class Discriminator(nn.Module):
    """Tells footage from paintings.

    Args:
        resolution: side of the picture.
        channels: at R/2, R/4, ... 4.
    """

    def __init__(self, resolution: int, channels: Sequence[int]) -> None:
        super().__init__()
        if len(channels) != int(math.log2(resolution)) - 2:
            raise ValueError(f"A discriminator for {resolution} pixels has {int(math.log2(resolution)) - 2} levels.")
        self.first = Convolution(BANDS, channels[0], 1)
        self.from_bands = nn.ModuleList(FromBands(BANDS, outputs) for outputs in channels[1:])
        self.levels = nn.ModuleList(
            EncoderLevel(inputs, outputs) for inputs, outputs in zip(channels, channels[1:], strict=False)
        )
        last = channels[-1]
        self.last = Convolution(last + 1, last)
        self.judge = nn.Sequential(nn.Linear(last * 16, last), nn.LeakyReLU(0.2), nn.Linear(last, 1))

    def forward(self, picture: Tensor, texture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge pictures.

        Args:
            picture: `[B, 3, R, R]` in [-1, 1].
            texture: `[B, 3, 256, 256]` texture map of the same window, in [-1, 1].

        Returns:
            Logits `[B, 1]` (footage is positive), and the features of every level, for feature matching.
        """
        texture = F.interpolate(texture, picture.shape[-2:], mode="nearest")
        bands = haar(torch.cat([picture, texture], 1))
        x = self.first(bands)
        features = []
        for from_bands, level in zip(self.from_bands, self.levels, strict=True):
            bands, seen = from_bands(bands)
            x = level(x) + seen
            features.append(x)
        spread = x.float().var(0, unbiased=False).add(1e-8).sqrt().mean().to(x.dtype)
        x = self.last(torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], 1))
        return self.judge(x.flatten(1)), features
