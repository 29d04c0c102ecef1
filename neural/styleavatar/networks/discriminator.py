# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleGAN2's discriminator on Haar bands; it sees the picture together with its texture map (Sec. 3.2, 3.3)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .layers import Convolution, EncoderLevel, FromBands, FromPicture

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = 6
"""Picture and texture map."""


class Discriminator(nn.Module):
    """Tells footage from paintings.

    Args:
        resolution: R, side of the picture in pixels.
        channels: at R/2, R/4, ... 4.

    Raises:
        ValueError: the channels are not one for each level.
    """

    def __init__(self, resolution: int, channels: Sequence[int]) -> None:
        super().__init__()
        if len(channels) != int(math.log2(resolution)) - 2:
            raise ValueError(f"A discriminator for {resolution} pixels has {int(math.log2(resolution)) - 2} levels.")
        self.first = FromBands(CHANNELS, channels[0])
        self.from_picture = nn.ModuleList(FromPicture(CHANNELS, outputs) for outputs in channels[1:])
        self.levels = nn.ModuleList(EncoderLevel(inputs, outputs) for inputs, outputs in pairwise(channels))
        last = channels[-1]
        self.last = Convolution(last + 1, last)
        self.judge = nn.Sequential(nn.Linear(last * 16, last), nn.LeakyReLU(0.2), nn.Linear(last, 1))

    def forward(self, picture: Tensor, texture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge pictures.

        Args:
            picture: `[B, 3, R, R]` in [-1, 1].
            texture: `[B, 3, 256, 256]` texture map of the same window, in [-1, 1].

        Returns:
            Logits `[B, 1]` (footage is positive), and the features of every level, for feature matching:
            `[B, channels, R/4, R/4]`, … `[B, channels, 4, 4]`.
        """
        texture = F.interpolate(texture, picture.shape[-2:], mode="nearest")
        seen = torch.cat([picture, texture], 1)
        x = self.first(seen)
        features = []
        for from_picture, level in zip(self.from_picture, self.levels, strict=True):
            seen, features_seen = from_picture(seen)
            x = level(x) + features_seen
            features.append(x)
        spread = x.float().var(0, unbiased=False).add(1e-8).sqrt().mean().to(x.dtype)
        x = self.last(torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], 1))
        return self.judge(x.flatten(1)), features
