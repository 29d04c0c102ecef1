# SPDX-License-Identifier: GPL-3.0-or-later
"""Training and rendering speed on a CUDA GPU: `python gpu.py DATASET [PRESET [MINUTES]]`; see gpu.sh."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from semblance.neural.avatar import Avatar
from semblance.neural.radiance.build import build as build_head
from semblance.neural.radiance.presets import PRESETS
from semblance.neural.rendering.frames import frames_of
from semblance.neural.styleavatar.folding.fold import fold
from semblance.neural.styleavatar.runtimes import FoldedRuntime
from semblance.neural.styleavatar.training.build import build
from semblance.protocol.inputs import Maps
from semblance.protocol.look import Look
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.pictures import central_window, read_map, read_picture
from semblance.tracking.media.video import scaled

if TYPE_CHECKING:
    from collections.abc import Callable

    from semblance.common.progress import Progress

REPEATS = 50


def main(dataset: str, preset: str = "final", minutes: str = "8") -> None:
    if not torch.cuda.is_available():
        sys.exit("There is no CUDA GPU here, and this measures nothing else.")
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, preset {preset}")
    with tempfile.TemporaryDirectory() as folder:
        work, stages = Path(folder), int(minutes)
        quality = []
        for stage in range(1, stages + 1):  # each goes on from the last one's checkpoint, a minute longer
            path = work / "avatar.safetensors"
            build(dataset, path, preset=preset, seconds=60.0 * stage, work=work / "w", listener=tell)
            avatar = Avatar.load(path)
            quality.append(psnr(avatar, Dataset.open(dataset)))
        report_training(work / "w" / "curves.jsonl", quality)
    report_frames(avatar)
    report_heads(dataset)


def report_heads(dataset: str) -> None:
    """Training of a head of splats, and its frames by size: half a minute for each."""
    for preset, each in PRESETS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "head.safetensors"
            build_head(dataset, path, preset=preset, seconds=30, listener=tell)
            avatar = Avatar.load(path)
        performance = Dataset.open(dataset).performance()
        camera = performance.camera.resized(each.side, each.side)
        (frame,) = frames_of(avatar, replace(performance, camera=camera), [0])
        steps = avatar.metadata.provenance.steps
        spent = milliseconds(partial(avatar.render, frame.inputs))
        print(f"splats, {preset}: {steps / 30:.0f} steps/s in training, {spent:.1f} ms a frame of {each.side} pixels")


def tell(progress: Progress) -> None:
    print(f"\r{progress.stage} {progress.fraction:6.1%} {progress.message}  ", end="", file=sys.stderr)


def report_training(curves: Path, quality: list[float]) -> None:
    rows = [json.loads(row) for row in curves.read_text(encoding="utf-8").splitlines()]
    steps = 1e3 * np.diff([row["seconds"] for row in rows])[20:]
    print(f"\nstep: median {np.median(steps):.0f} ms, 95 % {np.quantile(steps, 0.95):.0f} ms, {len(rows)} steps")
    print(f"memory in training: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
    print("PSNR on the last fifth, minute by minute: " + " ".join(f"{value:.2f}" for value in quality))


def psnr(avatar: Avatar, dataset: Dataset) -> float:
    """Mean over every tenth frame of the last fifth, both sides composited on black by the footage's matte."""
    names = dataset.names[round(0.8 * len(dataset.names)) :: 10]
    return statistics.mean(frame_psnr(avatar, dataset, name) for name in names)


def frame_psnr(avatar: Avatar, dataset: Dataset, name: str) -> float:
    side = avatar.metadata.resolution
    footage, matte = (
        scaled(central_window(read_picture(path, cv2.IMREAD_COLOR)), side) / 255
        for path in (dataset.image(name), dataset.matte(name))
    )
    uv, texture = read_map(dataset.uv_map(name)), read_map(dataset.texture_map(name))
    painted = avatar.render(Maps(uv[None], texture[None])).rgba[0, ..., 2::-1] / 255
    return float(-10 * np.log10(np.square((painted - footage) * matte).mean()))


def report_frames(avatar: Avatar) -> None:
    """Frame times of the network alone, one frame at a time.

    Aims on an H200: a `final` frame in 4 ms, a training step at batch 4 in 120 ms.
    """
    network, code = avatar.network, avatar.metadata.time_code
    maps = torch.zeros(1, 3, 256, 256, device="cuda").contiguous(memory_format=torch.channels_last)
    codes = torch.full((1,), code, device="cuda")
    torch.cuda.reset_peak_memory_stats()
    with torch.inference_mode():
        print(f"frame, as trained: {milliseconds(lambda: network(maps, maps, codes)):.2f} ms")
        with torch.autocast("cuda", torch.float16):
            print(f"frame, as trained, fp16: {milliseconds(lambda: network(maps, maps, codes)):.2f} ms")
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            report_folded(network, Look(code), dtype, maps)
    print(f"memory in rendering: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


def report_folded(network: torch.nn.Module, look: Look, dtype: torch.dtype, maps: torch.Tensor) -> None:
    """Frame times of the folded network: step by step, compiled, and as the CUDA graph that renders."""
    folded, name = fold(network, look, dtype=dtype), str(dtype).removeprefix("torch.")
    print(f"frame, folded, {name}: {milliseconds(lambda: folded(maps, maps)):.2f} ms")
    compiled = torch.compile(folded)
    print(f"frame, folded, {name}, compiled: {milliseconds(lambda: compiled(maps, maps)):.2f} ms")
    runtime = FoldedRuntime(network, look, dtype=dtype)
    print(f"frame, folded, {name}, CUDA graph: {milliseconds(lambda: runtime.run(maps, maps)):.2f} ms")


def milliseconds(frame: Callable[[], object]) -> float:
    """Median time of a frame."""
    times = []
    for repeat in range(REPEATS + 5):
        torch.cuda.synchronize()
        started = time.perf_counter()
        frame()
        torch.cuda.synchronize()
        if repeat >= 5:
            times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    main(*sys.argv[1:])
