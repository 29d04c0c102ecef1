# SPDX-License-Identifier: GPL-3.0-or-later
"""`build`: a tracking dataset becomes an avatar file."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ....common.progress import Listener, silent
from ....tracking.datasets.dataset import Dataset
from ....tracking.datasets.pictures import central_window
from ...avatar_file import describe
from ...device import device_facts
from ...precision import native_dtype
from ...pretrained.perceptual import PerceptualLoss, find_weights
from ...trained_avatar import TrainedAvatar
from ...training.distributed import DistributedGroup
from ...training.loop import TrainingRun
from ...training.outcome import provenance_of, trainable
from ...training.plan import Plan
from ...training.plates import lit_plate_of
from .. import NAME
from ..networks.features import IDENTITY
from .batches import forget_frames, open_frames
from .expressive import landmarks_in_maps
from .learner import StyleAvatarLearner
from .presets import Preset, preset_named
from .pretrained_model import PretrainedModel
from .sampling import Draws, Sampler
from .trainer import Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....tracking.detection.landmarks import Landmarks

NO_LANDMARKS = "Mouth and eyes counted no more than the rest: the head's file, or the footage's motion, is not at hand."


def build(
    dataset: Path | str,
    avatar: Path | str,
    *,
    preset: str = "preview",
    seconds: float | None = None,
    steps: int | None = None,
    train_share: float = 0.8,
    resume: bool = True,
    work: Path | str | None = None,
    head_path: Path | None = None,
    base: Path | None = None,
    seed: int = 0,
    listener: Listener = silent,
) -> TrainedAvatar:
    """Train an avatar on a dataset and write its file.

    Args:
        dataset: folder that tracking wrote.
        avatar: file to write.
        preset: "preview", "standard" or "final".
        seconds, steps: how long to train; the preset's time when neither is given.
        train_share: the first share of the frames is trained on; the rest is left for tests.
        resume: go on from the checkpoint in `work`, when it is of the same training.
        work: folder for the checkpoint, the decoded frames (removed at the end), `curves.jsonl` (losses, one JSON
            object a step) and `preview.jpg` (footage above, maps, avatar below); by default `<avatar>.training`.
        head_path: file of a head that does not come with Semblance.
        base: a file of pre-trained networks to start from.
        seed: of weights and draws.
        listener: hears several times a second on the small presets.

    Returns:
        The avatar that was written.

    Raises:
        UserError: the dataset or a file beside it is missing or damaged, or the disk is full.
        TrainingDiverged: training was lost again and again.
        Cancelled: the listener asked for it; the checkpoint keeps what was learnt.
    """
    source, target, chosen = Dataset.open(dataset), Path(avatar), preset_named(preset)
    folder = Path(work) if work is not None else target.with_name(f"{target.name}.training")
    plan = Plan.of(seconds, steps, chosen.schedule.seconds)
    performance = source.performance()
    kept = trainable(performance, train_share)
    origin = PretrainedModel.open(base, chosen) if base else None
    facts = device_facts()
    with DistributedGroup.joined(torch.device(facts.device)) as group:
        listener = listener if group.is_main else silent
        identity = origin.next_identity if origin else IDENTITY
        landmarks = landmarks_in_maps(source, kept, head_path)
        sampler = sampler_of(source, kept, landmarks, chosen, folder / "frames", seed, group, identity, listener)
        perceptual, fallbacks = perceptual_loss(group.device)
        trainer = Trainer(chosen, group, native_dtype(group.device), perceptual, seed)
        if origin is not None:
            origin.initialise((trainer.generators, trainer.average), trainer.discriminator)
        label = label_of(source, [source.names[index] for index in kept], chosen, seed, origin)
        with closing(StyleAvatarLearner(trainer, sampler)) as learner:
            state = TrainingRun(folder, learner, plan, label, listener).to_the_end(resume)
            network = learner.averaged_network(state.step).eval()
            time_code = learner.best_time_code(state.step)
        without = (NO_LANDMARKS,) if landmarks is None and chosen.losses.expressive else ()
        provenance = provenance_of(source, performance, train_share, state, (*facts.fallbacks, *fallbacks, *without))
        plate, light = lit_plate_of(source, performance, chosen.network.resolution, time_code)
        metadata = describe(
            performance.at(kept),
            kind=NAME,
            network=chosen.network.to_json(),
            resolution=chosen.network.resolution,
            preset=chosen.name,
            picture=np.ascontiguousarray(central_window(sampler.frames.footage[0])),
            provenance=provenance,
            head_path=head_path,
            time_code=time_code,
            light=light,
        )
        result = TrainedAvatar(network, metadata, plate=plate)
        if group.is_main:
            result.save(target)
            forget_frames(folder / "frames")
    return result


def perceptual_loss(device: torch.device) -> tuple[PerceptualLoss | None, tuple[str, ...]]:
    """VGG19's loss where it can be had, else None, with a sentence that says so.

    Raises:
        UserError: the file of its weights is damaged.
    """
    if device.type == "cpu":
        return None, ("VGG19 is too slow without a GPU: the discriminator's features were matched instead.",)
    weights = find_weights()
    if weights is None:
        return None, ("VGG19's weights are not on this machine: the discriminator's features were matched instead.",)
    return PerceptualLoss.from_file(weights), ()


def sampler_of(
    dataset: Dataset,
    kept: NDArray[np.intp],
    landmarks: Landmarks | None,
    preset: Preset,
    cache: Path,
    seed: int,
    group: DistributedGroup,
    identity: float,
    listener: Listener,
) -> Sampler:
    """A sampler of the frames `kept [N]` of a dataset with their landmarks, decoded into `cache`.

    Raises:
        UserError: a picture of the dataset is missing or damaged, or the disk is full.
    """
    names = [dataset.names[index] for index in kept]
    heard = listener if group.is_main else silent
    with group.main_process_first():
        frames = open_frames(dataset, names, preset.network.resolution, cache, landmarks, heard)
    time_codes = kept / max(1, len(dataset.names) - 1)
    return Sampler(frames, time_codes, Draws.of(preset, seed), group, identity)


def label_of(dataset: Dataset, names: list[str], preset: Preset, seed: int, base: PretrainedModel | None = None) -> str:
    """What tells one training from another, so that only its own checkpoint is resumed."""
    files = [dataset.description] if dataset.is_foreign else [dataset.description, dataset.performance_file]
    made = b"".join(file.read_bytes() for file in files)
    origin = base.sha256 if base else ""
    return hashlib.sha256(b"|".join([made, repr((names, preset, seed, origin)).encode()])).hexdigest()
