# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering with PyTorch."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn

from ..precision import rendering_dtype
from ..styleavatar.folding.fold import fold
from ..styleavatar.folding.packing import packed
from ..styleavatar.networks.config import MAP_SIZE
from ..styleavatar.networks.windows import STILL, Windows
from .runtime import agree

log = logging.getLogger(__name__)

WARM_UP = 3
"""Frames before a CUDA graph is recorded, as PyTorch asks for."""


class UnfoldedRuntime:
    """The network as it was trained: ready at once, for a look that lasts no longer than a frame."""

    def __init__(self, network: nn.Module, time_code: float, windows: Windows = STILL) -> None:
        device = next(network.parameters()).device
        self.network, self.code = network, torch.tensor([time_code], device=device)
        self.windows = () if windows == STILL else (windows,)

    def run(self, uv: Tensor, texture: Tensor) -> Tensor:
        """See `Runtime.run`."""
        return self.network(uv, texture, self.code, *self.windows)


class FoldedRuntime:
    """The folded network, in bfloat16 where that is faster; on a GPU, as one CUDA graph.

    The first picture is painted in float32 too. Should bfloat16 not agree with it (`runtime.agree`), float32 it is.
    Measured with random weights: 0.0003 apart on average, 0.002 at most, on a scale of -1 to 1; half of that of
    autocast.
    """

    def __init__(
        self, network: nn.Module, time_code: float, windows: Windows = STILL, dtype: torch.dtype | None = None
    ) -> None:
        self.device = next(network.parameters()).device
        self.dtype = dtype or rendering_dtype(self.device)
        self.painter = self._prepared(fold(network, time_code, windows, self.dtype))
        self._check = fold(network, time_code, windows) if self.dtype != torch.float32 else None

    def run(self, uv: Tensor, texture: Tensor) -> Tensor:
        """See `Runtime.run`."""
        if self._check is not None:
            exact, self._check = self._check, None
            if not agree(self.painter(uv, texture), exact(uv, texture)):
                log.warning("bfloat16 spoils this avatar's pictures, so it is rendered in float32, which is slower.")
                self.dtype, self.painter = torch.float32, self._prepared(exact)
        return self.painter(uv, texture)

    def _prepared(self, folded: nn.Module) -> nn.Module:
        maps = torch.zeros(2, 1, 3, MAP_SIZE, MAP_SIZE, device=self.device).unbind()
        return Recorded(folded, *maps) if self.device.type == "cuda" else packed(folded, *maps)


class Recorded(nn.Module):
    """A network as a CUDA graph: the same work in the same memory each time, started at once.

    Raises:
        torch.OutOfMemoryError: the memory does not suffice.
    """

    def __init__(self, network: nn.Module, *inputs: Tensor) -> None:
        super().__init__()
        self.inputs = [each.clone() for each in inputs]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                network(*self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self.network, self.graph = network, torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.output = network(*self.inputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return what the network makes of these inputs; the next call overwrites it."""
        for kept, given in zip(self.inputs, inputs, strict=True):
            kept.copy_(given)
        self.graph.replay()
        return self.output
