# SPDX-License-Identifier: GPL-3.0-or-later
"""What to expect of a build on this machine: measured, mended by builds, said in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from semblance.common.home import Home
from semblance.engine.commands.avatars import say_what_to_expect
from semblance.engine.jobs import expectations as expectations_module
from semblance.engine.jobs.expectations import expectation, expectations, is_measured, note_rates, note_training
from semblance.neural.device import DeviceFacts
from semblance.neural.styleavatar.training import speed
from semblance.neural.training.curves import CURVES_FILE, add_row
from semblance.protocol.choices import AVATAR_KINDS, PRESETS
from semblance.protocol.expectations import Expectation
from semblance.protocol.jobs import Build
from semblance.tests.makers.networks import narrow_preview, one_thread

__all__ = ["one_thread"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(expectations_module, "device_facts", lambda: DeviceFacts("cpu", "two cores", "2", ()))
    return Home(tmp_path)


def test_every_choice_has_its_time_also_where_nothing_was_measured(home):
    assert {(each.kind, each.preset) for each in expectations(home)} == {(k, p) for k in AVATAR_KINDS for p in PRESETS}
    assert expectation(home, "portrait", "preview").sentence == "8 min of training."
    assert expectation(home, "splats", "standard").sentence == "5 min of training."
    assert not is_measured(home)


def test_what_was_measured_is_known_for_this_device_only(home, monkeypatch):
    note_rates(home, {"portrait preview": 3.2, "portrait standard": 0.1})
    note_rates(home, {"portrait preview": 3.0})
    assert expectation(home, "portrait", "preview").sentence == "8 min of training here, about 1,400 steps."
    assert expectation(home, "portrait", "standard").sentence == (
        "30 min of training, less than 1% of what this quality wants on this computer: all of it takes 5 days."
    )
    monkeypatch.setattr(expectations_module, "device_facts", lambda: DeviceFacts("cpu", "CPU, 1 threads", "2", ()))
    assert is_measured(home), "how many threads there are just now is nothing to go by"
    monkeypatch.setattr(expectations_module, "device_facts", lambda: DeviceFacts("cuda", "H200", "2", ()))
    assert not is_measured(home)
    home.rates.write_text(json.dumps({"version": 2, "devices": 5}))
    assert not is_measured(home)


def test_a_build_mends_the_rate_where_it_was_long_enough(home, tmp_path):
    for step in range(1, 101):
        add_row(tmp_path / CURVES_FILE, step, 0.1 * step, {"l1": 1.0})
    note_training(home, "portrait", "preview", tmp_path)
    assert not is_measured(home)
    for step in range(101, 601):
        add_row(tmp_path / CURVES_FILE, step, 10 + 0.5 * (step - 100), {"l1": 1.0})
    note_training(home, "portrait", "preview", tmp_path)
    assert expectation(home, "portrait", "preview").rate == pytest.approx(599 / 260, rel=0.05)


def test_little_time_for_a_preset_is_said():
    assert Expectation("portrait", "final", 7200, 60_000, 8.3).share == pytest.approx(0.996)
    assert "1%" in Expectation("portrait", "final", 7200, 60_000, 0.1).sentence


def test_steps_are_measured(monkeypatch):
    monkeypatch.setattr(speed, "PRESETS", {"preview": narrow_preview(), "standard": narrow_preview()})
    monkeypatch.setattr(speed, "STEPS", 2)
    told = []
    with one_thread():
        found = speed.rates(torch.device("cpu"), told.append)
    assert set(found) == {"preview", "standard"}
    assert found["preview"] == pytest.approx(found["standard"] * 88 / 2.5)
    assert {each.stage for each in told} == {"Measuring"}


def test_the_command_line_says_how_long_a_build_takes(home, tmp_path, capsys):
    told = Build(dataset=str(tmp_path), avatar="me.safetensors", avatar_kind="splats", preset="final")
    say_what_to_expect(home, told)
    assert capsys.readouterr().err == "Final: 15 min of training.\n"
    say_what_to_expect(home, replace(told, steps=5))
    assert capsys.readouterr().err == ""
