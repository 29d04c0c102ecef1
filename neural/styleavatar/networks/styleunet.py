# SPDX-License-Identifier: GPL-3.0-or-later
"""The StyleUNet of Sec. 3.3: a U-Net whose decoder is StyleGAN2's, with wavelets in and out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ....tracking.performances.maps import MAP_SIZE
from .layers import Convolution, DecoderLevel, EncoderLevel, FromPicture, Mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .config import StyleUNetConfig

PICTURE_CHANNELS = 3


class Encoder(nn.Module):
    """From a picture of side 2 F to features at F/2, F/4, F/8 and F/16."""

    def __init__(self, pictures: int, channels: Sequence[int], gain: float) -> None:
        super().__init__()
        self.from_picture = nn.ModuleList(FromPicture(pictures, outputs, gain) for outputs in channels[:-1])
        self.levels = nn.ModuleList(EncoderLevel(inputs, outputs, gain) for inputs, outputs in pairwise(channels))

    def forward(self, picture: Tensor, entry: Tensor | None = None) -> list[Tensor]:
        """Return the features, largest first, as they are before the picture of their size is added.

        Args:
            picture: `[B, pictures, 2 F, 2 F]`, -1 to 1.
            entry: the first features, `[B, channels, F/2, F/2]`; what is seen of the picture where there are none.

        Returns:
            `[B, channels, F/2, F/2]`, … `[B, channels, F/16, F/16]`.
        """
        features: list[Tensor] = []
        x = entry
        for from_picture, level in zip(self.from_picture, self.levels, strict=True):
            picture, seen = from_picture(picture)
            features.append(seen if x is None else x)
            x = level(seen if x is None else x + seen)
        assert x is not None  # there is at least one level
        return [*features, x]


class Decoder(nn.Module):
    """From the encoder's features to a picture.

    Args:
        encoder: channels of the encoder's features, largest size first.
        channels: of the decoder's levels, smallest size first.
        skips: how many levels, smallest first, see the encoder's features of their size.
        pictures: channels of the picture.
        style: length of the style code.
        gain: of the activations.
        linear: the last level's features are linear: they are the result, rather than the picture.
    """

    def __init__(
        self,
        encoder: Sequence[int],
        channels: Sequence[int],
        skips: int,
        pictures: int,
        style: int,
        gain: float,
        *,
        linear: bool = False,
    ) -> None:
        super().__init__()
        deepest, last = encoder[-1], len(channels) - 1
        self.bottom = Convolution(deepest, deepest, gain=gain)
        self.levels = nn.ModuleList(
            DecoderLevel(before, after, pictures, style, gain, linear=linear and index == last)
            for index, (before, after) in enumerate(pairwise((deepest, *channels)))
        )
        seen = list(encoder[-2::-1])[:skips]
        self.merges = nn.ModuleList(
            Convolution(own + skip, own, gain=gain) for own, skip in zip(channels[:skips], seen, strict=True)
        )

    def forward(
        self, encoded: list[Tensor], style: Tensor, noises: Sequence[Tensor | None] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the last features and the picture, twice their size.

        Args:
            encoded: features `[B, channels, H, W]`, from the largest to the smallest.
            style: `[1 or B, S]`.
            noises: for each level, `[1 or B, 1 or 2, H, W]` of its output's size, or None.

        Returns:
            `[B, channels, H, W]` and `[B, pictures, 2 H, 2 W]`.
        """
        x, picture = self.bottom(encoded[-1]), None
        for index, level in enumerate(self.levels):
            x, picture = level(x, picture, style, noises[index] if noises else None)
            if index < len(self.merges):
                x = self.merges[index](torch.cat([x, encoded[-2 - index]], 1))
        assert picture is not None  # there is at least one level
        return x, picture


class StyleUNet(nn.Module):
    """A StyleUNet alone: texture map in, picture out. The simplest avatar: its head must not move far.

    Attributes:
        code: `[1, S]`, drawn once, like the noise, and kept with the weights; the published code draws both anew.
    """

    code: Tensor

    def __init__(self, config: StyleUNetConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config.style, config.mapping_layers)
        self.encoder = Encoder(PICTURE_CHANNELS, config.encoder, config.gain)
        self.decoder = Decoder(
            config.encoder, config.decoder, config.skips, PICTURE_CHANNELS, config.style, config.gain
        )
        drawn = torch.Generator().manual_seed(0)
        self.register_buffer("code", torch.randn(1, config.style, generator=drawn))
        smallest = MAP_SIZE // 2 ** (len(config.encoder) + 1)
        for level in range(len(config.decoder)):
            side = smallest * 2 ** (level + 1)
            self.register_buffer(f"noise_{level}", torch.randn(1, 2, side, side, generator=drawn))

    def forward(self, uv: Tensor, texture: Tensor, time_code: Tensor) -> Tensor:
        """Paint `[B, 4, R, R]` RGBA in [-1, 1], all of it foreground, of `texture [B, 3, 256, 256]` in [-1, 1].

        UV map and time code are not looked at.
        """
        noises = [self.get_buffer(f"noise_{level}") for level in range(len(self.config.decoder))]
        _, picture = self.decoder(self.encoder(texture), self.mapping(self.code), noises)
        return torch.cat([picture.float().clamp(-1, 1), torch.ones_like(picture[:, :1], dtype=torch.float32)], 1)
