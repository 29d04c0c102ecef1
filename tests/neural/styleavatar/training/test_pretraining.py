# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-training: a base of several people's datasets, and trainings that start from it."""

from __future__ import annotations

import json

import pytest
from semblance.common.errors import UserError
from semblance.neural.styleavatar.training import build as training
from semblance.neural.styleavatar.training import presets
from semblance.neural.styleavatar.training.pretrained_model import PretrainedModel
from semblance.neural.styleavatar.training.pretraining import pretrain
from semblance.tests.makers.networks import narrow_preview, one_thread


@pytest.fixture(scope="module")
def base(dataset, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, one_thread():
        patch.setitem(presets.PRESETS, "preview", narrow_preview())
        return pretrain([dataset, dataset], tmp_path_factory.mktemp("base") / "base.safetensors", steps=24)


def first_loss(folder) -> float:
    return json.loads((folder / "curves.jsonl").read_text().splitlines()[0])["l1"]


@pytest.mark.slow
def test_a_training_from_a_base_begins_where_the_base_ended(base, dataset, tmp_path):
    assert (base.steps, len(base.sources), base.next_identity) == (24, 2, pytest.approx(0.2))
    training.build(dataset, tmp_path / "cold.safetensors", steps=1, work=tmp_path / "cold")
    training.build(dataset, tmp_path / "warm.safetensors", steps=1, work=tmp_path / "warm", base=base.path)
    assert first_loss(tmp_path / "warm") < 0.85 * first_loss(tmp_path / "cold")


@pytest.mark.slow
def test_bases_that_do_not_fit_are_refused_in_one_sentence(base, dataset, tmp_path):
    with pytest.raises(UserError, match="at least two people"):
        pretrain([dataset], tmp_path / "b.safetensors", steps=1)
    with pytest.raises(UserError, match="preset preview, not final"):
        PretrainedModel.open(base.path, presets.FINAL)
    with pytest.raises(UserError, match="There is no base"):
        training.build(dataset, tmp_path / "a.safetensors", steps=1, base=tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(base.path.read_bytes()[:500])
    with pytest.raises(UserError, match="damaged"):
        training.build(dataset, tmp_path / "a.safetensors", steps=1, base=cut)
