# SPDX-License-Identifier: GPL-3.0-or-later
"""The portrait network for one time code and fixed windows: a plain network.

Behind their features, the layers hold a picture and noise. Here these are pixels, not Haar bands: the pixels that lie
in a feature cell are channels of it. Layers are fused cell by cell, for which the basis makes no difference.
"""

from __future__ import annotations

import math
from itertools import accumulate, pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ....tracking.performances.maps import MAP_SIZE
from ...wavelets import inverse_haar
from ..networks.config import FEATURE_SIZE, SLIDING_MARGIN, PortraitConfig
from ..networks.portrait import MASK_GAIN, SEAM, PortraitNetwork, well_inside_face, with_noise
from ..networks.windows import CENTRED, ENLARGED_SIZE, Window, Windows, inside, middle, surrounded
from .cells import gathered, spread
from .face import folded_face
from .layers import PlainConvolution
from .styleunet import FoldedDecoder, FoldedEncoder, folded_level

REACH = 2
"""How many cells beside its output, in its input, a level of the decoder looks at."""


class FoldedPortrait(nn.Module):
    """`(uv, texture) -> rgba`: a `PortraitNetwork` whose time code and windows stay the same.

    Args:
        network: what is folded.
        time_code: 0 to 1.
        windows: where the person and the backdrop are moved to.
        merge: merge the blurs; see `folding.layers`.
    """

    back: Tensor
    back_cells: Tensor
    mask_of_back: Tensor
    foreground_noise: Tensor
    still_share: Tensor | None

    def __init__(self, network: PortraitNetwork, time_code: float, windows: Windows, *, merge: bool) -> None:
        super().__init__()
        config = self.config = network.config
        channels = config.feature_channels
        style = network.style(torch.tensor([time_code], device=network.face.device))
        self.window = windows.foreground
        self.foreground_encoder = FoldedEncoder(network.foreground_encoder, merge=merge)
        self.foreground_decoder = FoldedDecoder(network.foreground_decoder, style, merge=merge)
        self.entry = folded_level(network.entry, merge=merge)
        self.portrait_encoder = FoldedEncoder(network.portrait_encoder, merge=merge)
        self.portrait_decoder = FoldedDecoder(
            network.portrait_decoder, style, merge=merge, noise_levels=config.noise_levels
        )

        of_foreground, of_back = torch.split(network.mask.weight, channels, 1)
        assert network.mask.bias is not None
        self.mask = PlainConvolution(of_foreground, torch.zeros_like(network.mask.bias), padding=1, linear=True)
        behind = windows.foreground.cut(network.back)[:, :channels]
        self.register_buffer("mask_of_back", F.conv2d(behind, of_back, network.mask.bias, padding=1))

        face = in_pixels(with_noise(network.face, network.noise_face), config)
        back = in_pixels(network.back_layer(network.back, windows.background), config)
        joined = face.shape[1] - config.noise_channels
        self.face = folded_face(face, config)
        self.register_buffer("back", back[:, :channels].contiguous(memory_format=torch.channels_last))
        self.register_buffer("back_cells", back[:, channels:].contiguous(memory_format=torch.channels_last))
        foreground = with_noise(torch.zeros_like(network.back), network.noise_foreground)
        self.register_buffer("foreground_noise", self.window.cut(in_pixels(foreground, config)[:, joined:]))
        self.register_buffer(
            "still_share", inside(SEAM * self.window.distance).to(style) if self.window != CENTRED else None
        )

    def forward(self, uv: Tensor, texture: Tensor) -> Tensor:
        """Paint `[B, 4, R, R]` RGBA in [-1, 1] of two maps `[B, 3, 256, 256]`; see `PortraitNetwork.forward`."""
        features, cells = self._foreground(texture)
        face = self._in_window(self.face(uv))
        mask = torch.tanh(self.mask(features).float() + self.mask_of_back)
        if self.config.face_in_front:
            mask = torch.where(self._in_window(well_inside_face(uv[..., ::2, ::2])) > 0.5, -1.0, mask)
        share = (MASK_GAIN * mask).clamp(-1, 1) / 2 + 0.5
        channels, kind = self.config.feature_channels, features.dtype
        features = (torch.lerp(features.float(), self.back, share) + face[:, :channels]).to(kind)
        cells, *noises = self._split(torch.lerp(cells, self.back_cells, share) + face[:, channels:])
        picture = spread(cells)
        encoded = self.portrait_encoder(picture, self.entry(features))
        base = cells if self.config.direct else None
        _, painted_cells = self.portrait_decoder([features, *encoded], noises, base)
        painted = spread(painted_cells).clamp(-1, 1)
        if self.config.picture_channels == 4:
            return painted
        alpha = F.interpolate(-mask, painted.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([painted, alpha], 1)

    def _foreground(self, texture: Tensor) -> tuple[Tensor, Tensor]:
        """The window's foreground: features, and the cells that go with them."""
        still, sliding = self.config.texture_margin, max(self.config.texture_margin, SLIDING_MARGIN)
        if self.still_share is None or still == sliding:
            features, cells = self._window_of_styleunet(texture, still)
        else:
            features, cells = (
                self.window.cut(torch.lerp(around, surrounded(middle(inner, FEATURE_SIZE)), self.still_share.to(inner)))
                for inner, around in zip(
                    self._styleunet(texture, still), self._styleunet(texture, sliding), strict=True
                )
            )
        return features, with_noise(cells, self.foreground_noise)

    def _window_of_styleunet(self, texture: Tensor, margin: int) -> tuple[Tensor, Tensor]:
        """What lies in the window of what StyleUNet 1 makes of the texture map with `margin` pixels around."""
        if not margin:
            return self._styleunet(texture, margin)
        crop, window = cropping(self.window, margin)
        features, cells = self._styleunet(texture, margin, crop)
        return window.cut(features), window.cut(cells)

    def _styleunet(
        self, texture: Tensor, margin: int, crop: tuple[slice, slice] | None = None
    ) -> tuple[Tensor, Tensor]:
        """StyleUNet 1: features, and its picture as cells."""
        encoded = self.foreground_encoder(F.pad(texture, (margin,) * 4, value=-1.0) if margin else texture)
        features, cells = self.foreground_decoder(encoded, crop=crop)
        return features, cells

    def _in_window(self, layer: Tensor) -> Tensor:
        """The window of what the UV map shows, `[B, C, F, F]`."""
        return layer if self.window == CENTRED else self.window.cut(surrounded(layer))

    def _split(self, cells: Tensor) -> list[Tensor]:
        """The picture's cells, and the noise of each level of the decoder that gets some."""
        ends = [0, *accumulate(sizes(self.config)[1:])]
        picture, *noises = (cells[:, start:end] for start, end in pairwise(ends))
        return [picture, *(spread(noise, 2**level) for level, noise in enumerate(noises))]


def sizes(config: PortraitConfig) -> list[int]:
    """Return the channels of a layer's features, of its picture and of its noise for each level."""
    return [config.feature_channels, config.bands, *(4**level for level in range(config.noise_levels))]


def in_pixels(layer: Tensor, config: PortraitConfig) -> Tensor:
    """Return a layer `[B, C + bands + n, H, W]` whose Haar bands and noise have become the pixels of their cells."""
    features, bands, *noises = torch.split(layer, sizes(config), 1)
    return torch.cat([features, pixels(bands, 1), *(pixels(noise, level) for level, noise in enumerate(noises))], 1)


def pixels(bands: Tensor, levels: int) -> Tensor:
    """Return the pixels that Haar bands `[B, n, H, W]` of so many levels stand for: `[B, n, H, W]`, cell by cell."""
    for _ in range(levels):
        bands = inverse_haar(bands)
    return gathered(bands, 2**levels)


def cropping(window: Window, margin: int) -> tuple[tuple[slice, slice], Window]:
    """Return what the last level of StyleUNet 1 must see for a window, and where the window lies in what it then makes.

    The former are rows and columns. `margin` is that of the texture map, in its pixels.
    """
    size = MAP_SIZE // 2 + margin
    offset = (size - ENLARGED_SIZE) // 2
    firsts = [offset + math.floor(start) for start in (window.row, window.column)]
    starts = [max(0, first // 2 - REACH) for first in firsts]
    stops = [min(size // 2, (first + FEATURE_SIZE + 2) // 2 + REACH) for first in firsts]
    rows, columns = map(slice, starts, stops)
    return (rows, columns), Window(offset + window.row - 2 * starts[0], offset + window.column - 2 * starts[1])
