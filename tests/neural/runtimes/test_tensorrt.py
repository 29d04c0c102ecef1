# SPDX-License-Identifier: GPL-3.0-or-later
"""TensorRT's engines, from a network to pictures, with a stand-in for TensorRT (`makers.tensorrt_stand_in`)."""

from __future__ import annotations

import sys

import pytest
import torch
from semblance.common.errors import UserError
from semblance.neural.runtimes import tensorrt
from semblance.neural.runtimes.tensorrt import TensorRtRuntime, engine_of
from semblance.neural.styleavatar.networks.portrait import PortraitNetwork
from semblance.neural.styleavatar.runtimes import SENSITIVE, PortraitRuntimes
from semblance.protocol.look import Look
from semblance.tests.makers import tensorrt_stand_in
from semblance.tests.makers.networks import TINY, one_thread, random_maps

STILL = Look(0.3)
CPU = torch.device("cpu")
NAMES = ["uv", "texture"]


class Stream:
    cuda_stream = 0

    def wait_stream(self, other):
        pass

    def synchronize(self):
        pass


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt_stand_in)
    monkeypatch.setattr(tensorrt, "gpu_and_driver", lambda: ("a stand-in", "580.1"))
    for name, answer in {"is_available": lambda: True, "Stream": Stream, "current_stream": Stream}.items():
        monkeypatch.setattr(tensorrt.torch.cuda, name, answer)
    with one_thread():
        yield


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = PortraitNetwork(TINY).eval().requires_grad_(False)
    made.bake(torch.randn_like(made.face), torch.randn_like(made.back))
    return made


def test_an_engine_is_built_once_and_paints_what_pytorch_does(network, tmp_path):
    heard = []
    exportable, maps = PortraitRuntimes(network).exportable(), random_maps()
    file = engine_of(exportable, "abc", STILL, [maps], tmp_path, heard.append)
    assert heard[0].message == "float32: nothing"
    assert heard[-1].fraction == 1
    with torch.inference_mode():
        expected = network(*maps, torch.tensor([STILL.time_code]))
    painted = TensorRtRuntime(file.read_bytes(), NAMES, CPU).run(*maps)
    assert expected.std() > 0.02
    torch.testing.assert_close(painted, expected, atol=0.03, rtol=0)
    heard.clear()
    assert engine_of(exportable, "abc", STILL, [maps], tmp_path, heard.append) == file
    assert not heard


def test_layers_that_float16_spoils_become_float32(network, tmp_path, monkeypatch):
    heard, run, maps = [], TensorRtRuntime.run, random_maps()
    monkeypatch.setattr(
        TensorRtRuntime, "run", lambda self, *given: run(self, *given) * (len(heard) > 1)  # the first paints grey
    )  # fmt: skip
    engine_of(PortraitRuntimes(network).exportable(), "abc", STILL, [maps], tmp_path, heard.append)
    assert [each.message for each in heard[:2]] == ["float32: nothing", f"float32: {SENSITIVE[0]}"]
    assert heard[-1].message.endswith(f"float16 went wrong: {SENSITIVE[0]}.")


def test_a_damaged_engine_is_refused():
    with pytest.raises(UserError, match="delete it and export the avatar again"):
        TensorRtRuntime(b"nothing", NAMES, CPU)
