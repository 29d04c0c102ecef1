# SPDX-License-Identifier: GPL-3.0-or-later
"""Replayed steps of a StyleAvatar learn what plain ones do, on an imitation of CUDA graphs (`makers.cuda_graphs`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from semblance.neural.styleavatar.networks.windows import CENTRED, Cells, Window
from semblance.neural.styleavatar.training.batches import Batch, cut_batch, open_frames
from semblance.neural.styleavatar.training.trainer import Trainer
from semblance.neural.training import recorded_gradients
from semblance.neural.training.distributed import DistributedGroup
from semblance.neural.training.recorded_gradients import CHECKED, RecordedGradients
from semblance.tests.makers.cuda_graphs import Captures
from semblance.tracking.datasets.dataset import Dataset

ALONE = DistributedGroup(0, 1, torch.device("cpu"))
BEFORE, SORTS = 2, 2
STEPS = BEFORE + SORTS * (CHECKED + 3)


@pytest.fixture
def batches(dataset, tmp_path) -> list[Batch]:
    """One for each step; every other one has a window that slides, each elsewhere."""
    source = Dataset.open(dataset)
    frames, codes = open_frames(source, source.names, 256, tmp_path / "frames"), np.linspace(0, 1, len(source.names))
    windows = [Window(10 + index, 54 - index) if index % 2 else CENTRED for index in range(STEPS)]
    samples = [np.array([index, index + 3]) % len(frames) for index in range(STEPS)]
    return [cut_batch(frames, *each, ALONE.device) for each in zip(samples, [codes] * STEPS, windows, strict=True)]


@pytest.fixture
def preset(tiny):
    """R1 in every other step with the discriminator; the feature generators rest early."""
    schedule = replace(tiny.schedule, adversary_start=0.0, adversary_every=1, r1_every=2, freeze_after=BEFORE)
    return replace(tiny, schedule=schedule)


def test_cells_are_cut_where_the_window_lies():
    layer, window = torch.randn(2, 3, 192, 192).contiguous(memory_format=torch.channels_last), Window(10, 54)
    cut = Cells.of(window, ALONE.device).cut(layer)
    assert torch.equal(cut, window.cut(layer))
    assert cut.is_contiguous(memory_format=torch.channels_last)


def test_replayed_steps_learn_what_plain_ones_do(preset, batches, monkeypatch, caplog):
    told, weights = {}, {}
    for recorded in (False, True):
        trainer = Trainer(preset, ALONE, torch.float32, None, 0)
        learning = (trainer.generators, trainer.discriminator)
        captures = Captures(learning)
        if recorded:
            monkeypatch.setattr(recorded_gradients, "captured", captures)
            monkeypatch.setattr(torch.cuda, "graph_pool_handle", object)
            trainer.recordings = RecordedGradients(learning)
        told[recorded] = [trainer.step(batch, index, 1.0, lambda: None) for index, batch in enumerate(batches)]
        weights[recorded] = [weight for module in trainer.modules.values() for weight in module.parameters()]
    assert len(captures.pools) == SORTS
    assert not caplog.text
    for ours, theirs in zip(told[True], told[False], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)
    torch.testing.assert_close(weights[True], weights[False], rtol=1e-2, atol=1e-4)
