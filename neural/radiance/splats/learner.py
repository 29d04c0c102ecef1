# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats learn from pictures: two frames a step, at once."""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ..kernels.launching import side_by_side
from ..learner import RadianceLearner
from ..losses import picture_loss
from .cover import Cover
from .first_colours import begin_with_colours
from .first_shape import within_outlines
from .hanging_hair import with_hanging_hair
from .network import SplatNetwork
from .placement import place_splats
from .regularisers import Regularisers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..scene import RadianceScene

RATES = {
    "offsets": 4e-4,
    "log_scales": 2e-2,
    "rotations": 4e-3,
    "opacity_logits": 6e-2,
    "colour_logits": 6e-2,
    "colour_bases": 2e-2,
    "displacement": 0.2,
    "shape_bases": 0.06,
    "light": 6e-3,
    "conditioned": 4e-3,
}
"""Learning rates at the beginning."""
FALLS_FROM, FALLS_TO = 0.4, 0.05
"""Share of the training after which they fall, and what is left of them at the end."""
BETAS, EPSILON = (0.9, 0.99), 1e-15
EPSILONS = {"colour_logits": 1e-7, "colour_bases": 1e-7}
"""Some ten times less than the gradients of what is well seen: what is seen at a glance keeps its colour."""
GROWTH, GROWTH_BESIDE = 0.9, 0.3
"""The logarithms of how many times larger splats may become, and those of the skin beside and behind the face: one that
all the footage sees edge-on would grow into a cloud, which shows when the head is turned.
"""
TEXTURE = 1.0
"""Weight of how much fine detail footage has about each place. Frames made of a photo fit the head exactly."""
FRAMES = 2
"""Of a step."""
REGULARISE_EVERY, COVER_EVERY = 4, 4
"""Frames and steps; the penalties count as many times as much."""
COARSE_UNTIL = 0.2
"""Share of the training in which pictures of half the size are learnt."""


class SplatsLearner(RadianceLearner):
    """Trains the splats of one person."""

    network: SplatNetwork

    def __init__(self, scene: RadianceScene, frames: Sequence[int], count: int, seed: int = 0) -> None:
        """Learn about `count` splats from some `frames` of `scene`."""
        super().__init__(scene, frames, seed)
        scene = self.scene
        device, some = self.group.device, list(frames)
        placement = within_outlines(place_splats(scene.surface, count), scene, frames, seed)
        placement = with_hanging_hair(placement, scene, frames, seed)
        torch.manual_seed(seed)
        turned, expressions = bool(scene.photographs), scene.expressions.shape[1]
        self.network = SplatNetwork.placed(placement, scene.surface.rest, expressions, turned).to(device)
        self.seen = scene.expressions[some], scene.rotations[some]
        self.network.learn_range(*self.seen)
        beside = ~placement.on_shell & scene.surface.sides[placement.corners].any(1)
        growth = torch.from_numpy(np.where(beside, GROWTH_BESIDE, GROWTH).astype(np.float32)).to(device)
        self.largest_log_scales = self.network.log_scales.detach() + growth[:, None]
        seen = begin_with_colours(self.network, scene, frames, placement.on_shell)
        self.cover = Cover(placement, scene, frames, seed)
        self.regularisers = Regularisers(
            placement, scene.surface.triangles, self.network.colour_logits, beside & ~seen
        ).to(device)
        groups = [
            {"params": learnt(self.network, name), "lr": rate, "base": rate, "eps": EPSILONS.get(name, EPSILON)}
            for name, rate in RATES.items()
        ]
        self.optimiser = torch.optim.Adam(groups, betas=BETAS, fused=True)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """See `Learner.modules`."""
        return {"network": self.network}

    def step(self, index: int, fraction: float, breathe: Callable[[], None]) -> dict[str, float]:
        """See `Learner.step`."""
        self.set_rates(fraction)
        self.network.bound_weights(*self.seen)
        tasks = [partial(self._learn_frame, FRAMES * index + number, fraction) for number in range(FRAMES)]
        if index % COVER_EVERY == 0:
            tasks.append(partial(self._learn_cover, index // COVER_EVERY))
        found = side_by_side(tasks)
        breathe()
        for parameter, *gradients in zip(self._parameters(), *(gradients for _, gradients in found), strict=True):
            parameter.grad = total(gradients)
        self.optimiser.step()
        with torch.no_grad():
            self.network.log_scales.copy_(torch.minimum(self.network.log_scales, self.largest_log_scales))
        return {"picture": float(np.mean([shown for shown, _ in found[:FRAMES]]))}

    def set_rates(self, fraction: float) -> None:
        """See `RadianceLearner.set_rates`; they fall late."""
        fallen = FALLS_TO ** max(0.0, (fraction - FALLS_FROM) / (1 - FALLS_FROM))
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * group["base"] * fallen

    def _learn_frame(self, number: int, fraction: float) -> Judged:
        """Judge the frame of this number."""
        view = self.scene.view(self.drawn(number))
        if fraction < COARSE_UNTIL:
            view = view.halved()
        background = torch.from_numpy(self.draws(number).random(3, np.float32)).to(view.colour.device)
        prepared = self.network.prepare(view.head)
        picture, light = self.network.draw(prepared, view.camera)
        texture = 0.0 if self.scene.photographs else TEXTURE
        shown = picture_loss(picture[..., :3], light, view, background, texture)
        loss = shown
        if number % REGULARISE_EVERY == 0:
            loss = loss + REGULARISE_EVERY * self.regularisers(self.network, prepared)
        return self._judged(shown, loss)

    def _learn_cover(self, number: int) -> Judged:
        """Judge a turned head."""
        penalty = FRAMES * COVER_EVERY * self.cover(self.network, number)
        return self._judged(penalty, penalty)

    def _judged(self, shown: Tensor, loss: Tensor) -> Judged:
        return float(shown.detach()), torch.autograd.grad(loss, self._parameters(), allow_unused=True)

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.optimiser.param_groups for parameter in group["params"]]


Judged = tuple[float, tuple[Tensor | None, ...]]
"""A loss and the gradients of all that is learnt, in the optimiser's order, apart from what other threads find."""


def total(gradients: Sequence[Tensor | None]) -> Tensor | None:
    """Return the sum `[...]` of those that there are."""
    known = [gradient for gradient in gradients if gradient is not None]
    return reduce(torch.add, known) if known else None


def learnt(network: SplatNetwork, name: str) -> list[Tensor]:
    """The parameters that have a learning rate under this name."""
    part = getattr(network, name)
    return list(part.parameters()) if isinstance(part, nn.Module) else [part]
