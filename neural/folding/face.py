# SPDX-License-Identifier: GPL-3.0-or-later
"""The face's neural texture with its noise, `[1, C + n, F, F]`, looked up at UV maps `[B, 3, F, F]`.

What comes out is `[B, C + n, F, F]`: zero where the map does not show the face (`networks.portrait.face_mask`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..networks.portrait import face_mask, sample_uv, with_noise


class SmoothTexture(nn.Module):
    """A texture looked up bilinearly, and its last channels, `noises`, at the nearest texel."""

    texture: Tensor
    noise: Tensor

    def __init__(self, texture: Tensor, noises: int) -> None:
        super().__init__()
        smooth = texture.shape[1] - noises
        self.register_buffer("texture", texture[:, :smooth])
        self.register_buffer("noise", texture[:, smooth:])

    def forward(self, uv: Tensor) -> Tensor:
        """Look the texture up."""
        face = sample_uv(self.texture, uv, "bilinear")
        if self.noise.shape[1]:
            face = with_noise(face, sample_uv(self.noise, uv, "nearest"))
        return face * face_mask(uv)


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
        """Look the texture up; texel 0 is nothing."""
        numbers = sample_uv(self.numbers, uv, "nearest") * face_mask(uv)
        return self.texels[numbers[:, 0].long()].permute(0, 3, 1, 2)
