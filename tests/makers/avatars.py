# SPDX-License-Identifier: GPL-3.0-or-later
"""Avatars of networks that nobody trained, or trained otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from semblance.neural.avatar import Avatar
from semblance.neural.avatar_file import Provenance, describe
from semblance.neural.styleavatar.networks.portrait import PortraitNetwork

from .performances import at_rest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from semblance.tracking.performances.performance import Performance
    from torch import nn


def avatar_of(
    network: nn.Module,
    config: Mapping[str, Any] | None = None,
    person: Performance | None = None,
    *,
    resolution: int = 256,
    head_path: Path | None = None,
    kind: str = "styleavatar",
    plate: np.ndarray | None = None,
    **provenance: Any,
) -> Avatar:
    """An avatar of the network, of a person at rest unless another is given.

    `config` is what the file says of the network, by default the network's own; `provenance` what it says of itself.
    """
    if config is None:
        assert isinstance(network, PortraitNetwork)
        config = network.config.to_json()
    said = describe(
        person or at_rest(),
        kind=kind,
        network=config,
        resolution=resolution,
        preset="preview",
        picture=np.zeros((8, 8, 3), np.uint8),
        provenance=Provenance(**provenance),
        head_path=head_path,
    )
    return Avatar(network.eval(), said, plate=plate)
