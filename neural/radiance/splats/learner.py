# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats learn from pictures: one frame a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ..kernels.launching import kernel_device
from ..losses import picture_loss
from .cover import Cover
from .first_colours import begin_with_colours
from .first_shape import begin_within_outlines
from .network import SplatNetwork
from .regularisers import Regularisers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ..scene import RadianceScene

RATES = {
    "offsets": 2e-4,
    "log_scales": 1e-2,
    "rotations": 2e-3,
    "opacity_logits": 3e-2,
    "colour_logits": 3e-2,
    "colour_bases": 1e-2,
    "displacement": 0.1,
    "shape_bases": 0.03,
    "light": 3e-3,
    "conditioned": 2e-3,
}
"""Learning rates at the beginning; they fall to a tenth."""
BETAS, EPSILON = (0.9, 0.99), 1e-15
REGULARISE_EVERY = 4
"""Steps; the penalty counts as many times as much."""


COVER_EVERY = 6
COARSE_UNTIL = 0.3
"""Share of the training in which pictures of half the size are learnt."""


class SplatsLearner:
    """Trains the splats of one person."""

    def __init__(self, scene: RadianceScene, frames: Sequence[int], count: int, seed: int = 0) -> None:
        """Learn from some `frames` of `scene` with about `count` splats."""
        self.scene, self.frames, self.seed = scene, frames, seed
        self.network = SplatNetwork(scene.surface, scene.expressions.shape[1], count, kernel_device().device)
        some = list(frames)
        self.network.learn_range(scene.expressions[some], scene.rotations[some])
        begin_within_outlines(self.network, scene, frames, seed)
        self.cover = Cover(self.network, scene, frames, seed)
        begin_with_colours(self.network, scene, frames)
        self.regularisers = Regularisers(self.network, scene.surface.triangles)
        groups = [{"params": learnt(self.network, name), "lr": rate, "base": rate} for name, rate in RATES.items()]
        self.optimiser = torch.optim.Adam(groups, betas=BETAS, eps=EPSILON, fused=True)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """What is learnt, by name."""
        return {"network": self.network}

    @property
    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """What learns, by name."""
        return {"optimiser": self.optimiser}

    def step(self, index: int, fraction: float, breathe: Callable[[], None]) -> dict[str, float]:
        """Learn from one frame; `fraction` (0 to 1) of the training is done."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * 0.1**fraction
        view = self.scene.view(self.drawn(index))
        if fraction < COARSE_UNTIL:
            view = view.halved()
        prepared = self.network.prepare(view.head)
        picture, light = self.network.draw(prepared, view.camera)
        shown = picture_loss(picture[..., :3], light, view)
        loss = shown
        if index % REGULARISE_EVERY == 0:
            loss = loss + REGULARISE_EVERY * self.regularisers(self.network, prepared)
        if index % COVER_EVERY == 0:
            loss = loss + COVER_EVERY * self.cover(self.network, index // COVER_EVERY)
        breathe()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return {"picture": float(shown.detach())}

    def drawn(self, index: int) -> int:
        """The frame of a step: each once a round, in an order of its own."""
        turn, place = divmod(index, len(self.frames))
        return int(self.frames[int(np.random.default_rng((self.seed, turn)).permutation(len(self.frames))[place])])

    def preview(self, index: int) -> NDArray[np.uint8]:
        """A frame's picture beside its own, `[H, 2 W, 3]`."""
        view = self.scene.view(index, whole=True)
        with torch.no_grad():
            drawn = self.network.render(self.network.prepare(view.head), view.camera).rgba[..., :3]
        both = torch.cat([view.colour * view.alpha[..., None], drawn], 1)
        pixels: NDArray[np.uint8] = (both * 255 + 0.5).clamp(0, 255).byte().cpu().numpy()
        return pixels


def learnt(network: SplatNetwork, name: str) -> list[Tensor]:
    """The parameters that have a learning rate under this name."""
    part = getattr(network, name)
    return list(part.parameters()) if isinstance(part, nn.Module) else [part]
