# SPDX-License-Identifier: GPL-3.0-or-later
"""What the loop needs of a kind of avatar that learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn
    from torch.optim import Optimizer

    from .distributed import DistributedGroup


class Learner(Protocol):
    """Networks, their optimisers and the samples that they learn from.

    Attributes:
        dtype: of the networks' arithmetic; the loop sets that of the checkpoint which it resumes. A step may change it.
    """

    dtype: torch.dtype

    @property
    def group(self) -> DistributedGroup:
        """The processes that train together."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Everything with weights that a checkpoint keeps."""

    @property
    def optimisers(self) -> Mapping[str, Optimizer]:
        """Everything with moments that a checkpoint keeps."""

    def step(self, index: int, fraction: float, breathe: Callable[[], None]) -> dict[str, float]:
        """Do step `index`, from 0, on the samples that belong to it.

        Args:
            index: number of the step; the samples depend on it alone, so that a resumed training goes on alike.
            fraction: how much of the training is done, 0 to 1.
            breathe: called between the parts of the step; may raise to stop there.

        Returns:
            The losses by name, first the one that people watch. Where one is not finite, nothing has been learnt.

        Raises:
            torch.OutOfMemoryError: the device's memory does not suffice.
        """

    def preview(self, step: int) -> NDArray[np.uint8]:
        """A picture `[H, W, 3]`, RGB, of what has been learnt after `step` steps."""

    def be_careful(self, setbacks: int) -> None:
        """Learn more slowly and from other draws, the more so the more often training was lost; as usual after 0."""

    @property
    def batch_size(self) -> int:
        """Samples a step."""

    def halve_batch(self) -> None:
        """Take half as many samples a step from now on, and drop what a step that failed half-way left."""

    @property
    def size(self) -> str:
        """What is trained, for people: "final (1024 pixels)"."""

    @property
    def smaller_size(self) -> str | None:
        """What of that kind needs less memory: "standard (512 pixels)"; None for the smallest."""
