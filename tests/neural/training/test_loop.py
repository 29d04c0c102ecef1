# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop, on a toy that is no avatar: two weights that learn two numbers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled, GoodEnough
from semblance.neural.training import curves, loop
from semblance.neural.training.checkpoints import FORMAT, TrainingState, read_state
from semblance.neural.training.distributed import DistributedGroup
from semblance.neural.training.health import MOST_BAD_STEPS
from semblance.neural.training.loop import TrainingDiverged, TrainingRun
from semblance.neural.training.plan import Plan
from torch import nn

AIM = torch.tensor([3.0, -2.0])


class Toy:
    """Weights that move towards `AIM`, with noise that depends on the step.

    `bad`: calls of `step`, from 1, whose loss is no number; `most`: samples that the memory holds.
    """

    def __init__(self, bad: range = range(0), most: int = 4) -> None:
        self.dtype, self.group = torch.float32, DistributedGroup(0, 1, torch.device("cpu"))
        self.weights = nn.Linear(2, 1, bias=False)
        nn.init.zeros_(self.weights.weight)
        self.optimiser = torch.optim.AdamW(self.weights.parameters(), 0.1)
        self.modules, self.optimisers = {"weights": self.weights}, {"optimiser": self.optimiser}
        self.batch_size, self.size, self.smaller_size = 4, "toy (2 weights)", None
        self.setbacks, self.calls, self._bad, self._most = 0, 0, bad, most

    def step(self, index, fraction, breathe):
        self.calls += 1
        if self.batch_size > self._most:
            raise torch.OutOfMemoryError("no room")
        noise = 0.01 * torch.randn(2, generator=torch.Generator().manual_seed(100 * self.setbacks + index))
        loss = (self.weights.weight[0] - AIM - noise).square().sum()
        if self.calls in self._bad:
            return {"distance": math.nan}
        loss.backward()
        breathe()
        self.optimiser.step()
        self.optimiser.zero_grad()
        return {"distance": float(loss.detach())}

    def preview(self, step):
        return np.full((2, 3, 3), min(255, step), np.uint8)

    def be_careful(self, setbacks):
        self.setbacks = setbacks

    def halve_batch(self):
        self.batch_size //= 2

    @property
    def found(self) -> list[float]:
        return self.weights.weight[0].tolist()


def train(folder, toy, steps, *, resume=True, label="toy", listener=lambda _: None) -> TrainingState:
    folder.mkdir(exist_ok=True)
    return TrainingRun(folder, toy, Plan(None, steps), label, listener).to_the_end(resume)


def steps_of(folder) -> list[int]:
    return [json.loads(row)["step"] for row in (folder / "curves.jsonl").read_text().splitlines()]


def test_it_learns_and_leaves_curves_a_preview_and_a_checkpoint(tmp_path):
    toy, heard = Toy(), []
    state = train(tmp_path, toy, 150, listener=heard.append)
    assert toy.found == pytest.approx(AIM.tolist(), abs=0.1)
    assert (state.step, state.setbacks, state.dtype) == (150, 0, "float32")
    assert read_state(tmp_path / "checkpoint.safetensors") == state
    assert steps_of(tmp_path) == list(range(1, 151))
    assert Image.open(tmp_path / "preview.jpg").getpixel((0, 0)) == (150, 150, 150)
    assert heard[-1].fraction == 1
    assert heard[-1].message.startswith("step 150, Distance 0.")


def test_a_cancelled_training_goes_on_as_if_nothing_had_happened(tmp_path):
    whole, cut, resumed = Toy(), Toy(), Toy()
    train(tmp_path / "whole", whole, 12)

    def cancel(progress):
        if progress.message.startswith("step 5,"):
            raise Cancelled

    with pytest.raises(Cancelled):
        train(tmp_path / "cut", cut, 12, listener=cancel)
    train(tmp_path / "cut", resumed, 12)
    assert resumed.calls == 7
    assert resumed.found == whole.found
    assert steps_of(tmp_path / "cut") == list(range(1, 13))


def test_a_training_that_is_good_enough_ends_after_its_step_and_can_go_on(tmp_path):
    def enough(progress):
        assert progress.may_end
        if progress.message.startswith("step 5,"):
            raise GoodEnough

    toy, more = Toy(), Toy()
    assert train(tmp_path, toy, 12, listener=enough).step == 5
    assert read_state(tmp_path / "checkpoint.safetensors").step == 5
    assert Image.open(tmp_path / "preview.jpg").getpixel((0, 0)) == (5, 5, 5)
    assert train(tmp_path, more, 12).step == 12
    assert more.calls == 7


def test_a_curve_has_the_means_of_neighbouring_steps(tmp_path, monkeypatch):
    path = tmp_path / "curves.jsonl"
    assert curves.read_curve(path, 10).watched == ""
    for step in range(1, 11):
        curves.add_row(
            path,
            step,
            0.5 * step,
            {"l1": 1 / step} | ({"judge": math.nan if step == 4 else 2.0} if step % 4 == 0 else {}),
        )
    with path.open("a") as file:
        file.write('{"step": 11, "sec')  # is just being written
    curve = curves.read_curve(path, 5)
    assert (curve.steps, curve.seconds, curve.watched) == ([2, 4, 6, 8, 10], [1, 2, 3, 4, 5], "l1")
    assert curve.losses["l1"] == pytest.approx([0.75, 7 / 24, 11 / 60, 15 / 112, 19 / 180], abs=1e-5)
    assert curve.losses["judge"] == [None, None, None, 2.0, None]
    monkeypatch.setattr(curves, "MOST_ROWS", 4)
    assert curves.read_curve(path, 100).steps == [1, 4, 7, 10]


def test_another_training_and_one_told_not_to_resume_begin_anew(tmp_path):
    train(tmp_path, Toy(), 4)
    other, anew = Toy(), Toy()
    train(tmp_path, other, 6, label="other")
    train(tmp_path, anew, 6, label="other", resume=False)
    assert (other.calls, anew.calls) == (6, 6)


@pytest.mark.parametrize("kept", [torch.bfloat16, torch.float16])
def test_a_resumed_training_keeps_its_arithmetic(tmp_path, kept):
    first, second = Toy(), Toy()
    first.dtype = kept
    train(tmp_path, first, 2)
    assert train(tmp_path, second, 4).dtype == str(kept).removeprefix("torch.")
    assert second.dtype == kept


def test_arithmetic_that_a_step_has_changed_is_resumed(tmp_path):
    class Changing(Toy):
        def step(self, *given):
            self.dtype = torch.float32
            return super().step(*given)

    first, second = Changing(), Toy()
    first.dtype = second.dtype = torch.float16
    assert train(tmp_path, first, 2).dtype == "float32"
    train(tmp_path, second, 3)
    assert second.dtype == torch.float32


def test_a_checkpoint_of_the_first_version_is_resumed_in_this_machines_arithmetic(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    state = train(tmp_path, Toy(), 2)
    said = {name: value for name, value in asdict(state).items() if name != "dtype"}
    header = {"format": "semblance-checkpoint", "version": "1", "standing": json.dumps(said)}
    safetensors.torch.save_file(safetensors.torch.load_file(path), path, header)
    toy = Toy()
    toy.dtype = torch.bfloat16
    assert train(tmp_path, toy, 5).dtype == "bfloat16"
    assert toy.calls == 3


def test_checkpoints_that_cannot_be_read_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    state = train(tmp_path, Toy(), 1)
    tensors = safetensors.torch.load_file(path)
    for version, said, reason in (
        (FORMAT.version + 1, asdict(state), "newer Semblance"),
        (FORMAT.version, asdict(state) | {"dtype": "int3"}, "damaged"),
        (FORMAT.version, {"label": "toy"}, "damaged"),
    ):
        header = {"format": "semblance-checkpoint", "version": str(version), "standing": json.dumps(said)}
        safetensors.torch.save_file(tensors, path, header)
        with pytest.raises(UserError, match=reason):
            read_state(path)


def test_a_setback_leads_back_to_the_last_good_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "CHECKPOINT_SHARE", 1.0)
    toy, heard = Toy(bad=range(4, 4 + MOST_BAD_STEPS)), []
    state = train(tmp_path, toy, 150, listener=heard.append)
    assert (state.step, state.setbacks, toy.setbacks) == (150, 1, 1)
    assert any("; went back from step 13 to 3: the losses" in progress.message for progress in heard)
    assert steps_of(tmp_path) == list(range(1, 151))
    assert toy.found == pytest.approx(AIM.tolist(), abs=0.1)
    resumed = Toy()
    train(tmp_path, resumed, 151)
    assert resumed.setbacks == 1


def test_a_training_that_is_lost_again_and_again_is_given_up(tmp_path):
    with pytest.raises(TrainingDiverged, match="went wrong 4 times"):
        train(tmp_path, Toy(bad=range(2, 1000)), 100)


def test_the_batch_is_halved_once_where_memory_is_short(tmp_path):
    toy, heard = Toy(most=2), []
    train(tmp_path, toy, 3, listener=heard.append)
    assert (toy.batch_size, toy.calls) == (2, 4)
    assert heard[-1].message.endswith("; the GPU's memory holds 2 pictures at once, not 4")
    with pytest.raises(UserError, match=r"too small to train toy \(2 weights\) with 2 pictures at once; close"):
        train(tmp_path / "small", Toy(most=1), 3)
    small = Toy(most=1)
    small.smaller_size = "bead (1 weight)"
    with pytest.raises(UserError, match=r"build with the preset bead \(1 weight\)"):
        train(tmp_path / "smaller", small, 3)


def test_a_plan_is_steps_or_seconds_or_the_usual_time():
    state = TrainingState("toy", 30, 60.0)
    assert Plan.of(120.0, 40, 500).fraction(state) == 0.75
    assert Plan.of(120.0, None, 500).seconds_left(state) == 60
    assert Plan.of(None, None, 240).fraction(state) == 0.25
    assert Plan.of(None, 40, 500).seconds_left(state) == 20
    assert Plan.of(None, 40, 500).seconds_left(replace(state, step=0)) is None
    with pytest.raises(UserError, match="more than 0"):
        Plan.of(0, None, 500)
