# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of an avatar's network on the processor, one frame at a time: as trained, folded, and in ONNX Runtime.

    python benchmarks/network.py [--preset final] [--avatar FILE] [--rounds 10] [--out FILE.md]

Without an avatar the preset's network is measured untrained; its speed is the same, and its error is like a trained
one's. The runtimes take turns, so that what else the machine does falls on all of them. `final` as trained is the
published network.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from hardware import hardware
from markdown import report
from semblance.neural.avatar import Avatar, laid_out
from semblance.neural.precision import native_dtype
from semblance.neural.runtimes.onnx import OnnxRuntime
from semblance.neural.styleavatar.folding.fold import fold
from semblance.neural.styleavatar.networks.portrait import PortraitNetwork
from semblance.neural.styleavatar.runtimes import FoldedRuntime, PortraitRuntimes
from semblance.neural.styleavatar.training.presets import PRESETS, preset_named
from semblance.protocol.look import Look
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

HEADINGS = ("", "fastest ms", "median ms", "frames/s", "times as fast", "mean error", "worst error")
CODE = 0.5
LOOK = Look(CODE)

Frame = Callable[[], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="preview")
    parser.add_argument("--avatar", type=Path, help="an avatar file instead of a preset's untrained network")
    parser.add_argument("--rounds", type=int, default=10, help="frames to measure with each")
    parser.add_argument("--out", type=Path, help="a Markdown file to write the table to")
    options = parser.parse_args()

    network = Avatar.load(options.avatar, "cpu").network if options.avatar else untrained(options.preset)
    title = f"{options.avatar or options.preset}: a frame on the processor"
    with torch.inference_mode():
        rows = measured(ways(network), options.rounds)
        maps = torch.zeros(2, 1, 3, 256, 256).unbind()
        work = flops(network, *maps, torch.tensor([CODE]))
        folded = [flops(fold(network, LOOK, dtype=dtype), *maps) for dtype in (torch.float32, torch.bfloat16)]
    notes = (
        f"{hardware()}; torch {torch.__version__}, {torch.get_num_threads()} threads; {options.rounds} rounds. "
        f"As trained {work}, folded {folded[0]}, with merged blurs (bfloat16) {folded[1]}; "
        f"rendering chooses {str(native_dtype(torch.device('cpu'))).removeprefix('torch.')} here. “Times as fast” "
        "compares the fastest frames with the first row's. Errors are against the first row, on a scale of -1 to 1."
    )
    report(title, HEADINGS, rows, notes, options.out)


def untrained(preset: str) -> nn.Module:
    """The preset's network with random weights and feature maps."""
    torch.manual_seed(0)
    network = PortraitNetwork(preset_named(preset).network)
    network.bake(0.5 * torch.randn_like(network.face), 0.5 * torch.randn_like(network.back))
    return laid_out(network).eval().requires_grad_(False)


def ways(network: nn.Module) -> dict[str, Frame]:
    """What paints a frame with each runtime."""
    uv, texture = (2 * torch.rand(2, 1, 3, 256, 256) - 1).unbind()
    uv[:, 2, :60] = -1
    code = torch.tensor([CODE])

    def mixed() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return network(uv, texture, code)

    single, half = (FoldedRuntime(network, LOOK, dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    onnx = OnnxRuntime.of(PortraitRuntimes(network).exportable(), LOOK)
    return {
        "as trained, float32": lambda: network(uv, texture, code),
        "as trained, bfloat16 autocast": mixed,
        "folded, float32": lambda: single.run(uv, texture),
        "folded, bfloat16": lambda: half.run(uv, texture),
        "ONNX Runtime, float32": lambda: onnx.run(uv, texture),
    }


def measured(frames: dict[str, Frame], rounds: int) -> list[list[str]]:
    """A row for each runtime."""
    pictures = {name: frame().float().clone() for name, frame in frames.items()}
    times: dict[str, list[float]] = {name: [] for name in frames}
    for _ in range(rounds):
        for name, frame in frames.items():
            began = time.perf_counter()
            frame()
            times[name].append(1000 * (time.perf_counter() - began))
    first, *_ = frames
    rows = []
    for name, taken in times.items():
        error = (pictures[name] - pictures[first]).abs()
        fastest, median = min(taken), statistics.median(taken)
        figures = (f"{fastest:.1f}", f"{median:.1f}", f"{1000 / fastest:.1f}", f"{min(times[first]) / fastest:.2f}")
        rows.append([name, *figures, f"{error.mean():.5f}", f"{error.max():.5f}"])
    return rows


def flops(network: nn.Module, *inputs: Tensor) -> str:
    """Billions of multiplications and additions."""
    with FlopCounterMode(display=False) as counter:
        network(*inputs)
    return f"{counter.get_total_flops() / 1e9:.1f} GFLOP"


if __name__ == "__main__":
    main()
