# SPDX-License-Identifier: GPL-3.0-or-later
"""The field learns from pictures: some rays of one frame a step."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ..learner import RadianceLearner
from ..losses import over
from .hair import hair_of
from .network import FieldNetwork, directions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ..kernels.hash_encoding import Grids
    from ..scene import PosedHead, RadianceScene, View

RAYS = 2048
TABLE_RATE, RATE = 1e-2, 2e-3
"""Learning rates at the beginning; they fall to a tenth."""
BETAS, EPSILON = (0.9, 0.99), 1e-15
HUBER, HUBER_WEIGHT = 0.1, 10.0
DEPTH_WEIGHT = 1.25
MOUTH_WEIGHT = 4.0
"""Pixels of mouth and lips count so many times (INSTA: 40, with a loss of another scale)."""
AVERAGED = 0.95
"""Share of the average that stays in a step; what is shown are averaged weights."""


class FieldLearner(RadianceLearner):
    """Trains the field of one person.

    Attributes:
        learnt: what learns; network: its average over time, which is shown.
    """

    network: FieldNetwork

    def __init__(self, scene: RadianceScene, frames: Sequence[int], seed: int = 0, grids: Grids | None = None) -> None:
        """Learn from some `frames` of `scene`."""
        super().__init__(scene, frames, seed)
        torch.manual_seed(seed)
        hair, expressions = hair_of(scene, frames), scene.expressions.shape[1]
        self.learnt, self.network = (
            FieldNetwork.about(scene.surface, hair, expressions, grids).to(self.group.device) for _ in range(2)
        )
        self.network.load_state_dict(deepcopy(self.learnt.state_dict()))
        others = [parameter for name, parameter in self.learnt.named_parameters() if name != "table"]
        groups = [{"params": [self.learnt.table], "base": TABLE_RATE}, {"params": others, "base": RATE}]
        self.optimiser = torch.optim.Adam(groups, lr=RATE, betas=BETAS, eps=EPSILON, fused=True)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """See `Learner.modules`."""
        return {"learnt": self.learnt, "network": self.network}

    def step(self, index: int, fraction: float, breathe: Callable[[], None]) -> dict[str, float]:
        """See `Learner.step`."""
        self.set_rates(fraction)
        draws = self.draws(index)
        view = self.scene.view(self.drawn(index))
        device = view.colour.device
        pixels = torch.from_numpy(draws.integers(view.alpha.numel(), size=RAYS)).to(device)
        directions = directions_of(view.camera, device).view(-1, 3)[pixels]
        starts = torch.from_numpy(draws.random(RAYS, np.float32)).to(device)
        background = torch.from_numpy(draws.random((RAYS, 3), np.float32)).to(device)
        sums, light = self.learnt.draw(self.learnt.prepare(view.head), directions, starts, explore=True)
        loss = rays_loss(sums, light, view, pixels, self._mouth_weights(view)[pixels], background)
        breathe()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self._average()
        return {"picture": float(loss.detach())}

    def _mouth_weights(self, view: View) -> Tensor:
        """Return `[H W]`: more for the rectangle about mouth and lips."""
        weights = torch.ones_like(view.alpha)
        left, top, right, bottom = mouth_window(view.head, self.scene.surface.mouth, view)
        weights[top:bottom, left:right] = MOUTH_WEIGHT
        return weights.view(-1)

    @torch.no_grad()
    def _average(self) -> None:
        """Draw the shown weights after the learnt ones."""
        shown: list[Tensor] = list(self.network.parameters())
        learnt: list[Tensor] = list(self.learnt.parameters())
        torch._foreach_lerp_(shown, learnt, 1 - AVERAGED)
        self.network.occupancy.seen.copy_(self.learnt.occupancy.seen)


def rays_loss(sums: Tensor, light: Tensor, view: View, pixels: Tensor, weights: Tensor, background: Tensor) -> Tensor:
    """Judge rays by their `pixels [R]` of a view, each before its `background [R, 3]`.

    `sums [R, 4]` and `light [R]` as `FieldNetwork.draw` gives them, `weights [R]` how much each counts.
    """
    colour, alpha = view.colour.view(-1, 3)[pixels], view.alpha.view(-1)[pixels]
    weights = weights * view.weight.view(-1)[pixels]
    shown = over(sums[:, :3], light, background)
    target = over(colour * alpha[:, None], 1 - alpha, background)
    error = F.huber_loss(shown, target, reduction="none", delta=HUBER).mean(1)
    loss = HUBER_WEIGHT * (error * weights).sum() / weights.sum().clamp(min=1)
    if view.depth is None:
        return loss
    depth = view.depth.reshape(-1)[pixels]
    known = (depth > 0) & (alpha > 0.5)
    return loss + DEPTH_WEIGHT * ((sums[:, 3] - depth * (1 - light)).abs() * known).mean()


def mouth_window(head: PosedHead, mouth: NDArray[np.bool_], view: View) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what the vertices `mouth [V]` cover; an empty window where there are none."""
    if not mouth.any():
        return 0, 0, 0, 0
    places = view.camera.project(head.vertices[torch.from_numpy(mouth)].cpu().numpy())
    low, high = np.floor(places.min(0)).astype(int), np.ceil(places.max(0)).astype(int)
    return max(int(low[0]), 0), max(int(low[1]), 0), max(int(high[0]), 0), max(int(high[1]), 0)
