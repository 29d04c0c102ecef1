# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind of avatar of this room: a head in three dimensions, of splats or as a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...common.errors import UserError
from ...protocol.inputs import PosedMesh
from ..kind import Kind
from . import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ...protocol.splats import SplatCloud
    from ...tracking.heads.arrays import Floats
    from ...tracking.heads.head import MorphableHead
    from ..trained_avatar import TrainedAvatar
    from .runtimes import RadianceRuntimes


def build(*arguments: Any, **options: Any) -> TrainedAvatar:
    """Train a head; see `build.build`."""
    from .build import build

    return build(*arguments, **options)


def load(config: Mapping[str, Any]) -> nn.Module:
    """The network of a stored configuration."""
    from .networks import network_of

    return network_of(config)


def runtimes(network: Any) -> RadianceRuntimes:
    """What executes a network."""
    from .runtimes import RadianceRuntimes

    return RadianceRuntimes(network)


def device() -> str:
    """Where it runs: the GPU if Warp can use it, too."""
    from .kernels.launching import kernel_device

    return str(kernel_device().device)


def preset_sizes() -> dict[str, int]:
    """Side of the picture in pixels, by preset, the smallest first."""
    from .presets import PRESETS

    return {name: preset.side for name, preset in PRESETS.items()}


def splats(network: Any, head: MorphableHead, identity: Floats) -> SplatCloud:
    """The splats of a network of splats; see `splats.cloud.cloud_of`.

    Raises:
        UserError: the network is a field.
    """
    from .splats.cloud import cloud_of
    from .splats.network import SplatNetwork

    if not isinstance(network, SplatNetwork):
        raise UserError("This avatar is a field and not made of splats; build one of splats.")
    return cloud_of(network, head, identity)


RADIANCE = Kind(NAME, PosedMesh, build, load, runtimes, preset_sizes, has_backdrop=False, device=device, splats=splats)
