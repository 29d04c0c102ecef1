# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks so small that a test waits for none, and maps to feed them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from semblance.neural.styleavatar.networks.config import PortraitConfig
from semblance.neural.styleavatar.training.presets import PREVIEW, Preset
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator

TINY = PortraitConfig(
    resolution=256,
    feature_channels=4,
    picture_channels=4,
    generator=(4, 4, 4, 4, 4),
    foreground_encoder=(4, 4, 4, 4),
    foreground_decoder=(4, 4, 4),
    foreground_skips=1,
    portrait_encoder=(4, 4, 4, 4),
    portrait_decoder=(4, 4, 4, 4),
    portrait_skips=4,
    direct=True,
    noise_levels=1,
    time_octaves=3,
)
"""The portrait network, as narrow as it gets."""


def narrow_preview() -> Preset:
    """The preview preset, so narrow that a step takes a fraction of a second."""
    network = replace(
        PREVIEW.network,
        feature_channels=4,
        generator=(8, 8, 8, 8, 4),
        foreground_encoder=(4, 8, 8, 8),
        foreground_decoder=(8, 8, 4),
        portrait_encoder=(8, 8, 8, 8),
        portrait_decoder=(8, 8, 8, 4),
    )
    return replace(
        PREVIEW,
        network=network,
        discriminator=(4, 8, 8, 8, 8, 8),
        optimiser=replace(PREVIEW.optimiser, learning_rate=3e-3),
        schedule=replace(
            PREVIEW.schedule, batch_size=2, adversary_start=0.5, adversary_every=2, r1_every=2, freeze_after=6
        ),
        augmentation=replace(PREVIEW.augmentation, slide_every=2, random_time_code=0.0),
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """A network this narrow gains nothing from threads, and loses much where the cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Mirror(nn.Module):
    """Shows the texture map, and the UV map's mask as alpha: a perfect avatar of footage that equals its maps."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, uv: torch.Tensor, texture: torch.Tensor, time_code: torch.Tensor) -> torch.Tensor:
        return torch.cat([texture, uv[:, 2:]], 1)


def random_maps() -> tuple[torch.Tensor, torch.Tensor]:
    """A UV map `[1, 3, 256, 256]` with a face in the middle, and a texture map; the rest of both is drawn at random."""
    drawn = torch.Generator().manual_seed(2)
    uv, texture = (torch.rand(1, 3, 256, 256, generator=drawn) * 2 - 1 for _ in range(2))
    uv[:, 2] = -1
    uv[:, 2, 60:200, 70:190] = 1
    return uv, texture
