# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of avatar of this room: a StyleAvatar, and a StyleUNet alone, which only a published checkpoint gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...common.errors import UserError
from ...protocol.inputs import Maps
from ..kind import Kind
from . import LONE_STYLEUNET_NAME, NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ..trained_avatar import TrainedAvatar
    from .runtimes import PortraitRuntimes


def build(*arguments: Any, updates: int | None = None, restore: str = "auto", **options: Any) -> TrainedAvatar:
    """Train a StyleAvatar; see `training.build.build`.

    Raises:
        UserError: updates are asked for, which are a head's in 3D; and as there.
    """
    from .training.build import build

    if updates or restore != "auto":
        raise UserError("Updates and restoration are for heads in 3D; leave them out, or build with --kind splats.")
    return build(*arguments, **options)


def portrait_network(config: Mapping[str, Any]) -> nn.Module:
    """The compositional network of StyleAvatar for a stored configuration."""
    from .networks.config import PortraitConfig
    from .networks.portrait import PortraitNetwork

    return PortraitNetwork(PortraitConfig.from_json(dict(config)))


def no_build(*_arguments: Any, **_options: Any) -> TrainedAvatar:
    """Refuse to train a StyleUNet alone.

    Raises:
        UserError: always.
    """
    raise UserError("A StyleUNet alone is not trained here; import its checkpoint with `semblance import-checkpoint`.")


def lone_styleunet(config: Mapping[str, Any]) -> nn.Module:
    """A StyleUNet alone, for a stored configuration."""
    from .networks.config import StyleUNetConfig
    from .networks.styleunet import StyleUNet

    return StyleUNet(StyleUNetConfig.from_json(dict(config)))


def portrait_runtimes(network: nn.Module) -> PortraitRuntimes:
    """What executes a network of either kind."""
    from .runtimes import PortraitRuntimes

    return PortraitRuntimes(network)


def lone_runtimes(network: nn.Module) -> PortraitRuntimes:
    """What executes a StyleUNet alone, which has no layers to move."""
    from .runtimes import PortraitRuntimes

    return PortraitRuntimes(network, movable=False)


def preset_sizes() -> dict[str, int]:
    """Side of the picture in pixels, by preset, the smallest first."""
    from .training.presets import PRESETS

    return {name: preset.network.resolution for name, preset in PRESETS.items()}


STYLEAVATAR = Kind(NAME, Maps, build, portrait_network, portrait_runtimes, preset_sizes)
STYLEUNET = Kind(LONE_STYLEUNET_NAME, Maps, no_build, lone_styleunet, lone_runtimes, preset_sizes)
