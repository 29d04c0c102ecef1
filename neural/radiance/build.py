# SPDX-License-Identifier: GPL-3.0-or-later
"""`build` for heads in three dimensions: a tracking dataset becomes an avatar file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.progress import Listener, silent
from ...tracking.datasets.dataset import Dataset
from ...tracking.heads.registry import open_head
from ..avatar_file import describe
from ..device import device_facts
from ..trained_avatar import TrainedAvatar
from ..training.outcome import provenance_of, trainable
from ..training.plan import Plan
from ..training.plates import plate_of
from . import NAME
from .dataset_scene import scene_of_dataset
from .kernels.launching import kernel_device, single_threaded
from .networks import network_config
from .presets import RadiancePreset, preset_named
from .restoration.choice import choose_restorer
from .rounds import Rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...protocol.choices import FieldName, RestorerName
    from ...tracking.heads.head import MorphableHead
    from ...tracking.performances.performance import Performance
    from .learner import RadianceLearner
    from .scene import RadianceScene

USUAL_UPDATES = 2
"""As the paper advises ("Ablation Study"): more are sharper, and less the person."""


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
    updates: int | None = None,
    restore: RestorerName = "auto",
    seed: int = 0,
    listener: Listener = silent,
) -> TrainedAvatar:
    """Train a head in three dimensions on a dataset and write its file, anew after each round.

    A round is a training; between two of them lies an update (`updates`). Who stops in a later round keeps the head of
    the one before.

    Args:
        dataset: folder that tracking wrote.
        avatar: file to write.
        field: "splats" or "field".
        preset: "preview", "standard" or "final".
        seconds, steps: how long to train, all rounds together; the preset's time when neither is given.
        train_share: the first share of the frames is trained on; the rest is left for tests.
        resume: go on from the checkpoint in `work`, when it is of the same training.
        work: folder for the checkpoint, `curves.jsonl` and `preview.jpg`; by default `<avatar>.training`.
        base: must be None: there are no pre-trained networks of this kind.
        updates: how often the pictures are replaced by restored drawings of the head; by default `USUAL_UPDATES` for a
            photo's dataset and 0 for a video's, whose pictures are all true.
        restore: what restores them (`restoration.choice`).
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
    performance = source.performance()
    kept = trainable(performance, train_share).tolist()
    usual = chosen.splats_seconds if field == "splats" else chosen.field_seconds
    with single_threaded():
        scene = scene_of_dataset(source, kept, chosen.side, listener)
        rounds = usual_updates(scene) if updates is None else updates
        restorer = choose_restorer(restore) if rounds else None
        learner = learner_of(field, scene, range(len(scene)), chosen, seed)
        restored_by = restorer.name if restorer else ""
        training = Rounds(
            learner,
            Path(work) if work is not None else target.with_name(f"{target.name}.training"),
            Plan.of(seconds, steps, usual),
            label_of(source, field, chosen, train_share, seed, rounds, restored_by, learner.network.config),
            listener,
        )
        for state in training.all(rounds, restorer, head_of(performance), resume):
            said = [*device_facts().fallbacks, *kernel_device().fallbacks, *training.sentences]
            metadata = describe(
                performance.at(kept),
                kind=NAME,
                network=network_config(training.learner.network),
                resolution=chosen.side,
                preset=chosen.name,
                picture=scene.colours[0].cpu().numpy(),
                provenance=provenance_of(source, performance, train_share, state, dict.fromkeys(said)),
            )
            plate = plate_of(source, performance, chosen.side, head_alone=True)
            result = TrainedAvatar(training.learner.network, metadata, plate=plate)
            result.save(target)
    return result


def usual_updates(scene: RadianceScene) -> int:
    """How many updates a scene gets unless told: a photo's some, footage, which is true, none."""
    return USUAL_UPDATES if scene.photographs else 0


def head_of(performance: Performance) -> MorphableHead:
    """The head that a performance was solved with."""
    return open_head(performance.head, performance.extra.get("head_path"))


def learner_of(
    field: FieldName, scene: RadianceScene, frames: Sequence[int], preset: RadiancePreset, seed: int
) -> RadianceLearner:
    """What learns `frames` of a scene as splats or as a field."""
    if field == "splats":
        from .splats.learner import SplatsLearner

        return SplatsLearner(scene, frames, preset.splats, seed)
    from .field.learner import FieldLearner

    return FieldLearner(scene, frames, seed)


def label_of(dataset: Dataset, *choices: object) -> str:
    """What tells one training from another, so that only its own checkpoint is resumed."""
    made = b"".join(file.read_bytes() for file in (dataset.description, dataset.performance_file))
    return hashlib.sha256(b"|".join([made, repr(choices).encode()])).hexdigest()
