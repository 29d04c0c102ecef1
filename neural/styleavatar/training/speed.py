# SPDX-License-Identifier: GPL-3.0-or-later
"""How quickly this machine trains a preset, from a few steps on black frames."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from ....common.progress import Listener, Progress, silent
from ....tracking.datasets.dataset import ENLARGED
from ....tracking.performances.maps import MAP_SIZE
from ...precision import native_dtype
from ...training.distributed import DistributedGroup
from ..networks.windows import CENTRED
from .batches import Frames, cut_batch
from .presets import PRESETS, Preset
from .trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Mapping

WORK: Mapping[str, float] = {"preview": 2.5, "standard": 88.0, "final": 706.0}
"""Of the portrait network for the samples of a step, in GFLOP: what one preset's steps take beside another's on a
processor. A GPU is not so easily told: small networks do not fill it."""
WARM_UP, STEPS, SECONDS = 3, 16, 12.0
"""Steps that are not counted, and those that are, at most so many and for about so long."""


def rates(device: torch.device, listener: Listener = silent) -> dict[str, float]:
    """Steps a second of each preset by its name; on a processor, `preview` is measured and the others follow from it.

    A preset for which memory does not suffice is left out.
    """
    measured = {"preview": PRESETS["preview"]} if device.type == "cpu" else PRESETS
    found = {}
    for done, preset in enumerate(measured.values()):
        listener(Progress("Measuring", done, len(measured), f"steps of {preset.name}"))
        try:
            found[preset.name] = steps_a_second(preset, device, listener)
        except torch.OutOfMemoryError:
            continue
    if device.type == "cpu":
        found |= {name: found["preview"] * WORK["preview"] / WORK[name] for name in PRESETS if name != "preview"}
    return found


def steps_a_second(preset: Preset, device: torch.device, listener: Listener = silent) -> float:
    """Steps a second of one preset, with the discriminator in its turn.

    Raises:
        torch.OutOfMemoryError: the device's memory does not suffice.
    """
    frames, size, schedule = black_frames(preset.network.resolution), preset.schedule.batch_size, preset.schedule
    trainer = Trainer(preset, DistributedGroup(0, 1, device), native_dtype(device), None, 0)
    trainer.recordings = None  # so few steps would tell more of the recording than of themselves
    first = -(-(schedule.freeze_after + 1) // schedule.adversary_every) * schedule.adversary_every

    def step(index: int) -> None:
        batch = cut_batch(frames, np.arange(size), np.zeros(len(frames.footage)), CENTRED, device)
        trainer.step(batch, first + index, 0.9, lambda: listener(Progress("Measuring", 0, 0, preset.name)))

    for index in range(WARM_UP):
        step(index)
    finish(device)
    began, done = time.monotonic(), 0
    while done < STEPS and time.monotonic() - began < SECONDS:
        step(WARM_UP + done)
        done += 1
    finish(device)
    return done / (time.monotonic() - began)


def finish(device: torch.device) -> None:
    """Wait until a GPU has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def black_frames(resolution: int) -> Frames:
    """Some frames that show nothing."""
    side, count = round(ENLARGED * resolution), 4
    return Frames(
        np.zeros((count, side, side, 3), np.uint8),
        np.zeros((count, side, side), np.uint8),
        np.zeros((count, MAP_SIZE, MAP_SIZE, 3), np.uint16),
        np.zeros((count, MAP_SIZE, MAP_SIZE, 3), np.uint8),
        np.zeros((count, MAP_SIZE, MAP_SIZE), np.uint8),
    )
