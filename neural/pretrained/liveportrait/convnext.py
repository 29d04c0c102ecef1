# SPDX-License-Identifier: GPL-3.0-or-later
"""ConvNeXt V2 (Woo et al. 2023), tiny: what looks at a picture in LivePortrait's motion extractor."""

from __future__ import annotations

import itertools
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

DEPTHS, CHANNELS = (3, 3, 9, 3), (96, 192, 384, 768)
EPSILON = 1e-6


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of `[B, C, H, W]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to the same shape."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class GlobalResponseNorm(nn.Module):
    """Channels strengthened by how strongly they answer in the whole picture, compared with the others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, H, W, C]` to the same shape."""
        answer: Tensor = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        share = answer / (answer.mean(-1, keepdim=True) + EPSILON)
        strengthened: Tensor = self.gamma * (x * share) + self.beta + x
        return strengthened


class Block(nn.Module):
    """A wide depth-wise convolution, then two layers at each place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=EPSILON)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.grn = GlobalResponseNorm(4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to the same shape."""
        inner = self.norm(self.dwconv(x).movedim(1, -1))
        inner = self.pwconv2(self.grn(F.gelu(self.pwconv1(inner))))
        return x + cast("Tensor", inner).movedim(-1, 1)


class ConvNeXt(nn.Module):
    """The body; subclasses add what reads its features."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, CHANNELS[0], 4, stride=4), ChannelNorm(CHANNELS[0], eps=EPSILON))
        self.downsample_layers = nn.ModuleList([stem])
        for before, after in itertools.pairwise(CHANNELS):
            halved = nn.Sequential(ChannelNorm(before, eps=EPSILON), nn.Conv2d(before, after, 2, stride=2))
            self.downsample_layers.append(halved)
        stages = zip(CHANNELS, DEPTHS, strict=True)
        self.stages = nn.ModuleList(nn.Sequential(*(Block(width) for _ in range(depth))) for width, depth in stages)
        self.norm = nn.LayerNorm(CHANNELS[-1], eps=EPSILON)

    def features(self, picture: Tensor) -> Tensor:
        """Return `[B, 768]` of pictures `[B, 3, H, W]`."""
        x = picture
        for shrink, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(shrink(x))
        return cast("Tensor", self.norm(x.mean((2, 3))))
