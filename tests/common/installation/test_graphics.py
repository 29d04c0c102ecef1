# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what NVIDIA's tool, Linux's bus and Windows' registry say about the cards."""

from __future__ import annotations

import stat
import sys

import pytest
from semblance.common.installation import graphics
from semblance.common.installation.graphics import makers_named, makers_on_bus, read_answer
from semblance.common.installation.torch_builds import Graphics

NVIDIA = frozenset({"nvidia"})


def test_cards_with_their_capabilities():
    answer = read_answer(0, "580.95.05, 8.9, NVIDIA GeForce RTX 4090\n580.95.05, 6.1, NVIDIA TITAN Xp\n", frozenset())
    cards = (("NVIDIA GeForce RTX 4090", (8, 9)), ("NVIDIA TITAN Xp", (6, 1)))
    assert answer == Graphics("580.95.05", cards, NVIDIA)


def test_a_driver_that_does_not_know_capabilities():
    assert read_answer(0, "470.256.02, Quadro P2000\n", NVIDIA).cards == (("Quadro P2000", None),)
    assert read_answer(0, "580.1, [N/A], NVIDIA GB\n", NVIDIA).cards == (("NVIDIA GB", None),)


def test_a_driver_that_does_not_answer_is_quoted():
    text = "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.95\n"
    assert "version mismatch" in read_answer(18, text, NVIDIA).complaint
    assert read_answer(9, "", NVIDIA).complaint == "it said nothing"
    assert read_answer(6, "No devices were found\n", NVIDIA).complaint == "No devices were found"
    assert read_answer(6, "No devices were found\n", frozenset()) == Graphics()


def test_display_adapters_on_the_bus(tmp_path):
    for name, kind, vendor in (("a", "0x030000", "0x10de"), ("b", "0x030200", "0x1002"), ("c", "0x020000", "0x8086")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "class").write_text(f"{kind}\n")
        (tmp_path / name / "vendor").write_text(f"{vendor}\n")
    assert makers_on_bus(tmp_path) == {"nvidia", "amd"}
    assert makers_on_bus(tmp_path / "none") == frozenset()


def test_display_adapters_by_name():
    assert makers_named(["NVIDIA GeForce GTX 1060", "Intel(R) UHD", "Microsoft Basic Display"]) == {
        "nvidia",
        "intel",
    }
    assert makers_named(["Intel Arc A770", "AMD Radeon RX 7900"]) == {"intel", "amd"}


@pytest.mark.skipif(sys.platform != "linux", reason="a shell script stands in for NVIDIA's tool")
def test_the_tool_is_asked_again_without_what_it_does_not_know(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\ncase "$1" in *compute_cap*) echo "Field compute_cap is not valid."; exit 2;; esac\n'
        "echo '460.32, Tesla K80'\n"
    )
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = graphics.graphics_of_this_machine()
    assert (found.driver, found.cards) == ("460.32", (("Tesla K80", None),))


def test_this_machine_can_be_asked():
    assert graphics.this_platform().system == sys.platform
    assert isinstance(graphics.graphics_of_this_machine(), Graphics)
