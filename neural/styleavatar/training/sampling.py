# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames and windows a training step sees: of one video, or of several in turn."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...tensors import sent
from ..networks.config import SLACK
from ..networks.features import IDENTITY
from ..networks.windows import CENTRED, Window
from .batches import Batch, Frames, cut_batch
from .bending import bends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ....tracking.heads.arrays import Floats
    from ...training.distributed import DistributedGroup
    from .presets import Preset

SLIDE_SPREAD = 24.0
SLIDE_LEAST, SLIDE_MOST = 10, 54
"""The window's offset is drawn from N(centre, 24) and kept in 10 to 54 cells (published code)."""


@dataclass(frozen=True)
class Draws:
    """How batches are drawn.

    Attributes:
        size: samples a batch.
        slide_every: one step in so many has a window anywhere; in the others it is centred.
        random_time_code: share of the steps in which all samples have the time code of some frame. A network that
            cannot trust the code does not learn by it what each frame looks like, and paints frames better that it has
            not seen. Such steps are faster, too: one code is one set of modulated weights for all.
        bent: share, below 1, of a batch's samples that are bent (see `bending`), unless its window slides.
        seed: of all draws.
    """

    size: int
    slide_every: int
    random_time_code: float
    bent: float
    seed: int

    @classmethod
    def of(cls, preset: Preset, seed: int) -> Draws:
        """As the preset says."""
        how = preset.augmentation
        return cls(preset.schedule.batch_size, how.slide_every, how.random_time_code, how.bent, seed)


class Sampler:
    """Draws batches. The draw depends on seed and step only, so that a resumed training goes on alike.

    Args:
        frames: all of which are drawn from.
        time_codes: `[T]` of the frames.
        draws: how.
        group: the processes that draw together, each other samples, and where batches go.
        identity: of the video.
    """

    def __init__(
        self,
        frames: Frames,
        time_codes: Floats,
        draws: Draws,
        group: DistributedGroup,
        identity: float = IDENTITY,
    ) -> None:
        self.frames, self.time_codes, self.draws, self.group, self.identity = frames, time_codes, draws, group, identity
        # One thread of its own and no more: PyTorch's pools of threads would wait for each other on a small machine.
        self._reader = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))
        self._ahead: tuple[int, Future[Batch]] | None = None

    def batch(self, step: int) -> Batch:
        """The batch of a step; the next one is read meanwhile."""
        ahead, self._ahead = self._ahead, None
        batch = ahead[1].result() if ahead and ahead[0] == step else self._draw(step)
        self._ahead = (step + 1, self._reader.submit(self._draw, step + 1))
        return batch

    def redrawn(self, draws: Draws) -> Sampler:
        """A sampler of the same frames that draws otherwise; closes this one."""
        self.close()
        return Sampler(self.frames, self.time_codes, draws, self.group, self.identity)

    def close(self) -> None:
        """Stop reading ahead."""
        self._reader.shutdown(cancel_futures=True)

    def _draw(self, step: int) -> Batch:
        draws, random = self.draws, np.random.default_rng([self.draws.seed, step])
        place = (step * self.group.world_size + self.group.rank) * draws.size
        samples = shuffled(len(self.frames), place, draws.size, draws.seed)
        window = CENTRED
        if step % draws.slide_every == draws.slide_every - 1:
            drawn = random.normal(SLACK / 2, SLIDE_SPREAD, 2)
            window = Window(*(int(each) for each in np.clip(drawn.round(), SLIDE_LEAST, SLIDE_MOST)))
        count = int(draws.bent * draws.size) if window == CENTRED else 0
        bent = bends(self.frames.uv[samples[:count], ..., 2] > 0, random)
        batch = cut_batch(self.frames, samples, self.time_codes, window, self.group.device, bent)
        if random.random() < draws.random_time_code:
            code = random.choice(self.time_codes, 1).astype(np.float32)
            batch = replace(batch, time_code=sent(torch.from_numpy(code), self.group.device))
        return replace(batch, identity=self.identity)


class TurnSampler(Sampler):
    """Draws from several videos in turn: as many steps of each. Frames and time codes are the first one's.

    Args:
        samplers: one for each video.
    """

    def __init__(self, samplers: Sequence[Sampler]) -> None:
        first = samplers[0]
        super().__init__(first.frames, first.time_codes, first.draws, first.group, first.identity)
        self._samplers = samplers

    def redrawn(self, draws: Draws) -> TurnSampler:
        """A sampler of the same videos that draws otherwise; closes this one."""
        self.close()
        return TurnSampler([sampler.redrawn(draws) for sampler in self._samplers])

    def close(self) -> None:
        """Stop reading ahead."""
        super().close()
        for sampler in self._samplers:
            sampler.close()

    def _draw(self, step: int) -> Batch:
        turn, which = divmod(step, len(self._samplers))
        return self._samplers[which]._draw(turn)


def shuffled(count: int, start: int, size: int, seed: int) -> NDArray[np.int64]:
    """Samples `start` to `start + size`, `[size]`, of an endless row of permutations of `range(count)`."""
    places = np.arange(start, start + size)
    epochs = {epoch: np.random.default_rng([seed, epoch, 1]).permutation(count) for epoch in set(places // count)}
    return np.array([epochs[place // count][place % count] for place in places])
