# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of an avatar's network alone, one frame at a time, and of `Avatar.render` around it.

    python benchmarks/network.py [--preset preview] [--avatar FILE] [--seconds 20]

Without an avatar the preset's network is measured untrained; its speed is the same.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from hardware import hardware
from rich.console import Console
from rich.table import Table
from semblance.neural.avatar import Avatar
from semblance.neural.avatar_format import Provenance, describe
from semblance.neural.device import device_facts
from semblance.neural.networks.portrait import PortraitNetwork
from semblance.neural.presets import PRESETS, preset_named
from semblance.tracking.dataset import MAP_SIZE
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.performance import Performance

WARM_UP = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="preview")
    parser.add_argument("--avatar", type=Path, help="an avatar file instead of a preset's untrained network")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure each")
    options = parser.parse_args()

    avatar = Avatar.load(options.avatar) if options.avatar else untrained(options.preset)
    random = np.random.default_rng(0)
    uv, texture = random.random((2, 1, MAP_SIZE, MAP_SIZE, 3), np.float32)
    inputs = avatar.to_network(uv), avatar.to_network(texture), torch.full((1,), 0.5, device=avatar.device)

    table = Table(title=f"{options.avatar or options.preset}, {avatar.metadata.resolution} px, one frame at a time")
    for heading in ("", "frames/s", "median ms", "fastest ms", "slowest 5 % ms", "runs"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("network alone", *figures(timed(lambda: forward(avatar, inputs), options.seconds)))
    table.add_row("Avatar.render", *figures(timed(lambda: avatar.render(uv, texture), options.seconds)))
    console = Console()
    console.print(table)
    facts = device_facts()
    console.print(f"{hardware()}; {facts.name}; torch {facts.torch}")


def untrained(preset: str) -> Avatar:
    """An avatar of the preset's size with random weights."""
    config = preset_named(preset).network
    still = Performance(
        head="builtin",
        identity=np.zeros(1, np.float32),
        texture=np.zeros(1, np.float32),
        expression=np.zeros((1, len(ARKIT_NAMES)), np.float32),
        rotation=np.eye(3, dtype=np.float32)[None],
        translation=np.ones((1, 3), np.float32),
        gaze=np.zeros((1, 2, 2), np.float32),
        confidence=np.ones(1, np.float32),
        times=np.zeros(1),
        camera=PinholeCamera.default(MAP_SIZE),
    )
    metadata = describe(
        still,
        network=config.to_json(),
        resolution=config.resolution,
        preset=preset,
        picture=np.zeros((8, 8, 3), np.uint8),
        provenance=Provenance(),
    )
    network = PortraitNetwork(config).eval().requires_grad_(False)
    return Avatar(network.to(device_facts().device), metadata)


@torch.inference_mode()
def forward(avatar: Avatar, inputs: tuple[torch.Tensor, ...]) -> None:
    avatar.network(*inputs)
    if avatar.device.type == "cuda":
        torch.cuda.synchronize()


def timed(run: Callable[[], object], seconds: float) -> list[float]:
    """Seconds that each of many runs took, after a few that do not count."""
    for _ in range(WARM_UP):
        run()
    times: list[float] = []
    while sum(times) < seconds:
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return times


def figures(times: list[float]) -> tuple[str, ...]:
    median = statistics.median(times)
    slow = float(np.quantile(times, 0.95))
    cells = (1 / median, *(1000 * value for value in (median, min(times), slow)))
    return (*(f"{cell:.1f}" for cell in cells), str(len(times)))


if __name__ == "__main__":
    main()
