# SPDX-License-Identifier: GPL-3.0-or-later
"""Training that goes wrong: it is noticed, said, and goes on from the last good state, or ends in one sentence."""

from __future__ import annotations

import json
import math

import pytest
import torch
from semblance.common.errors import UserError
from semblance.neural.styleavatar.training import build as training
from semblance.neural.styleavatar.training.trainer import Trainer
from semblance.neural.training import loop as training_run
from semblance.neural.training.health import LONG, MOST_BAD_STEPS, Health

FINE = {"l1": 0.1, "discriminator": 1.3}


def test_health_sees_losses_that_are_no_numbers():
    health = Health()
    assert not any(health.see(FINE) for _ in range(50))
    found = [health.see({"l1": math.nan}) for _ in range(MOST_BAD_STEPS)]
    assert not any(found[:-1])
    assert "numbers" in found[-1]


def test_health_sees_a_discriminator_that_has_won():
    health = Health()
    found = [health.see({"discriminator": 0.01} if turn % 2 else {"l1": 0.1}) for turn in range(2 * LONG)]
    assert not any(found[:-1])
    assert "discriminator" in found[-1]
    assert not health.sound


def test_one_fair_turn_makes_a_training_sound_again():
    health = Health()
    for _ in range(LONG - 1):
        assert health.see({"discriminator": 0.01}) is None
    assert health.see(FINE) is None
    assert health.sound


def spoilt(monkeypatch, first: int, last: int) -> list[float]:
    """Make the losses of these calls of a step nan; return where the learning rates of all steps are noted."""
    step, rates = Trainer.step, []

    def spoilt_step(self, batch, index, fraction, breathe):
        told = step(self, batch, index, fraction, breathe)
        rates.append(self.generators_optimiser.param_groups[0]["lr"])
        return told | {"l1": math.nan} if first <= len(rates) <= last else told

    monkeypatch.setattr(Trainer, "step", spoilt_step)
    return rates


@pytest.mark.slow
def test_a_lost_training_goes_on_from_its_last_good_checkpoint(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(training_run, "CHECKPOINT_SHARE", 1.0)
    rates = spoilt(monkeypatch, 4, 3 + MOST_BAD_STEPS)
    heard = []
    built = training.build(dataset, tmp_path / "a.safetensors", steps=16, work=tmp_path / "w", listener=heard.append)
    rows = [json.loads(row) for row in (tmp_path / "w" / "curves.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 17))
    assert all(math.isfinite(row["l1"]) for row in rows)
    assert any("went back from step 13 to 3" in progress.message for progress in heard)
    assert any("lost once" in sentence for sentence in built.metadata.provenance.fallbacks)
    assert rates[3 + MOST_BAD_STEPS] == pytest.approx(rates[3] / 2)


@pytest.mark.slow
def test_a_training_that_is_lost_again_and_again_ends_in_one_sentence(dataset, tmp_path, monkeypatch):
    spoilt(monkeypatch, 3, 10_000)
    with pytest.raises(training_run.TrainingDiverged, match=r"^Training went wrong 4 times, .*; build with"):
        training.build(dataset, tmp_path / "a.safetensors", steps=100, work=tmp_path / "w")
    assert not (tmp_path / "a.safetensors").exists()


def without_memory_for(monkeypatch, most: int) -> list[int]:
    """Let steps with more than `most` pictures fail as a GPU does; return where the sizes of batches are noted."""
    step, sizes = Trainer.step, []

    def limited(self, batch, index, fraction, breathe):
        sizes.append(len(batch.footage))
        if len(batch.footage) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(self, batch, index, fraction, breathe)

    monkeypatch.setattr(Trainer, "step", limited)
    return sizes


@pytest.mark.slow
def test_the_batch_is_halved_where_memory_is_short(dataset, tmp_path, monkeypatch):
    sizes = without_memory_for(monkeypatch, 1)
    heard = []
    training.build(dataset, tmp_path / "a.safetensors", steps=3, work=tmp_path / "w", listener=heard.append)
    assert sizes == [2, 1, 1, 1]
    assert any("memory" in progress.message for progress in heard)


def test_memory_that_is_too_small_for_half_a_batch_is_said(dataset, tmp_path, monkeypatch):
    without_memory_for(monkeypatch, 0)
    with pytest.raises(UserError, match=r"memory is too small to train preview .* with 1 picture at once; close"):
        training.build(dataset, tmp_path / "a.safetensors", steps=3, work=tmp_path / "w")
