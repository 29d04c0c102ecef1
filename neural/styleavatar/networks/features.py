# SPDX-License-Identifier: GPL-3.0-or-later
"""The feature generators of Sec. 3.2: StyleGAN2 makes a static map for the face in UV space, one for the background."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ...wavelets import haar
from .config import FEATURE_SIZE, PortraitConfig
from .layers import DecoderLevel, Mapping, embed

IDENTITY_OCTAVES = 32
IDENTITY = 0.0
"""The identity value of the first video."""
IDENTITY_STEP = 0.1
"""From one video of a pre-training to the next (published code)."""


class FeatureGenerator(nn.Module):
    """StyleGAN2 from a learnt constant to a feature map; normalised over the map's pixels."""

    def __init__(self, config: PortraitConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config.style, config.mapping_layers)
        channels = (*config.generator, config.feature_channels)
        self.constant = nn.Parameter(torch.randn(1, channels[0], 4, 4))
        self.levels = nn.ModuleList(
            DecoderLevel(inputs, outputs, config.picture_channels, config.style, config.gain)
            for inputs, outputs in pairwise(channels)
        )
        self.norm = nn.BatchNorm2d(config.feature_channels)

    def forward(self, identity: float = IDENTITY) -> Tensor:
        """Return `[1, C + bands, F, F]`: features, and the Haar bands of a picture that goes with them.

        `identity` is a value that tells videos apart.
        """
        value = torch.full((1,), identity, device=self.constant.device)
        return self.generate(embed(value, self.config.style, IDENTITY_OCTAVES))

    def nothing(self) -> Tensor:
        """Return zeros `[1, C + bands, F, F]` in the place of what `forward` gives."""
        channels = self.config.feature_channels + self.config.bands
        return self.constant.new_zeros(1, channels, FEATURE_SIZE, FEATURE_SIZE)

    def generate(self, code: Tensor) -> Tensor:
        """Return `[1, C + bands, F, F]`, what `forward` does, of an identity code `[1, S]`."""
        style = self.mapping(code)
        features, picture = self.constant, None
        for level in self.levels:
            features, picture = level(features, picture, style)
        assert picture is not None  # there is at least one level
        return torch.cat([self.norm(features), haar(picture)], 1)
