# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats learn from pictures: one frame a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ..learner import RadianceLearner
from ..losses import picture_loss
from .cover import Cover
from .first_colours import begin_with_colours
from .first_shape import within_outlines
from .network import SplatNetwork
from .placement import place_splats
from .regularisers import Regularisers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


class SplatsLearner(RadianceLearner):
    """Trains the splats of one person."""

    network: SplatNetwork

    def __init__(self, scene: RadianceScene, frames: Sequence[int], count: int, seed: int = 0) -> None:
        """Learn about `count` splats from some `frames` of `scene`."""
        super().__init__(scene, frames, seed)
        device, some = self.group.device, list(frames)
        placement = within_outlines(place_splats(scene.surface, count), scene, frames, seed)
        torch.manual_seed(seed)
        self.network = SplatNetwork.placed(placement, scene.surface.rest, scene.expressions.shape[1]).to(device)
        self.network.learn_range(scene.expressions[some], scene.rotations[some])
        begin_with_colours(self.network, scene, frames)
        self.cover = Cover(placement, scene, frames, seed)
        self.regularisers = Regularisers(placement, scene.surface.triangles).to(device)
        groups = [{"params": learnt(self.network, name), "lr": rate, "base": rate} for name, rate in RATES.items()]
        self.optimiser = torch.optim.Adam(groups, betas=BETAS, eps=EPSILON, fused=True)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """See `Learner.modules`."""
        return {"network": self.network}

    def step(self, index: int, fraction: float, breathe: Callable[[], None]) -> dict[str, float]:
        """See `Learner.step`."""
        self.set_rates(fraction)
        view = self.scene.view(self.drawn(index))
        if fraction < COARSE_UNTIL:
            view = view.halved()
        background = torch.from_numpy(self.draws(index).random(3, np.float32)).to(view.colour.device)
        prepared = self.network.prepare(view.head)
        picture, light = self.network.draw(prepared, view.camera)
        shown = picture_loss(picture[..., :3], light, view, background)
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


def learnt(network: SplatNetwork, name: str) -> list[Tensor]:
    """The parameters that have a learning rate under this name."""
    part = getattr(network, name)
    return list(part.parameters()) if isinstance(part, nn.Module) else [part]
