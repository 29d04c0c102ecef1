# SPDX-License-Identifier: GPL-3.0-or-later
"""Replayed steps learn what plain ones do, on an imitation of CUDA graphs (`makers.cuda_graphs`)."""

from __future__ import annotations

import pytest
import torch
from semblance.neural.training import recorded_gradients
from semblance.neural.training.recorded_gradients import CHECKED, MOST, RecordedGradients, Step
from semblance.tests.makers.cuda_graphs import Captures, ImitatedGraph
from torch import nn

OFTEN = CHECKED + 4


class Toy:
    """A network that learns numbers; its batches' statistics are buffers, and it draws random numbers."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.1), nn.Linear(4, 1))
        self.optimiser = torch.optim.AdamW(self.network.parameters(), 0.01)
        self.recordings = RecordedGradients([self.network])
        self.plain_steps, self.error = 0, None

    def gradients(self, inputs):
        loss = (self.network(inputs["points"]) - inputs["aims"]).square().mean()
        loss.backward()
        return {"distance": loss.detach()}

    def step(
        self, index, *, size=4, sort="usual", course="", dtype=torch.float32, recorded=True, spoilt=False
    ) -> float:
        drawn = torch.Generator().manual_seed(index)
        inputs = {"points": torch.randn(size, 2, generator=drawn), "aims": torch.randn(size, 1, generator=drawn)}
        if spoilt:
            inputs["aims"][0] = torch.nan

        def plain():
            self.plain_steps += 1
            if self.error:
                raise self.error
            return self.gradients(inputs)

        step = Step(dtype, course, sort, inputs, plain, self.gradients)
        made = self.recordings.make(step) if recorded else plain()
        told = float(made["distance"])
        if not spoilt:
            self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return told


@pytest.fixture
def toy(monkeypatch):
    toy = Toy()
    toy.captures = Captures([toy.network])
    monkeypatch.setattr(recorded_gradients, "captured", toy.captures)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", object)
    return toy


def same_as_plain(toy, told, steps) -> bool:
    """Whether losses, weights, statistics and the next random number are what plain steps lead to."""
    drawn, other = torch.rand(1), Toy()
    expected = [other.step(index, recorded=False) for index in range(steps)]
    kept = other.network.state_dict()
    alike = all(torch.equal(value, kept[name]) for name, value in toy.network.state_dict().items())
    return told == expected and alike and torch.equal(drawn, torch.rand(1))


def test_replayed_steps_learn_what_plain_ones_do(toy):
    told = [toy.step(index) for index in range(OFTEN)]
    assert toy.plain_steps == 1 + CHECKED
    assert len(toy.captures.pools) == 1
    assert same_as_plain(toy, told, OFTEN)


def test_each_sort_and_shape_is_recorded_once_in_memory_that_all_share(toy):
    for index in range(3):
        toy.step(index)
        toy.step(index, sort="other")
        toy.step(index, size=6)
    assert len(toy.captures.pools) == 3
    assert len(set(map(id, toy.captures.pools))) == 1


def test_a_sort_that_comes_once_is_not_recorded_and_no_more_than_so_many_are(toy):
    for turn in range(3):
        for sort in range(MOST + 2):
            toy.step(turn, sort=sort)
        assert len(toy.captures.pools) == (0 if turn == 0 else MOST)


@pytest.mark.parametrize("change", [{"course": "later"}, {"dtype": torch.bfloat16}])
def test_recordings_are_dropped_with_their_phase(toy, change):
    for index in range(3):
        toy.step(index)
    for index in range(3):
        toy.step(index, **change)
    toy.step(0)
    assert len(toy.captures.pools) == 2
    assert toy.captures.pools[0] is not toy.captures.pools[1]
    toy.step(0)
    assert len(toy.captures.pools) == 3, "it was to be dropped"


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no room"), RuntimeError("operation not permitted")])
def test_what_cannot_be_recorded_is_done_plainly_as_if_nothing_had_been_tried(toy, caplog, error):
    toy.captures.error = error
    told = [toy.step(index) for index in range(OFTEN)]
    assert len(toy.captures.pools) == 1
    assert caplog.text.count("are not recorded") == 1
    assert same_as_plain(toy, told, OFTEN)


def test_a_replay_that_fails_is_done_plainly(toy, caplog):
    class Failing(ImitatedGraph):
        def replay(self):
            if toy.plain_steps == 1 + CHECKED:
                raise RuntimeError("launch failed")
            super().replay()

    toy.captures.graph = Failing
    told = [toy.step(index) for index in range(OFTEN)]
    assert "launch failed" in caplog.text
    assert same_as_plain(toy, told, OFTEN)


def test_steps_whose_losses_are_no_numbers_do_not_vouch_for_a_recording(toy, caplog):
    unlucky = range(1, 3)
    for index in range(OFTEN):
        toy.step(index, spoilt=index in unlucky)
    assert not caplog.text
    assert toy.plain_steps == 1 + CHECKED + len(unlucky)


@pytest.mark.parametrize("wrong", ["losses", "gradients"])
def test_a_recording_that_gives_other_results_teaches_nothing(toy, caplog, wrong):
    class Wrong(ImitatedGraph):
        def replay(self):
            super().replay()
            spoilt = self.losses["distance"] if wrong == "losses" else self._gradients[0][1]
            spoilt.mul_(1.5)

    toy.captures.graph = Wrong
    told = [toy.step(index) for index in range(OFTEN)]
    assert caplog.text.count("other results (distance)" if wrong == "losses" else "other results (gradients)") == 1
    assert same_as_plain(toy, told, OFTEN)


def test_memory_that_recordings_take_is_given_back_where_a_step_lacks_it(toy, caplog):
    for index in range(3):
        toy.step(index)
    toy.error = torch.OutOfMemoryError("no room")
    with pytest.raises(torch.OutOfMemoryError):
        toy.step(3, sort="other")
    assert "no room" in caplog.text
    toy.error = None
    toy.step(3, sort="other")


def test_too_little_memory_for_a_plain_step_is_said_and_recording_goes_on_later(toy):
    toy.error = torch.OutOfMemoryError("no room")
    with pytest.raises(torch.OutOfMemoryError):
        toy.step(0)
    toy.error = None
    for index in range(2):
        toy.step(index, size=2)
    assert len(toy.captures.pools) == 1
