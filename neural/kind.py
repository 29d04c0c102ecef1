# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of avatar is to the rest of the house. Needs no PyTorch: what a kind does is imported when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from ..protocol.inputs import Inputs
    from ..protocol.splats import SplatCloud
    from ..tracking.heads.arrays import Floats
    from ..tracking.heads.head import MorphableHead
    from .runtimes.runtime import Runtimes
    from .trained_avatar import TrainedAvatar


def usual_device() -> str:
    """The GPU where there is one."""
    from .device import device_facts

    return device_facts().device


@dataclass(frozen=True)
class Kind:
    """A kind of avatar: a room of its own beside this file, and a line in `kinds`.

    Attributes:
        name: what avatar files call it.
        inputs: what its frames are painted from: `Maps` or `PosedMesh`.
        build: `(dataset, avatar, *, preset, seconds, steps, train_share, resume, base, listener) -> TrainedAvatar`:
            trains one and writes its file; see `styleavatar.training.build.build`.
        load: makes the network of a stored configuration; its weights are filled in afterwards.
        runtimes: what executes such a network.
        sizes: side of the picture in pixels, by preset.
        has_backdrop: whether its pictures show what was behind the person.
        device: where PyTorch has its networks run, unless told.
        splats: `(network, head, identity [I]) -> SplatCloud`: the network as splats on a person's head; raises
            UserError for a network that has none. None for a kind without splats.
    """

    name: str
    inputs: type[Inputs]
    build: Callable[..., TrainedAvatar]
    load: Callable[[Mapping[str, Any]], nn.Module]
    runtimes: Callable[[nn.Module], Runtimes]
    sizes: Callable[[], Mapping[str, int]] = dict
    has_backdrop: bool = True
    device: Callable[[], str] = usual_device
    splats: Callable[[nn.Module, MorphableHead, Floats], SplatCloud] | None = None
