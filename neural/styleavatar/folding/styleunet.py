# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleUNets for one style."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from .cells import spread
from .layers import FoldedDecoderLevel, FoldedFromPicture, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..networks.layers import Convolution, DecoderLevel, EncoderLevel, FromPicture
    from ..networks.styleunet import Decoder, Encoder, StyleUNet


class FoldedEncoder(nn.Module):
    """`styleunet.Encoder` with its gains in its weights."""

    def __init__(self, encoder: Encoder, *, merge: bool) -> None:
        super().__init__()
        self.from_picture = nn.ModuleList(
            FoldedFromPicture(layer) for layer in cast("Iterable[FromPicture]", encoder.from_picture)
        )
        self.levels = nn.ModuleList(
            folded_level(level, merge=merge) for level in cast("Iterable[EncoderLevel]", encoder.levels)
        )

    def forward(self, picture: Tensor, entry: Tensor | None = None) -> list[Tensor]:
        """Return the features `[B, channels, H, W]`, largest first; see `Encoder.forward`."""
        features: list[Tensor] = []
        x = entry
        for from_picture, level in zip(self.from_picture, self.levels, strict=True):
            picture, seen = from_picture(picture)
            features.append(seen if x is None else x)
            x = level(seen if x is None else x + seen.to(x.dtype))
        assert x is not None  # there is at least one level
        return [*features, x]


class FoldedDecoder(nn.Module):
    """`styleunet.Decoder` for one style `[1, S]`.

    Args:
        decoder: what is folded.
        style: the style.
        merge: merge the blurs; see `folding.layers`.
        noise_levels: how many levels, from the last up, get noise.
    """

    def __init__(self, decoder: Decoder, style: Tensor, *, merge: bool, noise_levels: int = 0) -> None:
        super().__init__()
        self.bottom = plain(decoder.bottom, merge=merge)
        self.quiet = len(decoder.levels) - noise_levels
        self.levels = nn.ModuleList(
            FoldedDecoderLevel(level, style, merge=merge, noisy=index >= self.quiet)
            for index, level in enumerate(cast("Iterable[DecoderLevel]", decoder.levels))
        )
        merges = cast("Iterable[Convolution]", decoder.merges)
        self.merges = nn.ModuleList(plain(each, merge=merge) for each in merges)

    def forward(
        self,
        encoded: Sequence[Tensor],
        noises: Sequence[Tensor] = (),
        base: Tensor | None = None,
        crop: tuple[slice, slice] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the last features `[B, channels, H, W]` and the picture's cells `[B, 4 * pictures, H, W]`.

        `encoded` as in `Decoder.forward`. `noises` has one for each level that gets noise; `base` are the cells of a
        picture to paint on, of any level's size; `crop` are the rows and columns of the last level's input that are
        needed: the others are left out.
        """
        x, cells = self.bottom(encoded[-1]), None
        for index, level in enumerate(self.levels):
            below = None if cells is None else spread(cells)
            if crop and below is not None and index == len(self.levels) - 1:
                x, below = cropped(x, crop), cropped(below, doubled(crop))
            x, cells = level(x, below, noises[index - self.quiet] if index >= self.quiet else None)
            if base is not None and base.shape == cells.shape:
                cells = cells + base
            if index < len(self.merges):
                x = self.merges[index](torch.cat([x, encoded[-2 - index].to(x.dtype)], 1))
        assert cells is not None  # there is at least one level
        return x, cells


class FoldedStyleUNet(nn.Module):
    """A StyleUNet alone, ready to render: `(uv, texture) -> rgba`."""

    def __init__(self, network: StyleUNet, *, merge: bool) -> None:
        super().__init__()
        levels = len(network.config.decoder)
        self.encoder = FoldedEncoder(network.encoder, merge=merge)
        self.decoder = FoldedDecoder(network.decoder, network.mapping(network.code), merge=merge, noise_levels=levels)
        for level in range(levels):
            self.register_buffer(f"noise_{level}", network.get_buffer(f"noise_{level}"))

    def forward(self, uv: Tensor, texture: Tensor) -> Tensor:
        """Paint `[B, 4, R, R]` RGBA in [-1, 1] of `texture [B, 3, 256, 256]`; see `StyleUNet.forward`."""
        noises = [self.get_buffer(f"noise_{level}") for level in range(len(self.decoder.levels))]
        _, cells = self.decoder(self.encoder(texture), noises)
        picture = spread(cells).clamp(-1, 1)
        return torch.cat([picture, torch.ones_like(picture[:, :1])], 1)


def folded_level(level: EncoderLevel, *, merge: bool) -> nn.Sequential:
    """Return the two convolutions of an encoder's level."""
    return nn.Sequential(plain(level.conv1, merge=merge), plain(level.conv2, merge=merge))


def cropped(x: Tensor, crop: tuple[slice, slice]) -> Tensor:
    """Return the rows and columns `crop` of `[B, C, H, W]`."""
    return x[..., crop[0], crop[1]]


def doubled(crop: tuple[slice, slice]) -> tuple[slice, slice]:
    """Return the same rows and columns of something twice as large."""
    rows, columns = (slice(2 * each.start, 2 * each.stop) for each in crop)
    return rows, columns
