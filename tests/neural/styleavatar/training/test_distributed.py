# SPDX-License-Identifier: GPL-3.0-or-later
"""Two processes, started as `torchrun` starts them, train one avatar."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict

import pytest
from semblance.neural.avatar import Avatar
from semblance.neural.training.checkpoints import read_state

SCRIPT = """
import os, sys
from pathlib import Path
import torch
from semblance.neural.styleavatar.networks.config import PortraitConfig
from semblance.neural.styleavatar.training import build, presets
from semblance.neural.styleavatar.training.trainer import Trainer

torch.set_num_threads(1)
dataset, folder = map(Path, sys.argv[1:3])
values = {values!r}
network = PortraitConfig.from_json(values.pop("network"))
kinds = {{
    "optimiser": presets.OptimiserConfig,
    "schedule": presets.ScheduleConfig,
    "augmentation": presets.AugmentationConfig,
    "losses": presets.LossWeights,
}}
parts = {{name: kind(**values.pop(name)) for name, kind in kinds.items()}}
presets.PRESETS["preview"] = presets.Preset(network=network, **parts, **values)
step, seen = Trainer.step, []

def noted(self, batch, index, fraction, breathe):
    seen.extend(batch.time_code.tolist())
    return step(self, batch, index, fraction, breathe)

Trainer.step = noted
built = build.build(dataset, folder / "a.safetensors", steps=5, train_share=1, work=folder / "work")
rank = os.environ["RANK"]
torch.save({{"weights": built.network.state_dict(), "seen": seen}}, folder / f"{{rank}}.pt")
"""


@pytest.mark.slow
def test_two_processes_hold_the_same_weights_and_draw_other_samples(dataset, tmp_path, tiny):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.format(values=asdict(tiny)))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(script), str(dataset), str(tmp_path)], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    import torch

    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    for name, tensor in first["weights"].items():
        assert torch.equal(second["weights"][name], tensor), name
    assert set(first["seen"][:2]).isdisjoint(second["seen"][:2])
    assert read_state(tmp_path / "work" / "checkpoint.safetensors").step == 5
    assert Avatar.load(tmp_path / "a.safetensors").metadata.provenance.steps == 5
