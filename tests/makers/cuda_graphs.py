# SPDX-License-Identifier: GPL-3.0-or-later
"""What records work on a GPU, imitated on a processor, which has no CUDA graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from semblance.neural.cuda_graphs import WARM_UP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    Losses = dict[str, Tensor]


class ImitatedGraph:
    """Does the work anew, and puts what it makes where the recording left it, as a CUDA graph would."""

    def __init__(self, work: Callable[[], Losses], weights: Sequence[nn.Parameter]) -> None:
        self._work, self._losses = work, work()
        self._gradients = [(weight, weight.grad) for weight in weights if weight.grad is not None]

    @property
    def losses(self) -> Losses:
        return self._losses

    def replay(self) -> None:
        for name, loss in self._work().items():
            self._losses[name].copy_(loss)
        for weight, kept in self._gradients:
            assert weight.grad is not None
            kept.copy_(weight.grad)
            weight.grad = None


class Captures:
    """Stands for `captured`.

    Attributes:
        pools: the memory that each recording was to share.
        error: what the next recording fails with.
        graph: what recordings are replayed by.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self._weights = [weight for module in modules for weight in module.parameters()]
        self.pools: list[Any] = []
        self.error: Exception | None = None
        self.graph: type[ImitatedGraph] = ImitatedGraph

    def __call__(self, work: Callable[[], Losses], pool: Any) -> tuple[ImitatedGraph, Losses]:
        self.pools.append(pool)
        for _ in range(WARM_UP):
            work()
        if self.error:
            raise self.error
        graph = self.graph(work, self._weights)
        return graph, graph.losses
