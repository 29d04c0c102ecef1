# SPDX-License-Identifier: GPL-3.0-or-later
"""What splats and fields have in common when they learn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..training.distributed import DistributedGroup
from .kernels.launching import kernel_device
from .presets import smaller_preset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn
    from torch.optim import Optimizer

    from .network import RadianceNetwork
    from .scene import RadianceScene

PREVIEW_FRAMES = 3
PHOTOGRAPH_EVERY = 3
"""Steps after which a photograph is learnt from again, for it alone is surely the person."""
CAUTION = 0.5
"""What learning rates are multiplied by for each time that training was lost."""


class RadianceLearner(ABC):
    """See `training.learner.Learner`: one frame of a scene a step, or some at once.

    Attributes:
        dtype: float32, always.
        rate: share of the learning rate at the beginning, which falls to a tenth of it.
        network: what is shown.
    """

    network: RadianceNetwork[Any]
    optimiser: Optimizer

    def __init__(self, scene: RadianceScene, frames: Sequence[int], seed: int = 0) -> None:
        """Learn from some `frames` of `scene`; `seed` decides their order."""
        self.seed = self._first_seed = seed
        self.dtype = torch.float32
        self.rate = 1.0
        self.group = DistributedGroup(0, 1, kernel_device().device)
        self.go_on_with(scene, frames)

    @property
    @abstractmethod
    def modules(self) -> Mapping[str, nn.Module]:
        """See `Learner.modules`."""

    @property
    def optimisers(self) -> Mapping[str, Optimizer]:
        """See `Learner.optimisers`."""
        return {"optimiser": self.optimiser}

    @abstractmethod
    def step(self, index: int, fraction: float, breathe: Callable[[], None]) -> dict[str, float]:
        """See `Learner.step`."""

    def set_rates(self, fraction: float) -> None:
        """Let every group of the optimiser learn at its rate when `fraction` (0 to 1) of the training is done."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * group["base"] * 0.1**fraction

    def draws(self, index: int) -> np.random.Generator:
        """The random numbers of a step, which are the same when training goes on from a checkpoint."""
        return np.random.default_rng((self.seed, index))

    def drawn(self, index: int) -> int:
        """The frame of a step: each once a round, in an order of its own; photographs every few steps besides."""
        photographs = self.scene.photographs
        if photographs and index % PHOTOGRAPH_EVERY == 0:
            return photographs[index // PHOTOGRAPH_EVERY % len(photographs)]
        turn, place = divmod(index, len(self.frames))
        return int(self.frames[int(self.draws(turn).permutation(len(self.frames))[place])])

    def go_on_with(self, scene: RadianceScene, frames: Sequence[int]) -> None:
        """Learn from other pictures of the same head from now on."""
        self.scene, self.frames = scene.on(self.group.device), frames

    def preview(self, _step: int) -> NDArray[np.uint8]:
        """Footage above, avatar below, for a few frames: `[2 H, 3 W, 3]`."""
        shown = [
            int(self.frames[place])
            for place in np.linspace(0, len(self.frames) - 1, PREVIEW_FRAMES).round().astype(int)
        ]
        rows = torch.cat([torch.cat(self.pair(index), 0) for index in shown], 1)
        pixels: NDArray[np.uint8] = (rows * 255 + 0.5).clamp(0, 255).byte().cpu().numpy()
        return pixels

    def pair(self, index: int) -> list[torch.Tensor]:
        """A frame's picture and what is learnt of it, `[H, W, 3]` each, before black."""
        view = self.scene.view(index, whole=True)
        drawn = self.network.render(self.network.prepare(view.head), view.camera).rgba[..., :3]
        return [view.colour * view.alpha[..., None], drawn]

    def be_careful(self, setbacks: int) -> None:
        """See `Learner.be_careful`."""
        self.rate = CAUTION**setbacks
        self.seed = self._first_seed + setbacks

    @property
    def batch_size(self) -> int:
        """See `Learner.batch_size`: one, which cannot be halved."""
        return 1

    def halve_batch(self) -> None:
        """See `Learner.halve_batch`.

        Raises:
            RuntimeError: always; the loop does not ask for half of one frame.
        """
        raise RuntimeError("one frame cannot be halved")

    @property
    def size(self) -> str:
        """See `Learner.size`."""
        return f"a head of {self.scene.camera.width} pixels"

    @property
    def smaller_size(self) -> str | None:
        """See `Learner.smaller_size`."""
        smaller = smaller_preset(self.scene.camera.width)
        return f"{smaller.name} ({smaller.side} pixels)" if smaller else None
