# SPDX-License-Identifier: GPL-3.0-or-later
"""Training in float16, as on GPUs of the Turing generation, on a processor: no such GPU has been at hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from semblance.neural.styleavatar.networks.windows import CENTRED
from semblance.neural.styleavatar.training.batches import cut_batch, open_frames
from semblance.neural.styleavatar.training.trainer import Trainer, Turn
from semblance.neural.training import loss_scale, optimisers
from semblance.neural.training.distributed import DistributedGroup
from semblance.neural.training.health import Health
from semblance.tracking.datasets.dataset import Dataset

ALONE = DistributedGroup(0, 1, torch.device("cpu"))
FITTING = 1024.0
"""A scale at which the narrow network overflows nowhere."""


@pytest.fixture
def batch(dataset, tmp_path):
    source = Dataset.open(dataset)
    frames = open_frames(source, source.names, 256, tmp_path / "frames")
    return cut_batch(frames, np.array([0, 3]), np.linspace(0, 1, len(source.names)), CENTRED, ALONE.device)


def gradients(tiny, batch, dtype, *, regularised) -> tuple[torch.Tensor, torch.Tensor]:
    """The generators' and the discriminator's, in one row each."""
    trainer = Trainer(tiny, ALONE, dtype, None, 0)
    trainer.scale.factor.fill_(FITTING)
    trainer._gradients(batch, Turn(True, True, regularised), lambda: None)
    networks = (trainer.generators, trainer.discriminator)
    rows = [[each.grad.flatten() for each in network.parameters() if each.grad is not None] for network in networks]
    return torch.cat(rows[0]), torch.cat(rows[1])


def apart(ours, theirs) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def test_gradients_and_those_of_the_penalty_are_float32s(tiny, batch, monkeypatch):
    monkeypatch.setattr(optimisers, "LARGEST_GRADIENT", math.inf)
    found = {}
    for dtype in (torch.float16, torch.float32):
        painting, judging = gradients(tiny, batch, dtype, regularised=True)
        _, without = gradients(tiny, batch, dtype, regularised=False)
        found[dtype] = painting, judging - without  # what R1 adds
    painting, penalty = (apart(*pair) for pair in zip(found[torch.float16], found[torch.float32], strict=True))
    assert painting < 0.05
    assert penalty < 0.01


def test_steps_whose_gradients_overflow_are_skipped_and_counted_and_are_no_loss(tiny, batch):
    trainer, health = Trainer(tiny, ALONE, torch.float16, None, 0), Health()
    trainer.scale.factor.fill_(2.0**30)  # so that everything overflows
    before = {name: each.detach().clone() for name, each in trainer.generators.named_parameters()}
    told = trainer.step(batch, 0, 1.0, lambda: None)
    assert health.see(told) is None
    assert health.sound
    assert trainer.scale.skipped == 1
    assert trainer.scale.factor == loss_scale.FIRST / 2
    assert all(torch.equal(each, before[name]) for name, each in trainer.generators.named_parameters())
    for index in range(1, 8):
        trainer.step(batch, index, 1.0, lambda: None)
    assert trainer.scale.skipped < 8
    assert not torch.equal(trainer.generators.network.mask.weight, before["network.mask.weight"])
    assert trainer.dtype == torch.float16


def test_what_float16_cannot_do_goes_on_in_float32(tiny, batch, caplog):
    trainer = Trainer(tiny, ALONE, torch.float16, None, 0)
    footage = batch.footage[0, 0, 0, 0].clone()
    batch.footage[0, 0, 0, 0] = torch.inf
    assert math.isnan(trainer.step(batch, 0, 1.0, lambda: None)["total"])
    batch.footage[0, 0, 0, 0] = footage
    assert trainer.dtype == torch.float32
    assert "goes on in float32" in caplog.text
    assert Health().see(trainer.step(batch, 1, 1.0, lambda: None)) is None


def test_overflows_at_the_least_scale_are_not_the_scales_fault(tiny, batch):
    trainer = Trainer(tiny, ALONE, torch.float16, None, 0)
    for _ in range(16):
        trainer.scale.see(overflown=True)
    assert trainer.scale.is_one
    trainer.scale.factor.fill_(2.0**30)
    trainer.step(batch, 0, 1.0, lambda: None)
    assert trainer.dtype == torch.float32


def test_the_scale_rises_again_after_long(monkeypatch):
    monkeypatch.setattr(loss_scale, "PATIENCE", 3)
    scale = loss_scale.LossScale(ALONE.device)
    kept = scale.factor
    for overflown in (True, False, False, True, False, False, False):
        scale.see(overflown=overflown)
    assert scale.factor is kept
    assert kept == loss_scale.FIRST / 2
    for _ in range(100):
        scale.see(overflown=False)
    assert kept == loss_scale.LARGEST
