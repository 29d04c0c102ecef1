# SPDX-License-Identifier: GPL-3.0-or-later
"""What pre-training is worth (Fig. 8): steps to reach the same validation L1 with and without a base.

    python benchmarks/pretraining.py BASE DATASET [--steps 600] [--every 50]

`semblance pretrain` makes BASE, of other people than the one in DATASET. Prints the L1 between the averaged network's
pictures and the footage of the last fifth, which is not trained on, as training goes on.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from hardware import hardware
from rich.console import Console
from rich.progress import track
from rich.table import Table
from semblance.neural.device import device_facts
from semblance.neural.precision import native_dtype
from semblance.neural.styleavatar.networks.features import IDENTITY
from semblance.neural.styleavatar.networks.windows import CENTRED
from semblance.neural.styleavatar.training.batches import Batch, cut_batch, open_frames
from semblance.neural.styleavatar.training.build import sampler_of
from semblance.neural.styleavatar.training.expressive import landmarks_in_maps
from semblance.neural.styleavatar.training.presets import Preset, preset_named
from semblance.neural.styleavatar.training.pretrained_model import PretrainedModel
from semblance.neural.styleavatar.training.trainer import Trainer
from semblance.neural.training.distributed import DistributedGroup
from semblance.neural.training.outcome import trainable
from semblance.tracking.datasets.dataset import Dataset

if TYPE_CHECKING:
    from semblance.neural.styleavatar.training.sampling import Sampler

VALIDATION_FRAMES = 24
Curve = dict[int, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--preset", default="preview")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--every", type=int, default=50, help="steps between two measurements")
    options = parser.parse_args()
    title, preset = hardware(), preset_named(options.preset)
    base, dataset = PretrainedModel.open(options.base, preset), Dataset.open(options.dataset)
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = (curve(dataset, preset, each, options, Path(folder)) for each in (None, base))
    show(cold, warm, f"{dataset.folder.name} from {', '.join(base.sources)}; {title}")


def curve(
    dataset: Dataset, preset: Preset, base: PretrainedModel | None, options: argparse.Namespace, cache: Path
) -> Curve:
    """Train, and measure every so many steps: validation L1 by step."""
    group = DistributedGroup(0, 1, torch.device(device_facts().device))
    kept = trainable(dataset.performance(), 0.8)
    identity = base.next_identity if base else IDENTITY
    landmarks = landmarks_in_maps(dataset, kept, None)
    sampler = sampler_of(dataset, kept, landmarks, preset, cache / "train", 0, group, identity, lambda _: None)
    validation = validation_batch(dataset, preset, cache / "validation", group)
    trainer = Trainer(preset, group, native_dtype(group.device), None, 0)
    if base:
        base.initialise((trainer.generators, trainer.average), trainer.discriminator)
    measured: Curve = {}
    for step in track(range(options.steps), "from the base" if base else "from nothing"):
        trainer.step(sampler.batch(step), step, step / options.steps, lambda: None)
        if (step + 1) % options.every == 0:
            measured[step + 1] = validation_l1(trainer, sampler, validation, step + 1)
    sampler.close()
    return measured


def validation_batch(dataset: Dataset, preset: Preset, cache: Path, group: DistributedGroup) -> Batch:
    """Frames spread over the last fifth."""
    count = len(dataset.names)
    chosen = np.linspace(0.8 * count, count - 1, VALIDATION_FRAMES).astype(int)
    frames = open_frames(dataset, [dataset.names[index] for index in chosen], preset.network.resolution, cache)
    places = np.arange(len(frames))
    return cut_batch(frames, places, np.full(len(frames), 0.5), CENTRED, group.device)


def validation_l1(trainer: Trainer, sampler: Sampler, batch: Batch, step: int) -> float:
    """Mean difference of pixels, 0 to 1, background removed by the footage's matte."""
    network = trainer.averaged_network(step, sampler.identity)
    with torch.inference_mode():
        painted = network(batch.uv, batch.texture, batch.time_code)[:, :3]
        return float(((painted - batch.footage).abs() * batch.matte).sum() / (6 * batch.matte.sum()))


def show(cold: Curve, warm: Curve, title: str) -> None:
    """Print both curves, and when each reaches what the other one has in the end."""
    table = Table("steps", "L1 from nothing", "L1 from the base", "steps from the base to the same L1", title=title)
    for step, error in cold.items():
        sooner = next((each for each, own in warm.items() if own <= error), None)
        told = f"{sooner} ({step / sooner:.1f} times fewer)" if sooner else "not reached"
        table.add_row(str(step), f"{error:.4f}", f"{warm[step]:.4f}", told)
    Console().print(table)


if __name__ == "__main__":
    main()
