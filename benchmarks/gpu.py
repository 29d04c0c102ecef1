# SPDX-License-Identifier: GPL-3.0-or-later
"""Training and rendering speed on a CUDA GPU, in at most twelve minutes.

    python benchmarks/gpu.py [DATASET] [--minutes 12] [--rows WORD] [--out FILE.md]

DATASET is a folder that `semblance track` wrote; without one a drawn disc is trained on, which measures all but
quality. Each row is measured by a process of its own, so that none is lost by another's failure. Aims on an H200: a
`final` frame in 4 ms, a training step in 120 ms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from gpu_rows import Row, figures_of
from markdown import report

if TYPE_CHECKING:
    from collections.abc import Callable

    from semblance.neural.avatar import Avatar
    from semblance.tracking.datasets.dataset import Dataset
    from torch import nn

REPEATS = 50
STEPS, FIRST_STEPS = 64, 24
"""Steps that are measured, after those in which convolutions are tried."""
SIZES = ("final", "standard", "preview")
QUALITY_MINUTES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?", help="a dataset; a drawn disc where there is none")
    parser.add_argument("--minutes", type=float, default=12, help="for everything")
    parser.add_argument("--rows", default="", help="measure only rows in whose names this occurs")
    parser.add_argument("--out", type=Path, help="a Markdown file to write the table to")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("There is no CUDA GPU here, and this measures nothing else.")
    if options.row:
        print(MEASURES[options.row][0](options.dataset, options.work))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure_all(options, Path(folder))


def measure_all(options: argparse.Namespace, folder: Path) -> None:
    """Measure row by row; print and write the table as far as it goes after each."""
    dataset = options.dataset or drawn_dataset(folder / "disc")
    rows = [
        Row(name, seconds)
        for name, (_, seconds) in MEASURES.items()
        if options.rows in name and (options.dataset or not name.startswith("quality"))
    ]
    notes = f"{torch.cuda.get_device_name()}; PyTorch {torch.__version__}; {options.dataset or 'a drawn disc'}."
    table: list[tuple[str, str]] = []

    def command(row: Row) -> list[str]:
        return [sys.executable, __file__, str(dataset), "--work", str(folder / "work"), "--row", row.name]

    for row, figures in figures_of(rows, command, 60 * options.minutes):
        table.append((row.name, figures))
        report("Training and rendering on a GPU", ("", "measured"), table, notes, options.out)


def drawn_dataset(folder: Path) -> Path:
    """A dataset that needs no footage."""
    from semblance.tests.makers.datasets import moving_disc

    return moving_disc(folder)


def frames(_dataset: Path, _work: Path, preset: str, dtype: torch.dtype) -> str:
    """A frame of the folded network: as it is, as the CUDA graph that renders, and with all copies to and fro."""
    import numpy as np
    from semblance.neural.styleavatar.folding.fold import fold
    from semblance.neural.styleavatar.runtimes import FoldedRuntime
    from semblance.neural.tensors import as_bytes, tensors_of
    from semblance.protocol.inputs import Maps
    from semblance.protocol.look import Look

    network, device = untrained(preset), torch.device("cuda")
    given = Maps(*(np.zeros((1, 256, 256, 3), np.float32) for _ in range(2)))
    with torch.inference_mode():
        maps, folded = tensors_of(given, device), fold(network, Look(0.5), dtype)
        runtime = FoldedRuntime(network, Look(0.5), dtype)
        runtime.run(*maps)
        spent = {
            "step by step": milliseconds(lambda: folded(*maps)),
            "recorded": milliseconds(lambda: runtime.run(*maps)),
            "with copies": milliseconds(lambda: as_bytes(runtime.run(*tensors_of(given, device)))),
        }
    return "; ".join(f"{how} {ms:.2f} ms" for how, ms in spent.items()) + f"; {peak_memory()}"


def frames_as_trained(_dataset: Path, _work: Path, preset: str) -> str:
    """A frame of the network as it was trained."""
    network = untrained(preset)
    maps = torch.zeros(1, 3, 256, 256, device="cuda").contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        spent = milliseconds(lambda: network(maps, maps, torch.full((1,), 0.5, device="cuda")))
    return f"{spent:.2f} ms; {peak_memory()}"


def steps(dataset: Path, work: Path, preset: str, *, recorded: bool) -> str:
    """Steps of a training with everything on: adversary, R1 and sliding windows in their turn.

    Where they are recorded, the rarer sorts of them still are while steps are measured.
    """
    import numpy as np
    from semblance.neural.device import try_convolutions
    from semblance.neural.precision import native_dtype
    from semblance.neural.styleavatar.training.batches import open_frames
    from semblance.neural.styleavatar.training.build import perceptual_loss
    from semblance.neural.styleavatar.training.presets import PRESETS
    from semblance.neural.styleavatar.training.sampling import Draws, Sampler
    from semblance.neural.styleavatar.training.trainer import Trainer
    from semblance.neural.training.distributed import DistributedGroup
    from semblance.tracking.datasets.dataset import Dataset

    chosen, source, group = PRESETS[preset], Dataset.open(dataset), DistributedGroup(0, 1, torch.device("cuda"))
    names = source.names[:100]
    read = open_frames(source, names, chosen.network.resolution, work / preset)
    sampler = Sampler(read, np.linspace(0, 1, len(names)), Draws.of(chosen, 0), group)
    try_convolutions(group.device)
    trainer = Trainer(chosen, group, native_dtype(group.device), perceptual_loss(group.device)[0], 0)
    if not recorded:
        trainer.recordings = None
    times = []
    first = 64 * chosen.schedule.adversary_every * chosen.schedule.r1_every - FIRST_STEPS // 2
    for index in range(first, first + FIRST_STEPS + STEPS):
        torch.cuda.synchronize()
        began = time.perf_counter()
        trainer.step(sampler.batch(index), index, 0.9, lambda: None)
        torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - began))
    sampler.close()
    kept = sorted(times[FIRST_STEPS:])
    failure = trainer.recordings.failure if trainer.recordings else ""
    said = f"median {statistics.median(kept):.0f} ms, slowest {kept[-1]:.0f} ms; {peak_memory()}"
    return f"{said}; not recorded: {failure}" if failure else said


def checkpoints(_dataset: Path, work: Path, preset: str) -> str:
    """What training waits for, and what the disk takes meanwhile."""
    from semblance.neural.styleavatar.training.presets import PRESETS
    from semblance.neural.styleavatar.training.trainer import Trainer
    from semblance.neural.training.checkpoints import TrainingState, copied, write_checkpoint
    from semblance.neural.training.distributed import DistributedGroup

    group = DistributedGroup(0, 1, torch.device("cuda"))
    trainer = Trainer(PRESETS[preset], group, torch.bfloat16, None, 0)
    for optimiser in trainer.optimisers.values():
        for each in (weight for weights in optimiser.param_groups for weight in weights["params"]):
            each.grad = torch.zeros_like(each)
        optimiser.step()
    torch.cuda.synchronize()
    began = time.perf_counter()
    tensors = copied(trainer.modules, trainer.optimisers)
    copying = time.perf_counter() - began
    write_checkpoint(work / "measured.safetensors", TrainingState("measured", 0, 0.0), tensors)
    writing = time.perf_counter() - began - copying
    size = sum(each.nbytes for each in tensors.values()) / 1e9
    return f"{size:.2f} GB: copied in {copying:.2f} s, written in {writing:.2f} s"


def quality(dataset: Path, work: Path, minute: int) -> str:
    """PSNR of the last fifth after so many minutes; goes on from the row before."""
    from semblance.neural.avatar import Avatar
    from semblance.neural.styleavatar.training.build import build
    from semblance.tracking.datasets.dataset import Dataset

    path = work / "avatar.safetensors"
    build(dataset, path, preset="final", seconds=60.0 * minute, work=work / "quality")
    avatar, source = Avatar.load(path), Dataset.open(dataset)
    names = source.names[round(0.8 * len(source.names)) :: 10]
    mean = statistics.mean(frame_psnr(avatar, source, name) for name in names)
    return f"{mean:.2f} dB over {len(names)} frames, {avatar.metadata.provenance.steps} steps"


def frame_psnr(avatar: Avatar, dataset: Dataset, name: str) -> float:
    """Both sides composited on black by the footage's matte."""
    import cv2
    import numpy as np
    from semblance.protocol.inputs import Maps
    from semblance.tracking.datasets.pictures import central_window, read_map, read_picture
    from semblance.tracking.media.video import scaled

    side = avatar.metadata.resolution
    footage, matte = (
        scaled(central_window(read_picture(path, cv2.IMREAD_COLOR)), side) / 255
        for path in (dataset.image(name), dataset.matte(name))
    )
    uv, texture = read_map(dataset.uv_map(name)), read_map(dataset.texture_map(name))
    painted = avatar.render(Maps(uv[None], texture[None])).rgba[0, ..., 2::-1] / 255
    return float(-10 * np.log10(np.square((painted - footage) * matte).mean()))


def heads(dataset: Path, work: Path, preset: str) -> str:
    """Half a minute's training of a head of splats, and its frames."""
    from semblance.neural.avatar import Avatar
    from semblance.neural.radiance.build import build
    from semblance.neural.radiance.presets import PRESETS
    from semblance.neural.rendering.frames import frames_of
    from semblance.tracking.datasets.dataset import Dataset

    path, side = work / f"head_{preset}.safetensors", PRESETS[preset].side
    build(dataset, path, preset=preset, seconds=30)
    avatar, performance = Avatar.load(path), Dataset.open(dataset).performance()
    camera = performance.camera.resized(side, side)
    (frame,) = frames_of(avatar, replace(performance, camera=camera), [0])
    spent = milliseconds(partial(avatar.render, frame.inputs))
    rate = avatar.metadata.provenance.steps / 30
    return f"{rate:.0f} steps/s in training; {spent:.1f} ms a frame of {side} pixels; {peak_memory()}"


def compiled(_dataset: Path, _work: Path, preset: str) -> str:
    """A frame of the folded network after PyTorch's compiler, which takes minutes and may fail."""
    from semblance.neural.styleavatar.folding.fold import fold
    from semblance.protocol.look import Look

    network, maps = untrained(preset), torch.zeros(1, 3, 256, 256, device="cuda")
    with torch.inference_mode():
        faster = torch.compile(fold(network, Look(0.5), torch.bfloat16))
        began = time.perf_counter()
        faster(maps, maps)
        waited = time.perf_counter() - began
        return f"{milliseconds(lambda: faster(maps, maps)):.2f} ms after {waited:.0f} s of compiling"


def untrained(preset: str) -> nn.Module:
    """A preset's network, as fast as a trained one."""
    from semblance.neural.avatar import laid_out
    from semblance.neural.styleavatar.networks.portrait import PortraitNetwork
    from semblance.neural.styleavatar.training.presets import PRESETS

    return laid_out(PortraitNetwork(PRESETS[preset].network).to("cuda")).eval().requires_grad_(False)


def milliseconds(frame: Callable[[], object]) -> float:
    """Median time of a frame."""
    times = []
    for repeat in range(REPEATS + 5):
        torch.cuda.synchronize()
        began = time.perf_counter()
        frame()
        torch.cuda.synchronize()
        if repeat >= 5:
            times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def peak_memory() -> str:
    """The most memory that tensors have taken."""
    return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"


MEASURES: dict[str, tuple[Callable[[Path, Path], str], float]] = {
    **{f"frame, {size}, bfloat16": (partial(frames, preset=size, dtype=torch.bfloat16), 60) for size in SIZES},
    **{
        f"training step, {size}, {how}": (partial(steps, preset=size, recorded=recorded), 90)
        for size in SIZES
        for how, recorded in (("step by step", False), ("recorded", True))
    },
    "checkpoint, final": (partial(checkpoints, preset="final"), 60),
    "frame, final, float16": (partial(frames, preset="final", dtype=torch.float16), 60),
    "frame, final, float32": (partial(frames, preset="final", dtype=torch.float32), 60),
    "frame, final, as trained": (partial(frames_as_trained, preset="final"), 60),
    **{f"quality, final, minute {n}": (partial(quality, minute=n), 120) for n in range(1, QUALITY_MINUTES + 1)},
    **{f"head of splats, {size}": (partial(heads, preset=size), 90) for size in reversed(SIZES)},
    "frame, final, compiled": (partial(compiled, preset="final"), 240),
}
"""What is measured, by the row's name, in this order, and the seconds that it may take; the compiler comes last."""

if __name__ == "__main__":
    main()
