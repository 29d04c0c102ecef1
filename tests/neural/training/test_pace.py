# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints and previews take a small share of a training's time, however long each takes."""

from __future__ import annotations

import threading

import pytest
import torch
from semblance.common.errors import UserError
from semblance.neural.training import checkpoint_writer
from semblance.neural.training.checkpoint_writer import CheckpointWriter
from semblance.neural.training.checkpoints import TrainingState, load_checkpoint, read_state
from semblance.neural.training.pace import Pace
from torch import nn


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("cost", "every"), [(0.1, 40.0), (0.8, 40.0), (3.0, 150.0), (30.0, 1500.0)])
def test_what_takes_long_is_done_less_often(cost, every):
    clock, done = Clock(), []
    pace = Pace(40.0, 0.02, 5.0, clock)
    while clock.now < 4000:
        clock.now += 0.05
        if pace.is_due:
            done.append(clock.now)
            with pace.taken():
                clock.now += cost
    assert done[0] == pytest.approx(5.0, abs=0.1)
    assert done[1] - done[0] == pytest.approx(every, abs=0.2)
    assert len(done) * cost <= 0.02 * 4000 + cost


class Learnt:
    def __init__(self) -> None:
        self.weights = nn.Linear(2, 2)
        self.modules: dict[str, nn.Module] = {"weights": self.weights}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}


def test_training_goes_on_while_a_checkpoint_is_written_and_the_file_holds_what_was_learnt_before(
    tmp_path, monkeypatch
):
    written, may_go_on = checkpoint_writer.write_checkpoint, threading.Event()

    def slowly(*arguments):
        assert may_go_on.wait(10)
        written(*arguments)

    monkeypatch.setattr(checkpoint_writer, "write_checkpoint", slowly)
    learner, path = Learnt(), tmp_path / "checkpoint.safetensors"
    before = learner.weights.weight.detach().clone()
    writer = CheckpointWriter(path)
    writer.write(TrainingState("label", 1, 1.0), learner)
    with torch.no_grad():
        learner.weights.weight.add_(1)
    assert read_state(path) is None
    may_go_on.set()
    writer.close()
    load_checkpoint(path, learner.modules, {})
    assert torch.equal(learner.weights.weight, before)


def test_a_disk_that_became_full_is_said_by_the_next_checkpoint(tmp_path, monkeypatch):
    def full(*_):
        raise UserError("The disk is full.")

    monkeypatch.setattr(checkpoint_writer, "write_checkpoint", full)
    writer = CheckpointWriter(tmp_path / "checkpoint.safetensors")
    writer.write(TrainingState("label", 1, 1.0), Learnt())
    with pytest.raises(UserError, match="full"):
        writer.write(TrainingState("label", 2, 2.0), Learnt())
    writer.close()
