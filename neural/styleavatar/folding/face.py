# SPDX-License-Identifier: GPL-3.0-or-later
"""The face's neural texture, `[1, C + cells + n, F, F]`, looked up at UV maps `[B, 3, 2 F, 2 F]`.

Its channels are features, the pixels of the picture that goes with them, cell by cell, and noise. What comes out is
`[B, C + cells + n, F, F]`: zero where the map does not show the face (`networks.portrait.face_mask`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..networks.portrait import face_mask, sample_uv, with_noise
from .cells import gathered, spread

if TYPE_CHECKING:
    from ..networks.config import PortraitConfig


def folded_face(texture: Tensor, config: PortraitConfig) -> nn.Module:
    """Return what looks `texture [1, C + cells + n, F, F]` up as the configuration says."""
    if config.face_lookup == "nearest":
        return NearestTexture(texture)
    parts = torch.split(texture, [config.feature_channels, config.bands, config.noise_channels], 1)
    return FineTexture(*parts) if config.face_lookup == "fine" else SmoothTexture(torch.cat(parts[:2], 1), parts[2])


class SmoothTexture(nn.Module):
    """A texture looked up bilinearly at every other pixel, and noise at the nearest texel."""

    texture: Tensor
    noise: Tensor

    def __init__(self, texture: Tensor, noise: Tensor) -> None:
        super().__init__()
        self.register_buffer("texture", texture)
        self.register_buffer("noise", noise)

    def forward(self, uv: Tensor) -> Tensor:
        """Return `[B, C + n, F, F]`: the texture looked up at `uv [B, 3, 2 F, 2 F]`."""
        coarse = uv[..., ::2, ::2]
        face = sample_uv(self.texture, coarse, "bilinear")
        if self.noise.shape[1]:
            face = with_noise(face, sample_uv(self.noise, coarse, "nearest"))
        return face.contiguous(memory_format=torch.channels_last) * face_mask(coarse)


class FineTexture(nn.Module):
    """Features looked up as by `SmoothTexture`, and their picture, of which `cells` are the pixels, at every pixel."""

    picture: Tensor

    def __init__(self, features: Tensor, cells: Tensor, noise: Tensor) -> None:
        super().__init__()
        self.features, self.channels = SmoothTexture(features, noise), features.shape[1]
        self.register_buffer("picture", spread(cells))

    def forward(self, uv: Tensor) -> Tensor:
        """Return `[B, C + cells + n, F, F]`: the texture looked up at `uv [B, 3, 2 F, 2 F]`."""
        features = self.features(uv)
        cells = gathered(sample_uv(self.picture, uv, "bilinear") * face_mask(uv))
        return torch.cat([features[:, : self.channels], cells, features[:, self.channels :]], 1)


class NearestTexture(nn.Module):
    """A texture looked up at the nearest texel: the number of the texel is, and all its channels lie together."""

    texels: Tensor
    numbers: Tensor

    def __init__(self, texture: Tensor) -> None:
        super().__init__()
        texels = texture[0].flatten(1).t()
        self.register_buffer("texels", torch.cat([torch.zeros_like(texels[:1]), texels]))
        numbers = torch.arange(1, len(texels) + 1, dtype=torch.float32, device=texture.device)
        self.register_buffer("numbers", numbers.view(1, 1, *texture.shape[2:]))

    def forward(self, uv: Tensor) -> Tensor:
        """Return `[B, C + cells + n, F, F]`: the texture looked up at `uv [B, 3, 2 F, 2 F]`; texel 0 is nothing."""
        coarse = uv[..., ::2, ::2]
        numbers = sample_uv(self.numbers, coarse, "nearest") * face_mask(coarse)
        return self.texels[numbers[:, 0].long()].permute(0, 3, 1, 2)
