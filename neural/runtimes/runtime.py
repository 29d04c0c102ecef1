# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of all runtimes, what a kind of avatar offers of them, and when two of them agree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ...common.errors import UserError
from ...protocol.look import Look

MEAN_ERROR = 1 / 127.5
"""How far pictures may differ on average: one grey level."""
PIXEL_ERROR = 16 / 127.5
"""How far a pixel may differ in any channel before it counts as spoilt."""
MOST_SPOILT = 1e-3
"""Share of pixels that may be spoilt: along the outline alpha is so steep that a few always are, and nobody sees it."""


class Runtime(Protocol):
    """An avatar's network for one look."""

    def run(self, *inputs: Tensor) -> Tensor:
        """Paint `[1, 4, H, W]` float32 RGBA in [-1, 1] of one frame's inputs (`tensors.tensors_of`), straight alpha.

        A fifth channel, where the kind of avatar has one, is the depth in metres.

        What is returned may be overwritten by the next call.
        """


RuntimeMaker = Callable[[Look], Runtime]
"""Makes the runtime of a look, whose time code is given."""


class PlainMaker(Protocol):
    """Makes a plain network `(*inputs) -> rgba` that paints what a trained one does for one look."""

    def __call__(self, look: Look, dtype: torch.dtype = torch.float32, exact: Sequence[str] = ()) -> nn.Module:
        """Return it with its convolutions in `dtype`, but for those in whose name a word of `exact` occurs."""


@dataclass(frozen=True)
class Exportable:
    """A network that others than PyTorch can execute.

    Attributes:
        plain: makes the plain network of a look.
        example: inputs of one frame, by name, that show something.
        how_to_feed: what the inputs and the output are, for whoever runs an exported file.
        sensitive: groups of layers, by what occurs in their names, in the order in which they become float32 where
            float16 goes wrong.
    """

    plain: PlainMaker
    example: Mapping[str, Tensor]
    how_to_feed: str
    sensitive: tuple[str, ...] = ()


class Runtimes(ABC):
    """What executes one network. A kind of avatar gives at least `at_once`."""

    @abstractmethod
    def at_once(self, look: Look) -> Runtime:
        """A runtime that takes no time to make, for a look that lasts no longer than a frame.

        Raises:
            UserError: the network cannot look like this.
        """

    def ready(self, look: Look) -> Runtime:
        """A faster one, made in as much time as some frames take; errors as `at_once`."""
        return self.at_once(look)

    def exportable(self) -> Exportable:
        """The network as others than PyTorch execute it.

        Raises:
            UserError: only PyTorch can.
        """
        raise UserError("Only PyTorch can render an avatar of this kind; leave the choice of runtime.")


def agree(one: Tensor, other: Tensor) -> bool:
    """Tell whether two pictures `[1, 4, R, R]` in [-1, 1] look the same; pictures with NaN look like nothing."""
    difference = (one.float() - other.float()).abs()
    spoilt = (difference.amax(1) > PIXEL_ERROR).float().mean()
    return bool(difference.mean() <= MEAN_ERROR) and bool(spoilt <= MOST_SPOILT)
