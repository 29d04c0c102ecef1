# SPDX-License-Identifier: GPL-3.0-or-later
"""From a trained network to the plain one that renders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from ..networks.portrait import PortraitNetwork
from ..networks.styleunet import StyleUNet
from ..networks.windows import Windows
from .layers import PlainConvolution
from .portrait import FoldedPortrait
from .styleunet import FoldedStyleUNet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....protocol.look import Look

FOLDED_LAYERS = {"foreground", "background"}
"""A portrait network without these, a row of the ablation study, is rendered as it is."""


def can_fold(network: nn.Module) -> bool:
    """Tell whether `fold` knows the network."""
    if isinstance(network, PortraitNetwork):
        return set(network.config.layers) >= FOLDED_LAYERS
    return isinstance(network, StyleUNet)


@torch.no_grad()
def fold(
    network: nn.Module,
    look: Look,
    dtype: torch.dtype = torch.float32,
    exact: Sequence[str] = (),
) -> nn.Module:
    """Return a plain network `(uv, texture) -> rgba` that paints what `network` does for this look (with time code).

    In float32 both agree to 1e-5. With another `dtype` convolutions are computed in it, except those in whose name a
    word of `exact` occurs; pictures, masks and coordinates stay float32. `network` must be one that `can_fold`.
    """
    merge = dtype != torch.float32
    folded: nn.Module
    if isinstance(network, PortraitNetwork):
        assert look.time_code is not None
        folded = FoldedPortrait(network, look.time_code, Windows.of(look), merge=merge)
    else:
        assert isinstance(network, StyleUNet)
        folded = FoldedStyleUNet(network, merge=merge)
    for name, layer in folded.named_modules():
        if isinstance(layer, PlainConvolution) and not any(word in name for word in exact):
            layer.to(dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return folded.eval()
