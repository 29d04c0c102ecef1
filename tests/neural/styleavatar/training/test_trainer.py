# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer's optimisers: what Muon takes, and what it leaves to AdamW."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from semblance.neural.styleavatar.networks.discriminator import Discriminator
from semblance.neural.styleavatar.networks.windows import CENTRED
from semblance.neural.styleavatar.training.batches import cut_batch, open_frames
from semblance.neural.styleavatar.training.trainer import Trainer
from semblance.neural.training.distributed import DistributedGroup
from semblance.tracking.datasets.dataset import Dataset

ALONE = DistributedGroup(0, 1, torch.device("cpu"))


def test_muon_takes_the_filters_that_paint_and_adamw_the_rest(tiny):
    trainer = Trainer(tiny, ALONE, torch.float32, None, 0)
    ours, theirs = (
        {id(each) for group in optimiser.param_groups for each in group["params"]}
        for optimiser in (trainer.painting_optimiser, trainer.generators_optimiser)
    )
    network, source = trainer.generators.network, trainer.generators.source
    assert ours.isdisjoint(theirs)
    assert ours | theirs == {id(each) for each in trainer.generators.parameters()}
    assert {id(network.entry.conv1.weight)} <= ours
    assert {id(network.face), id(network.mask.weight)} <= theirs
    assert {id(each) for module in (source, network.mapping) for each in module.parameters()} <= theirs
    without = replace(tiny, optimiser=replace(tiny.optimiser, muon_update_rms=0.0))
    assert Trainer(without, ALONE, torch.float32, None, 0).painting_optimiser is None


@pytest.fixture
def batch(dataset, tmp_path):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    return cut_batch(frames, np.arange(2), np.linspace(0, 1, len(source.names)), CENTRED, ALONE.device)


def test_a_step_that_memory_ended_leaves_the_discriminator_learning(tiny, batch, monkeypatch):
    trainer, judge, calls = Trainer(tiny, ALONE, torch.float32, None, 0), Discriminator.forward, []

    def fails(self, *given):
        calls.append(given)
        if len(calls) == 2:  # the painting's turn, when it must not learn
            raise torch.OutOfMemoryError("no room")
        return judge(self, *given)

    monkeypatch.setattr(Discriminator, "forward", fails)
    with pytest.raises(torch.OutOfMemoryError):
        trainer.step(batch, 0, 1.0, lambda: None)
    trainer.forget_step()
    assert all(each.requires_grad for each in trainer.discriminator.parameters())
    before = trainer.discriminator.first.weight.detach().clone()
    trainer.step(batch, 0, 1.0, lambda: None)
    assert not torch.equal(trainer.discriminator.first.weight, before)


def test_nothing_is_learnt_of_losses_that_are_no_numbers(tiny, batch):
    trainer = Trainer(tiny, ALONE, torch.float32, None, 0)
    before = {name: each.clone() for name, each in trainer.generators.state_dict().items()}
    batch.footage[0, 0, 0, 0] = torch.nan
    told = trainer.step(batch, 0, 1.0, lambda: None)
    assert np.isnan(told["total"])
    assert all(torch.equal(each, before[name]) for name, each in trainer.generators.named_parameters())
    assert all(each.grad is None for each in (*trainer.generators.parameters(), *trainer.discriminator.parameters()))
