# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the ablation study is trained and rendered like any avatar, and lacks what it is said to lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from semblance.benchmarks.ablation_rows import FULL, LAYERS, NO_PRETRAIN, ablated
from semblance.neural.avatar import Avatar
from semblance.neural.styleavatar.networks.portrait import FeatureSource, PortraitNetwork
from semblance.neural.styleavatar.training import build as training
from semblance.neural.styleavatar.training import presets
from semblance.protocol.inputs import Maps
from semblance.tests.makers.datasets import moving_disc
from semblance.tests.makers.networks import narrow_preview, one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moving_disc(tmp_path_factory.mktemp("dataset"))


@pytest.fixture
def tiny() -> Iterator[presets.Preset]:
    with one_thread():
        yield narrow_preview()


@pytest.mark.slow
@pytest.mark.parametrize("row", LAYERS)
def test_each_row_trains_and_renders(row, tiny, dataset, tmp_path, monkeypatch):
    preset = ablated(tiny, row)
    monkeypatch.setitem(presets.PRESETS, preset.name, preset)
    training.build(dataset, tmp_path / "a.safetensors", preset=preset.name, steps=2, work=tmp_path / "work")
    avatar = Avatar.load(tmp_path / "a.safetensors")
    maps = np.random.default_rng(0).random((1, 256, 256, 3), np.float32)
    picture = avatar.render(Maps(maps, maps)).rgba
    assert picture.shape == (1, 256, 256, 4)
    assert picture[..., :3].std() > 0
    painted = avatar.network(*avatar.tensors(Maps(maps, maps)), torch.tensor([avatar.metadata.time_code]))
    expected = (painted[0].clamp(-1, 1).permute(1, 2, 0) + 1) * 127.5
    assert np.abs(picture[0] - expected.numpy())[..., :3].max() < 2  # of the mask, holes are filled
    assert avatar.metadata.preset == f"preview-{row}"


def test_full_rows_are_the_preset(tiny):
    assert ablated(tiny, FULL) is ablated(tiny, NO_PRETRAIN) is tiny


def parts_that_matter(preset) -> set[str]:
    """What changes the picture when it changes: texture map, UV map, time, the baked maps."""
    torch.manual_seed(0)
    network = PortraitNetwork(preset.network)
    face, back = FeatureSource(preset.network)(0.0)
    uv, texture = torch.rand(1, 3, 256, 256) * 2 - 1, torch.rand(1, 3, 256, 256) * 2 - 1
    uv[:, 2], uv[:, 2, 100:] = 1, -1
    inputs = {"uv": uv, "texture": texture, "time_code": torch.tensor([0.3]), "face": face, "back": back}
    with torch.no_grad():
        usual = network.paint(**inputs).picture
        return {
            name
            for name, value in inputs.items()
            if not torch.equal(network.paint(**inputs | {name: value * 0.5}).picture, usual)
        }


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("dvp", {"texture"}),
        ("single-styleunet", {"texture", "time_code"}),
        ("dnr", {"uv", "face"}),
        # its face still hides the background (`face_in_front`), for which the UV map is looked at
        ("no-neural-texture", {"uv", "texture", "time_code", "back"}),
        (FULL, {"uv", "texture", "time_code", "face", "back"}),
    ],
)
def test_a_row_looks_at_what_it_is_said_to(tiny, row, expected):
    assert parts_that_matter(ablated(tiny, row)) == expected
