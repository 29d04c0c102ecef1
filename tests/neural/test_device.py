# SPDX-License-Identifier: GPL-3.0-or-later
"""A GPU is promised only when it computes; otherwise a sentence says why and what helps."""

from __future__ import annotations

import re

import pytest
import torch
from semblance.common.installation.torch_builds import Graphics, Platform
from semblance.neural import device
from semblance.neural.device import device_facts, why_it_cannot_convolve, why_no_gpu

CARD = Graphics("580.95", (("NVIDIA RTX 4090", (8, 9)),), frozenset({"nvidia"}))
NO_CODE = "CUDA error: no kernel image is available for execution on the device\nCompile with …"


@pytest.fixture
def gpu(monkeypatch):
    """A make-believe GPU whose convolutions are the function that is given."""

    def believe(convolve) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA TITAN Xp")
        monkeypatch.setattr(device, "why_it_cannot_convolve", lambda _device: convolve())
        device_facts.cache_clear()

    yield believe
    device_facts.cache_clear()


def test_a_gpu_that_computes_is_promised(gpu):
    gpu(lambda: "")
    assert (device_facts().device, device_facts().fallbacks) == ("cuda", ())


def test_a_gpu_without_code_is_not_promised(gpu):
    gpu(lambda: NO_CODE.splitlines()[0])
    facts = device_facts()
    assert facts.device == "cpu"
    assert "no code for NVIDIA TITAN Xp" in facts.fallbacks[0]
    assert "set the engine up again" in facts.fallbacks[0]


def test_a_gpu_that_is_out_of_order_is_quoted(gpu):
    gpu(lambda: "CUDA error: unspecified launch failure")
    assert "unspecified launch failure" in device_facts().fallbacks[0]


def test_the_convolution_notices_errors_and_wrong_numbers(monkeypatch):
    assert why_it_cannot_convolve(torch.device("cpu")) == ""
    real, calls = torch.nn.functional.conv2d, []

    def second_is(outcome):
        calls.clear()

        def convolve(*arguments):
            calls.append(1)
            return real(*arguments) if len(calls) == 1 else outcome(*arguments)

        monkeypatch.setattr(torch.nn.functional, "conv2d", convolve)

    def fail(*_arguments):
        raise RuntimeError(NO_CODE)

    second_is(fail)
    assert why_it_cannot_convolve(torch.device("cpu")) == NO_CODE.splitlines()[0]
    second_is(lambda *arguments: real(*arguments) * 2)
    assert "wrong numbers" in why_it_cannot_convolve(torch.device("cpu"))


@pytest.mark.parametrize(
    ("graphics", "has_cuda", "words"),
    [
        (CARD, False, "cannot use NVIDIA RTX 4090.*set the engine up again"),
        (CARD, True, "does not see NVIDIA RTX 4090"),
        (Graphics(), False, "There is no NVIDIA GPU"),
        (Graphics("470.1", CARD.cards), False, "driver 470.1 is too old"),
    ],
)
def test_why_no_gpu_is_used(graphics, has_cuda, words):
    sentence = why_no_gpu(Platform("linux"), graphics, "2.13.0+cpu", has_cuda)
    assert re.search(words, sentence), sentence
    assert "preview" in sentence


def test_a_machine_with_no_build_at_all_still_gets_a_sentence():
    assert "processor" in why_no_gpu(Platform("darwin", "x86_64"), Graphics(), "2.2.2", False)
