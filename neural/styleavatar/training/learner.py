# SPDX-License-Identifier: GPL-3.0-or-later
"""A StyleAvatar that learns: a trainer and the sampler that feeds it, as the shared loop wants them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from ...tensors import as_bytes
from ..networks.windows import CENTRED
from .batches import cut_batch
from .presets import Preset, smaller_preset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch.optim import Optimizer

    from ....tracking.heads.arrays import Image
    from ...training.distributed import DistributedGroup
    from ..networks.portrait import PortraitNetwork
    from .sampling import Draws, Sampler
    from .trainer import Trainer

PREVIEW_FRAMES = 3
MOST_PREVIEW_SIDE = 512
"""Pixels of a frame's side in the preview: Blender and browsers decode it while somebody works."""
TIME_CODES = 8
"""How many time codes across the footage are tried for rendering."""


class StyleAvatarLearner:
    """See `training.learner.Learner`.

    Args:
        trainer: the networks and what a step does.
        sampler: what they learn from; it is closed with the learner.
    """

    def __init__(self, trainer: Trainer, sampler: Sampler) -> None:
        self._trainer, self._sampler = trainer, sampler
        self._seed = sampler.draws.seed

    @property
    def dtype(self) -> torch.dtype:
        """See `Learner.dtype`."""
        return self._trainer.dtype

    @dtype.setter
    def dtype(self, dtype: torch.dtype) -> None:
        self._trainer.dtype = dtype

    @property
    def group(self) -> DistributedGroup:
        """See `Learner.group`."""
        return self._trainer.group

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """See `Learner.modules`."""
        return self._trainer.modules

    @property
    def optimisers(self) -> Mapping[str, Optimizer]:
        """See `Learner.optimisers`."""
        return self._trainer.optimisers

    def step(self, index: int, fraction: float, breathe: Callable[[], None]) -> dict[str, float]:
        """See `Learner.step`."""
        return self._trainer.step(self._sampler.batch(index), index, fraction, breathe)

    def be_careful(self, setbacks: int) -> None:
        """See `Learner.be_careful`."""
        self._trainer.setbacks = setbacks
        if setbacks:
            self._redraw(replace(self._sampler.draws, seed=self._seed + setbacks))

    @property
    def batch_size(self) -> int:
        """See `Learner.batch_size`."""
        return self._sampler.draws.size

    def halve_batch(self) -> None:
        """See `Learner.halve_batch`."""
        self._trainer.forget_step()
        self._redraw(replace(self._sampler.draws, size=self.batch_size // 2))

    @property
    def size(self) -> str:
        """See `Learner.size`."""
        return named(self._trainer.preset)

    @property
    def smaller_size(self) -> str | None:
        """See `Learner.smaller_size`."""
        smaller = smaller_preset(self._trainer.preset)
        return named(smaller) if smaller else None

    def preview(self, step: int) -> Image:
        """Footage above, texture maps, avatar below, for a few frames: `[3 S, 3 S, 3]`, where S is R, at most 512."""
        frames, network = self._sampler.frames, self.averaged_network(step)
        chosen = evenly(len(frames), PREVIEW_FRAMES)
        batch = cut_batch(frames, chosen, self._sampler.time_codes, CENTRED, self.group.device)
        with torch.inference_mode():
            painted = network(batch.uv, batch.texture, batch.time_code)[:, :3]
        side = min(MOST_PREVIEW_SIDE, frames.resolution)
        shown = (batch.footage, batch.texture, painted)
        rows = [F.interpolate(each.float(), (side, side), mode="area") for each in shown]
        return np.concatenate([np.concatenate(list(as_bytes(row)), 1) for row in rows])

    def averaged_network(self, step: int) -> PortraitNetwork:
        """The averaged network after `step` steps, ready to render the video."""
        return self._trainer.averaged_network(step, self._sampler.identity)

    def best_time_code(self, step: int) -> float:
        """The time code, of a few across the footage, with which the network paints all of the footage best.

        Rendering takes one fixed code (Sec. 3.4), so it should suit more than its own moment.
        """
        frames, network = self._sampler.frames, self.averaged_network(step).eval()
        chosen = evenly(len(frames), TIME_CODES)
        batch = cut_batch(frames, chosen, self._sampler.time_codes, CENTRED, self.group.device)
        errors = {}
        with torch.inference_mode():
            for code in self._sampler.time_codes[chosen]:
                time_code = torch.full((1,), float(code), device=batch.uv.device)
                painted = network(batch.uv, batch.texture, time_code)[:, :3]
                errors[float(code)] = float(((painted - batch.footage).abs() * batch.matte).mean())
        return min(errors, key=errors.__getitem__)

    def close(self) -> None:
        """Stop reading ahead."""
        self._sampler.close()

    def _redraw(self, draws: Draws) -> None:
        self._sampler = self._sampler.redrawn(draws)


def named(preset: Preset) -> str:
    """What a preset is, for people."""
    return f"{preset.name} ({preset.network.resolution} pixels)"


def evenly(frames: int, count: int) -> NDArray[np.intp]:
    """Which `count` of so many frames lie evenly apart, the first and the last among them: `[count]`."""
    return np.linspace(0, frames - 1, count).round().astype(np.intp)
