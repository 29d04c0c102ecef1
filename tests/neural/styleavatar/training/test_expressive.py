# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouth and eyes are found in the footage, and training counts them more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from semblance.neural.styleavatar.networks.windows import CENTRED, Window
from semblance.neural.styleavatar.training.batches import cut_batch, open_frames
from semblance.neural.styleavatar.training.expressive import expressive_region, landmarks_in_maps
from semblance.neural.styleavatar.training.trainer import Trainer
from semblance.neural.training.distributed import DistributedGroup
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.detection.landmarks import LEFT_EYE, LIPS, OVAL, RIGHT_EYE

if TYPE_CHECKING:
    from pathlib import Path

ALONE = DistributedGroup(0, 1, torch.device("cpu"))
FRAMES = np.array([0, 3])


@pytest.fixture
def source(dataset: Path) -> Dataset:
    return Dataset.open(dataset)


def test_lips_and_eyes_are_covered_and_the_rest_is_not(source):
    for landmarks in landmarks_in_maps(source, FRAMES, None):
        region = expressive_region(landmarks)
        for ring in (LIPS, LEFT_EYE, RIGHT_EYE):
            columns, rows = landmarks[list(ring), :2].round().astype(int).T
            assert (region[rows, columns] > 200).all()
        columns, rows = landmarks[list(OVAL), :2].round().astype(int).T.clip(0, 255)
        assert not region[rows, columns].any()
        assert 0.003 < (region > 127).mean() < 0.1


def test_regions_lie_where_the_window_is(source, tmp_path):
    names = [source.names[index] for index in FRAMES]
    frames = open_frames(source, names, 256, tmp_path, landmarks_in_maps(source, FRAMES, None))
    still = cut_batch(frames, np.array([0]), np.zeros(2), CENTRED, ALONE.device)
    moved = cut_batch(frames, np.array([0]), np.zeros(2), Window(28, 37), ALONE.device)
    assert still.expressive.shape == still.matte.shape
    assert still.expressive.amax() == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(moved.expressive[..., 20:220, 20:220], still.expressive[..., 12:212, 30:230])


def test_without_the_head_nothing_counts_more(source, tmp_path, monkeypatch):
    performance = replace(source.performance(), head="flame-2023")
    monkeypatch.setattr(Dataset, "performance", lambda self: performance)
    assert landmarks_in_maps(source, FRAMES, None) is None
    frames = open_frames(source, source.names[:2], 256, tmp_path)
    assert not frames.expressive.any()


def test_errors_of_the_mouth_cost_more(source, tmp_path, tiny):
    frames = open_frames(
        source, source.names, 256, tmp_path, landmarks_in_maps(source, np.arange(len(source.names)), None)
    )
    batch = cut_batch(frames, np.array([0, 1]), np.zeros(len(frames)), CENTRED, ALONE.device)
    mouths = replace(batch, footage=batch.footage + 0.5 * batch.expressive)
    costs = []
    for counts in (0.0, 6.0):
        trainer = Trainer(replace(tiny, losses=replace(tiny.losses, expressive=counts)), ALONE, torch.float32, None, 0)
        plain, wrong = (trainer.step(each, 0, 0.0, lambda: None)["l1"] for each in (batch, mouths))
        costs.append(wrong - plain)
    assert costs[1] > 3 * costs[0]
