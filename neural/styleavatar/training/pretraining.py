# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-training: several people's datasets to a base, which other trainings start from (Sec. 3.4)."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from ....common.errors import UserError
from ....common.progress import Listener, silent
from ....tracking.datasets.dataset import Dataset
from ...device import device_facts
from ...precision import native_dtype
from ...training.distributed import DistributedGroup
from ...training.loop import TrainingRun
from ...training.outcome import trainable
from ...training.plan import Plan
from .batches import forget_frames
from .build import label_of, perceptual_loss, sampler_of
from .expressive import landmarks_in_maps
from .learner import StyleAvatarLearner
from .presets import Preset, preset_named
from .pretrained_model import PretrainedModel, identity_of
from .sampling import Sampler, TurnSampler
from .trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LEAST_DATASETS = 2


def pretrain(
    datasets: Sequence[Path],
    out: Path,
    *,
    preset: str = "preview",
    seconds: float | None = None,
    steps: int | None = None,
    train_share: float = 1.0,
    resume: bool = True,
    seed: int = 0,
    listener: Listener = silent,
) -> PretrainedModel:
    """Train the networks on several people in turn and write them as a base.

    Each dataset has an identity value of its own. The feature generators learn all the way: their maps are never
    tuned directly, because the base is the generators.

    Args:
        datasets: folders that tracking wrote, at least two.
        out: the file to write; beside it, `<out>.training` holds checkpoint, curves and preview.
        preset, seconds, steps, train_share, resume, seed, listener: as in `build`.

    Raises:
        UserError: there are too few datasets, one is missing or damaged, or the disk is full.
        TrainingDiverged: training was lost again and again.
        Cancelled: the listener asked for it; the checkpoint keeps what was learnt.
    """
    if len(datasets) < LEAST_DATASETS:
        raise UserError("Pre-training needs the datasets of at least two people; track more footage.")
    sources = [Dataset.open(each) for each in datasets]
    chosen = never_frozen(preset_named(preset))
    folder = out.with_name(f"{out.name}.training")
    with DistributedGroup.joined(torch.device(device_facts().device)) as group, ExitStack() as stack:
        samplers: list[Sampler] = []
        for number, source in enumerate(sources):
            kept = trainable(source.performance(), train_share)
            cache = folder / "frames" / str(number)
            landmarks = landmarks_in_maps(source, kept, None)
            sampler = sampler_of(source, kept, landmarks, chosen, cache, seed, group, identity_of(number), listener)
            stack.callback(sampler.close)
            samplers.append(sampler)
        perceptual, _ = perceptual_loss(group.device)
        trainer = Trainer(chosen, group, native_dtype(group.device), perceptual, seed)
        labels = "".join(label_of(source, list(source.names), chosen, seed) for source in sources)
        label = hashlib.sha256(labels.encode()).hexdigest()
        heard, plan = listener if group.is_main else silent, Plan.of(seconds, steps, chosen.schedule.seconds)
        with closing(StyleAvatarLearner(trainer, TurnSampler(samplers))) as learner:
            state = TrainingRun(folder, learner, plan, label, heard).to_the_end(resume)
        base = PretrainedModel(out, chosen.name, tuple(source.folder.name for source in sources), state.step)
        if group.is_main:
            base.save(trainer.average, trainer.discriminator)
            forget_frames(folder / "frames")
    return base


def never_frozen(preset: Preset) -> Preset:
    """The preset with feature generators that never rest."""
    return replace(preset, schedule=replace(preset.schedule, freeze_after=2**62))
