# SPDX-License-Identifier: GPL-3.0-or-later
"""Which PyTorch a machine gets: a table of all cases."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from semblance.common.errors import UserError
from semblance.common.installation.torch_builds import (
    TORCH,
    Graphics,
    Platform,
    torch_requirement,
)

ROOT = Path(__file__).resolve().parents[3]
LINUX, WINDOWS, MAC = Platform("linux"), Platform("win32"), Platform("darwin", "arm64")
WSL = Platform("linux", wsl=True)


def cards(driver: str, *capabilities: tuple[int, int] | None) -> Graphics:
    named = tuple((f"Card {number}", capability) for number, capability in enumerate(capabilities))
    return Graphics(driver, named, frozenset({"nvidia"}))


def only(*makers: str) -> Graphics:
    return Graphics(makers=frozenset(makers))


PYPI, CPU, CU126, CU130, ROCM = f"torch=={TORCH}", "+cpu", "+cu126", "+cu130", "+rocm7.2"
CASES = (
    # platform, graphics, override -> build, requirement's end, words of the sentence ("" for none)
    (LINUX, only(), "", "cpu", CPU, "no NVIDIA GPU"),
    (WINDOWS, only(), "", "cpu", PYPI, "no NVIDIA GPU"),
    (MAC, only(), "", "cpu", PYPI, "Macs have no CUDA"),
    (WSL, only(), "", "cpu", CPU, "driver in Windows"),
    (LINUX, only("nvidia"), "", "cpu", CPU, "no driver of NVIDIA's.*580 or newer"),
    (WINDOWS, only("nvidia", "intel"), "", "cpu", PYPI, "no driver of NVIDIA's.*580 or newer"),
    (LINUX, only("amd"), "", "cpu", CPU, "AMD.*rocm7.2"),
    (WINDOWS, only("amd", "intel"), "", "cpu", PYPI, "AMD.*processor\\.$"),
    (LINUX, only("intel"), "", "cpu", CPU, "Intel"),
    (LINUX, Graphics(complaint="Driver/library version mismatch"), "", "cpu", CPU, "mismatch.*Restart"),
    # the newest driver: CUDA 13 from Turing on, CUDA 12.6 before
    (LINUX, cards("580.95.05", (8, 9)), "", "cu130", PYPI, ""),
    (LINUX, cards("580.95.05", (7, 5)), "", "cu130", PYPI, ""),
    (LINUX, cards("590.10", (12, 0)), "", "cu130", PYPI, ""),
    (LINUX, cards("590.10", (9, 0)), "", "cu130", PYPI, ""),
    (WINDOWS, cards("581.29", (8, 6)), "", "cu130", CU130, ""),
    (WSL, cards("581.29", (8, 6)), "", "cu130", PYPI, ""),
    (LINUX, cards("580.95.05", (7, 0)), "", "cu126", CU126, ""),
    (LINUX, cards("580.95.05", (6, 1)), "", "cu126", CU126, ""),
    (WINDOWS, cards("581.29", (6, 1)), "", "cu126", CU126, ""),
    (LINUX, cards("580.95.05", (5, 2)), "", "cu126", CU126, ""),
    (LINUX, cards("470.1", (3, 5)), "", "cpu", CPU, "3.5.*too old for PyTorch"),
    (LINUX, cards("700.1", (14, 0)), "", "cpu", CPU, "no code for Card 0.*14.0.*yet"),
    # older drivers
    (LINUX, cards("550.54", (8, 6)), "", "cu126", CU126, ""),
    (LINUX, cards("525.60", (7, 5)), "", "cu126", CU126, ""),
    (WINDOWS, cards("528.33", (8, 6)), "", "cu126", CU126, ""),
    (WINDOWS, cards("526.86", (8, 6)), "", "cpu", PYPI, "526.86 is too old.*528.*580 or newer"),
    (LINUX, cards("470.256", (8, 6)), "", "cpu", CPU, "470.256 is too old.*525.*580 or newer"),
    (LINUX, cards("470.256", (6, 1)), "", "cpu", CPU, "580, the last for such cards"),
    (WSL, cards("472.12", (8, 6)), "", "cpu", CPU, "in Windows"),
    (LINUX, cards("570.86", (12, 0)), "", "cpu", CPU, "570.86 is too old.*580"),
    # a driver that does not tell the capability
    (LINUX, cards("470.256", None), "", "cpu", CPU, "too old"),
    (LINUX, cards("580.1", None), "", "cu130", PYPI, ""),
    # several cards
    (LINUX, cards("580.95", (8, 6), (8, 9)), "", "cu130", PYPI, ""),
    (LINUX, cards("580.95", (6, 1), (7, 5)), "", "cu126", CU126, ""),
    (LINUX, cards("580.95", (6, 1), (12, 0)), "", "cu130", PYPI, "leaves Card 0 unused"),
    # by hand
    (LINUX, cards("580.95", (8, 6)), "cpu", "cpu", CPU, ""),
    (LINUX, only(), "cu126", "cu126", CU126, ""),
    (LINUX, only(), "cuda", "cu130", PYPI, ""),
    (WINDOWS, only(), "cu130", "cu130", CU130, ""),
    (LINUX, only("amd"), "rocm", "rocm7.2", ROCM, ""),
    (LINUX, only(), "auto", "cpu", CPU, "no NVIDIA GPU"),
)


@pytest.mark.parametrize(("platform", "graphics", "override", "build", "end", "words"), CASES)
def test_the_build_for_a_machine(platform, graphics, override, build, end, words):
    chosen = torch_requirement(platform, graphics, override)
    assert chosen.build == build
    assert chosen.requirement == end if end == PYPI else chosen.requirement == PYPI + end
    assert chosen.index == ("" if end == PYPI else f"https://download.pytorch.org/whl/{build}")
    assert chosen.gpu == (build != "cpu")
    if words:
        assert_says(chosen.sentence, words)
    else:
        assert chosen.sentence == ""


def assert_says(sentence: str, words: str) -> None:
    import re

    assert re.search(words, sentence), sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("platform", "word"),
    [
        (Platform("darwin", "x86_64"), "Intel processors"),
        (Platform("linux", "arm64"), "MediaPipe"),
        (Platform("win32", "arm64"), "MediaPipe"),
    ],
)
def test_machines_without_an_engine_are_told_so(platform, word):
    with pytest.raises(UserError, match=f"{word}.*another machine"):
        torch_requirement(platform, Graphics(), "cpu")


@pytest.mark.parametrize(("platform", "name"), [(MAC, "cu130"), (WINDOWS, "rocm7.2"), (LINUX, "cu111")])
def test_a_build_that_is_not_there_is_refused_with_those_that_are(platform, name):
    with pytest.raises(UserError, match=f"no build {name}.*auto, cpu"):
        torch_requirement(platform, Graphics(), name)


def test_a_cuda_engine_is_said_to_be_larger():
    cuda, cpu = (torch_requirement(LINUX, cards("580.95", (8, 6)), name) for name in ("", "cpu"))
    assert cuda.download > 8 * cpu.download
    assert cuda.disk > 5 * cpu.disk


def test_the_table_is_of_the_release_that_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"torch=={TORCH}" in project["dependencies"]
