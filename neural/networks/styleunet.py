# SPDX-License-Identifier: GPL-3.0-or-later
"""The StyleUNet of Sec. 3.3: a U-Net whose decoder is StyleGAN2's, with wavelet bands in and out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .layers import Convolution, DecoderLevel, EncoderLevel, FromBands


class Encoder(nn.Module):
    """From a map's Haar bands at size F to features at F/2, F/4, F/8 and F/16."""

    def __init__(self, bands: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.from_bands = nn.ModuleList(FromBands(bands, outputs) for outputs in channels[:-1])
        self.levels = nn.ModuleList(
            EncoderLevel(inputs, outputs) for inputs, outputs in zip(channels, channels[1:], strict=False)
        )

    def forward(self, bands: Tensor, entry: Tensor | None = None) -> list[Tensor]:
        """Return the features, largest first; `entry` is added to the first of them."""
        features: list[Tensor] = []
        x = entry
        for from_bands, level in zip(self.from_bands, self.levels, strict=True):
            bands, seen = from_bands(bands)
            x = seen if x is None else x + seen
            features.append(x)
            x = level(x)
        return [*features, x]


class Decoder(nn.Module):
    """From the encoder's features to a picture's Haar bands.

    Args:
        encoder: channels of the encoder's features, largest size first.
        channels: of the decoder's levels, smallest size first.
        skips: how many levels, smallest first, see the encoder's features of their size.
        bands: Haar bands of the picture.
        style: length of the style code.
        last_middle: channels between the two convolutions of the last level; its own when None.
    """

    def __init__(
        self,
        encoder: Sequence[int],
        channels: Sequence[int],
        skips: int,
        bands: int,
        style: int,
        last_middle: int | None = None,
    ) -> None:
        super().__init__()
        deepest = encoder[-1]
        inputs = (deepest, *channels[:-1])
        middles = (*[None] * (len(channels) - 1), last_middle)
        self.bottom = Convolution(deepest, deepest)
        self.levels = nn.ModuleList(
            DecoderLevel(before, after, bands, style, middle)
            for before, after, middle in zip(inputs, channels, middles, strict=True)
        )
        seen = list(encoder[-2::-1])[:skips]
        self.merges = nn.ModuleList(
            Convolution(own + skip, own) for own, skip in zip(channels[:skips], seen, strict=True)
        )

    def forward(
        self, encoded: list[Tensor], style: Tensor, noises: Sequence[Tensor | None] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the last features and the bands; `encoded` largest first, `noises` one a level (or None)."""
        x, bands = self.bottom(encoded[-1]), None
        for index, level in enumerate(self.levels):
            x, bands = level(x, bands, style, noises[index] if noises else None)
            if index < len(self.merges):
                x = self.merges[index](torch.cat([x, encoded[-2 - index]], 1))
        return x, bands
