# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the networks on the pretended GPU: `python -m … LIBRARY WHAT PRESET`, one JSON object out."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .pretence import pretend, seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from .counting import Work

GIB = 2**30


@dataclass
class Figures:
    """What was counted; see `counting.Work`."""

    kernels: int = 0
    convolutions: int = 0
    waits: dict[str, int] = field(default_factory=dict)
    peak: float = 0.0
    recorded: int = 0
    illegal: list[str] = field(default_factory=list)
    backends: dict[str, int] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)


def main(library: str, what: str, preset: str) -> None:
    pretend(Path(library))
    from torch._subclasses import FakeTensorMode

    from .counting import Work

    with FakeTensorMode(allow_non_fake_inputs=True), Work() as work:
        measured = MEASURED[what](preset, work)
    json.dump({name: asdict(each) for name, each in measured.items()}, sys.stdout)


def gradient_penalty(preset: str, work: Work) -> dict[str, Figures]:
    """R1: the discriminator with its gradient at the footage, and that gradient's own backward pass."""
    import torch
    from semblance.neural.styleavatar.networks.discriminator import Discriminator
    from semblance.neural.styleavatar.training import losses
    from semblance.neural.styleavatar.training.presets import PRESETS
    from semblance.neural.styleavatar.training.trainer import on_device

    chosen = PRESETS[preset]
    side, size = chosen.network.resolution, chosen.schedule.batch_size
    judge = on_device(Discriminator(side, chosen.discriminator), torch.device("cuda"))
    footage, texture = pictures(size, side).requires_grad_(True), pictures(size, 256)
    penalties: list[Any] = []

    def forward() -> None:
        penalties.append(losses.r1_penalty(judge(footage, texture)[0], footage))

    return {"forward": counted(work, forward), "double backward": counted(work, lambda: penalties[0].backward())}


def training(preset: str, work: Work) -> dict[str, Figures]:
    """Steps of several sorts, with the discriminator: with R1, with a window that slides, before the maps freeze.

    Each is done plainly (`recording` measures the others). VGG19 has no weights here, but its size.
    """
    import numpy as np
    import torch
    from semblance.neural.pretrained.perceptual import PerceptualLoss
    from semblance.neural.styleavatar.networks.windows import CENTRED, Window
    from semblance.neural.styleavatar.training.batches import cut_batch
    from semblance.neural.styleavatar.training.presets import PRESETS
    from semblance.neural.styleavatar.training.trainer import Trainer
    from semblance.neural.training.distributed import DistributedGroup

    chosen = PRESETS[preset]
    schedule, device = chosen.schedule, torch.device("cuda")
    frames, codes, size = black_frames(chosen.network.resolution), np.linspace(0, 1, 8), schedule.batch_size
    bent = np.zeros((int(chosen.augmentation.bent * size), 64, 64, 2), np.float32)
    turn = schedule.adversary_every
    regularised = 64 * turn * schedule.r1_every
    steps = {
        "R1": (regularised, CENTRED),
        "sliding": (regularised + turn, Window(10, 54)),
        "generators": (0, CENTRED),
    }
    measured = {}
    trainer = Trainer(chosen, DistributedGroup(0, 1, device), torch.bfloat16, PerceptualLoss(), 0)
    trainer.recordings = None
    for name, (index, window) in steps.items():

        def step(index: int = index, window: Window = window) -> None:
            batch = cut_batch(frames, np.arange(size), codes, window, device, bent if window == CENTRED else None)
            trainer.step(batch, index, 0.9, lambda: None)

        measured[name] = counted(work, step)
    return measured


def frame(preset: str, work: Work) -> dict[str, Figures]:
    """What is recorded for a frame and replayed, by arithmetic and window."""
    import numpy as np
    import torch
    from semblance.neural.styleavatar.networks.portrait import PortraitNetwork
    from semblance.neural.styleavatar.runtimes import FoldedRuntime
    from semblance.neural.styleavatar.training.presets import PRESETS
    from semblance.neural.styleavatar.training.trainer import on_device
    from semblance.neural.tensors import as_bytes, tensors_of
    from semblance.protocol.inputs import Maps
    from semblance.protocol.look import Look

    network = on_device(PortraitNetwork(PRESETS[preset].network), torch.device("cuda")).eval().requires_grad_(False)
    maps = Maps(*(np.zeros((1, 256, 256, 3), np.float32) for _ in range(2)))
    measured: dict[str, Figures] = {}
    whole: list[bool] = []
    with torch.no_grad():
        for look, moved in ((Look(0.3), ""), (Look(0.3, (10.5, -3.0)), ", moved")):
            for dtype in (torch.bfloat16, torch.float16, torch.float32):
                runtimes: list[Any] = []

                def prepare(look: Look = look, dtype: torch.dtype = dtype, runtimes: list[Any] = runtimes) -> None:
                    runtimes.append(FoldedRuntime(network, look, dtype))

                name = f"{str(dtype)[6:]}{moved}"
                measured[name] = counted(work, prepare)
                painter = runtimes[0].painter

                def paint(painter: Any = painter) -> None:
                    painted = as_bytes(painter(*tensors_of(maps, torch.device("cuda"))))
                    whole.append(bool(painted.flags["C_CONTIGUOUS"]))

                painting = counted(work, paint)
                painting.said["contiguous"] = whole[-1]
                measured[f"{name}, painting"] = painting
    return measured


def resumed(preset: str, _work: Work) -> dict[str, Figures]:
    """A step after moments came back from a file: whether they are where their weights are, and laid out alike."""
    import numpy as np
    import torch
    from semblance.neural.styleavatar.networks.windows import CENTRED
    from semblance.neural.styleavatar.training.batches import cut_batch
    from semblance.neural.styleavatar.training.presets import PRESETS
    from semblance.neural.styleavatar.training.trainer import Trainer
    from semblance.neural.training.checkpoints import lay_out_moments
    from semblance.neural.training.distributed import DistributedGroup

    chosen, device = PRESETS[preset], torch.device("cuda")
    trainer = Trainer(chosen, DistributedGroup(0, 1, device), torch.bfloat16, None, 0)
    frames = black_frames(chosen.network.resolution)
    batch = cut_batch(frames, np.arange(2), np.linspace(0, 1, 8), CENTRED, device)
    trainer.step(batch, 0, 0.9, lambda: None)
    figures = Figures(said={"strange": []})
    for optimiser in trainer.optimisers.values():
        kept = {
            index: {name: torch.as_tensor(value).detach().cpu().contiguous() for name, value in moments.items()}
            for index, moments in optimiser.state_dict()["state"].items()
        }
        optimiser.load_state_dict({"state": kept, "param_groups": optimiser.state_dict()["param_groups"]})
        lay_out_moments(optimiser)
        for parameter, moments in optimiser.state.items():
            for name, value in moments.items():
                alike = value.shape != parameter.shape or value.stride() == parameter.stride()
                if value.device.type != "cuda" or not alike:
                    figures.said["strange"].append(name)
    trainer.step(batch, 0, 0.9, lambda: None)
    return {"resumed": figures}


def counted(work: Work, do: Callable[[], None]) -> Figures:
    """Do something and count."""
    waited = seen.waits
    work.begin()
    do()
    waits = dict(work.waits)
    if seen.waits > waited:
        waits["for a stream"] = seen.waits - waited
    return Figures(
        kernels=work.kernels.total(),
        convolutions=work.convolutions,
        waits=waits,
        peak=work.peak / GIB,
        recorded=work.recorded.total(),
        illegal=work.illegal,
        backends=dict(work.backends),
        said={"most": dict(work.kernels.most_common(12))},
    )


def pictures(count: int, side: int) -> Any:
    """`[count, 3, side, side]`, laid out as the trainer's."""
    import torch

    return torch.zeros(count, 3, side, side, device="cuda").contiguous(memory_format=torch.channels_last)


def black_frames(resolution: int) -> Any:
    """Eight frames of a dataset."""
    import numpy as np
    from semblance.neural.styleavatar.training.batches import Frames

    side = round(1.5 * resolution)
    return Frames(
        np.zeros((8, side, side, 3), np.uint8),
        np.zeros((8, side, side), np.uint8),
        np.zeros((8, 256, 256, 3), np.uint16),
        np.zeros((8, 256, 256, 3), np.uint8),
        np.zeros((8, 256, 256), np.uint8),
    )


def recording(preset: str, work: Work) -> dict[str, Figures]:
    """Steps with the discriminator and R1: done plainly, recorded and compared, and at last only replayed.

    That is with fewer rounds than usual, in float16 with a centred window, in bfloat16 with one that slides and with
    VGG19, without its weights.
    """
    import numpy as np
    import torch
    from semblance.neural import cuda_graphs
    from semblance.neural.pretrained.perceptual import PerceptualLoss
    from semblance.neural.styleavatar.networks.windows import CENTRED, Window
    from semblance.neural.styleavatar.training.batches import cut_batch
    from semblance.neural.styleavatar.training.presets import PRESETS
    from semblance.neural.styleavatar.training.trainer import Trainer
    from semblance.neural.training import recorded_gradients
    from semblance.neural.training.distributed import DistributedGroup

    cuda_graphs.WARM_UP = recorded_gradients.CHECKED = 1
    chosen, device = PRESETS[preset], torch.device("cuda")
    schedule, size = chosen.schedule, chosen.schedule.batch_size
    frames, codes = black_frames(chosen.network.resolution), np.linspace(0, 1, 8)
    regularised = 64 * schedule.adversary_every * schedule.r1_every
    together = Trainer(chosen, DistributedGroup(0, 2, device), torch.bfloat16, None, 0)
    measured = {"together": Figures(said={"recordings": together.recordings is not None})}
    sorts = ((torch.float16, CENTRED, None), (torch.bfloat16, Window(10, 54), PerceptualLoss()))
    for dtype, window, perceptual in sorts:
        trainer = Trainer(chosen, DistributedGroup(0, 1, device), dtype, perceptual, 0)
        for stage in ("plain", "recording", "replayed"):

            def step(trainer: Trainer = trainer, window: Window = window) -> None:
                batch = cut_batch(frames, np.arange(size), codes, window, device)
                trainer.step(batch, regularised, 0.9, lambda: None)

            measured[f"{str(dtype)[6:]}, {stage}"] = counted(work, step)
    return measured


MEASURED = {
    "gradient penalty": gradient_penalty,
    "training": training,
    "recording": recording,
    "frame": frame,
    "resumed": resumed,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # PyTorch's threads for the device that is not there may abort Python's own end
