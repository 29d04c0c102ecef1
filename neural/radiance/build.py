# SPDX-License-Identifier: GPL-3.0-or-later
"""`build` for heads in three dimensions: a tracking dataset becomes an avatar file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.progress import Listener, silent
from ...tracking.datasets.dataset import Dataset
from ..avatar_file import describe
from ..device import device_facts
from ..trained_avatar import TrainedAvatar
from ..training.loop import TrainingRun
from ..training.outcome import provenance_of, trainable
from ..training.plan import Plan
from . import NAME
from .dataset_scene import scene_of_dataset
from .kernels.launching import kernel_device, single_threaded
from .networks import network_config
from .presets import RadiancePreset, preset_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...protocol.choices import FieldName
    from .learner import RadianceLearner
    from .scene import RadianceScene


def build(
    dataset: Path | str,
    avatar: Path | str,
    *,
    field: FieldName = "splats",
    preset: str = "preview",
    seconds: float | None = None,
    steps: int | None = None,
    train_share: float = 0.8,
    resume: bool = True,
    work: Path | str | None = None,
    base: Path | None = None,
    seed: int = 0,
    listener: Listener = silent,
) -> TrainedAvatar:
    """Train a head in three dimensions on a dataset and write its file.

    Args:
        dataset: folder that tracking wrote.
        avatar: file to write.
        field: "splats" or "field".
        preset: "preview", "standard" or "final".
        seconds, steps: how long to train; the preset's time when neither is given.
        train_share: the first share of the frames is trained on; the rest is left for tests.
        resume: go on from the checkpoint in `work`, when it is of the same training.
        work: folder for the checkpoint, `curves.jsonl` and `preview.png`; by default `<avatar>.training`.
        base: must be None: there are no pre-trained networks of this kind.
        seed: of weights and draws.
        listener: hears several times a second on the small presets.

    Returns:
        The avatar that was written.

    Raises:
        UserError: the dataset or a file beside it is missing or damaged, has no motion, or the disk is full.
        TrainingDiverged: training was lost again and again.
        Cancelled: the listener asked for it; the checkpoint keeps what was learnt.
    """
    if base is not None:
        raise UserError(f"{base} holds networks of portraits, which a head in 3D cannot start from; leave out --from.")
    source, target, chosen = Dataset.open(dataset), Path(avatar), preset_named(preset)
    if source.is_foreign:
        raise UserError(f"{dataset} holds pictures but no motion; track the video that it was made of.")
    folder = Path(work) if work is not None else target.with_name(f"{target.name}.training")
    usual = chosen.splats_seconds if field == "splats" else chosen.field_seconds
    plan = Plan.of(seconds, steps, usual)
    performance = source.performance()
    kept = trainable(performance, train_share).tolist()
    folder.mkdir(parents=True, exist_ok=True)
    with single_threaded():
        scene = scene_of_dataset(source, kept, chosen.side, listener)
        learner = learner_of(field, scene, range(len(scene)), chosen, seed)
        label = label_of(source, field, chosen, train_share, seed)
        state = TrainingRun(folder, learner, plan, label, listener).to_the_end(resume)
    fallbacks = dict.fromkeys((*device_facts().fallbacks, *kernel_device().fallbacks))
    metadata = describe(
        performance.at(kept),
        kind=NAME,
        network=network_config(learner.network),
        resolution=chosen.side,
        preset=chosen.name,
        picture=scene.colours[0].cpu().numpy(),
        provenance=provenance_of(performance, train_share, state, fallbacks),
    )
    result = TrainedAvatar(learner.network.eval(), metadata)
    result.save(target)
    return result


def learner_of(
    field: FieldName, scene: RadianceScene, frames: Sequence[int], preset: RadiancePreset, seed: int
) -> RadianceLearner:
    """What learns `frames` of a scene as splats or as a field."""
    if field == "splats":
        from .splats.learner import SplatsLearner

        return SplatsLearner(scene, frames, preset.splats, seed)
    from .field.learner import FieldLearner

    return FieldLearner(scene, frames, seed)


def label_of(dataset: Dataset, field: FieldName, preset: RadiancePreset, train_share: float, seed: int) -> str:
    """What tells one training from another, so that only its own checkpoint is resumed."""
    made = b"".join(file.read_bytes() for file in (dataset.description, dataset.performance_file))
    return hashlib.sha256(b"|".join([made, repr((field, preset, train_share, seed)).encode()])).hexdigest()
