# SPDX-License-Identifier: GPL-3.0-or-later
"""What executes the networks of this room: PyTorch, as trained or folded, and others by way of the folded network."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...common.errors import UserError
from ...tracking.performances.maps import MAP_SIZE
from ..precision import native_dtype
from ..runtimes.cuda_graph import recorded
from ..runtimes.runtime import Exportable, Runtime, Runtimes, agree
from .folding.fold import can_fold, fold
from .folding.packing import packed
from .networks.windows import STILL, Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...protocol.look import Look

log = logging.getLogger(__name__)

SENSITIVE = ("from_picture", "to_picture", "mask", "entry", "bottom", "foreground_encoder", "foreground_decoder")
"""Groups of layers, by what occurs in their names, in the order in which they become float32."""
HOW_TO_FEED = (
    f"uv: UV map, float32 [1, 3, {MAP_SIZE}, {MAP_SIZE}], channels u, v and mask, scaled from 0..1 to -1..1, all -1 "
    f"outside the face. texture: texture map in RGB, float32 [1, 3, {MAP_SIZE}, {MAP_SIZE}], scaled likewise. "
    "rgba: the portrait over its own background and the foreground's straight alpha, float32 [1, 4, R, R], -1..1."
)


class PortraitRuntimes(Runtimes):
    """What executes a portrait network or a StyleUNet alone.

    Args:
        network: the trained one.
        movable: whether person and backdrop can be moved.
    """

    def __init__(self, network: nn.Module, *, movable: bool = True) -> None:
        self.network, self.movable = network, movable

    def at_once(self, look: Look) -> Runtime:
        """See `Runtimes.at_once`."""
        return UnfoldedRuntime(self.network, self._possible(look))

    def ready(self, look: Look) -> Runtime:
        """See `Runtimes.ready`: folded where that is possible; the network must not change from now on."""
        if not can_fold(self.network):
            return self.at_once(look)
        return FoldedRuntime(self.network, self._possible(look))

    def exportable(self) -> Exportable:
        """See `Runtimes.exportable`."""
        if not can_fold(self.network):
            raise UserError("This avatar is a row of the ablation study, which only PyTorch can render; build another.")
        return Exportable(self._folded, example_maps(), HOW_TO_FEED, SENSITIVE)

    def _folded(self, look: Look, dtype: torch.dtype = torch.float32, exact: Sequence[str] = ()) -> nn.Module:
        return fold(self.network, self._possible(look), dtype, exact)

    def _possible(self, look: Look) -> Look:
        if not self.movable and Windows.of(look) != STILL:
            raise UserError("This avatar is a StyleUNet alone, whose person and backdrop cannot be moved; leave them.")
        return look


class UnfoldedRuntime:
    """The network as it was trained: ready at once, for a look that lasts no longer than a frame."""

    def __init__(self, network: nn.Module, look: Look) -> None:
        device, windows = next(network.parameters()).device, Windows.of(look)
        self.network, self.code = network, torch.tensor([look.time_code], device=device)
        self.windows = () if windows == STILL else (windows,)

    def run(self, *inputs: Tensor) -> Tensor:
        """See `Runtime.run`."""
        painted: Tensor = self.network(*inputs, self.code, *self.windows)
        return painted


class FoldedRuntime:
    """The folded network, in bfloat16 or float16 where the device computes in it; on a GPU, as one CUDA graph.

    The first picture is painted in float32 too. Should the shorter one not agree (`runtime.agree`), float32 it is.
    How far they are apart: `benchmarks/network.py`.
    """

    def __init__(self, network: nn.Module, look: Look, dtype: torch.dtype | None = None) -> None:
        self.device = next(network.parameters()).device
        self.dtype = dtype or native_dtype(self.device)
        self.painter = self._prepared(fold(network, look, self.dtype))
        self._check = fold(network, look) if self.dtype != torch.float32 else None

    def run(self, *inputs: Tensor) -> Tensor:
        """See `Runtime.run`."""
        if self._check is not None:
            exact, self._check = self._check, None
            if not agree(self.painter(*inputs), exact(*inputs)):
                shorter = str(self.dtype).removeprefix("torch.")
                log.warning("%s spoils this avatar's pictures, so it is rendered in float32, which is slower.", shorter)
                del self.painter  # and its memory
                self.dtype, self.painter = torch.float32, self._prepared(exact)
        painted: Tensor = self.painter(*inputs)
        return painted

    def _prepared(self, folded: nn.Module) -> nn.Module:
        maps = torch.zeros(2, 1, 3, MAP_SIZE, MAP_SIZE, device=self.device).unbind()
        return recorded(folded, *maps) if self.device.type == "cuda" else packed(folded, *maps)


def example_maps() -> dict[str, Tensor]:
    """Maps `[1, 3, 256, 256]` of a flat face that fills the middle of the picture."""
    ramp = torch.linspace(-1, 1, MAP_SIZE)
    mask = torch.full((MAP_SIZE, MAP_SIZE), -1.0)
    uv = torch.stack([ramp.expand_as(mask), ramp[:, None].expand_as(mask), mask])
    uv[2, 64:192, 64:192] = 1
    return {"uv": uv[None].contiguous(), "texture": uv.flip(0)[None].contiguous()}
