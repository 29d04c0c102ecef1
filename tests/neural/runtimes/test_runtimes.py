# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports, and what other runtimes make of them."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.engine.commands.cli import main
from semblance.neural.avatar import Avatar
from semblance.neural.avatar_file import file_sha256
from semblance.neural.rendering.runtime_choice import avatar_on
from semblance.neural.runtimes.onnx import OnnxRuntime
from semblance.neural.runtimes.onnx_file import onnx_bytes
from semblance.neural.runtimes.tensorrt import tensorrt_module
from semblance.neural.runtimes.tensorrt_cache import EVERYTHING, EngineKey, least_exact
from semblance.neural.styleavatar.folding.fold import fold
from semblance.neural.styleavatar.networks.portrait import PortraitNetwork
from semblance.neural.styleavatar.networks.windows import Windows
from semblance.neural.styleavatar.runtimes import SENSITIVE, example_maps
from semblance.neural.styleavatar.training.presets import FINAL, PREVIEW
from semblance.protocol.inputs import Maps
from semblance.protocol.look import Look
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.networks import random_maps
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera

SMALL_FINAL = replace(
    FINAL.network,
    resolution=512,
    noise_levels=2,
    feature_channels=8,
    foreground_encoder=(8, 8, 8, 8),
    foreground_decoder=(8, 8, 8),
    portrait_encoder=(8, 8, 8, 8),
    portrait_decoder=(8, 8, 8, 8, 8),
)
STILL = Look(0.3)
MOVED = Look(0.3, (2.5, -3.25), (0.5, 2))
KEY = EngineKey("H200", "570.1", "10.9", "0.9", "abc", STILL)


def portrait(config=PREVIEW.network):
    torch.manual_seed(0)
    network = PortraitNetwork(config).eval().requires_grad_(False)
    network.bake(torch.randn_like(network.face), torch.randn_like(network.back))
    return network


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    path = tmp_path_factory.mktemp("avatars") / "me.safetensors"
    avatar_of(portrait(), person=at_rest(camera=PinholeCamera.default(256)), consent="yes, for tests").save(path)
    return path


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["export", *map(str, arguments)])
    return left.value.code, capsys.readouterr()


@pytest.mark.parametrize(
    "look", [pytest.param(STILL, id="still", marks=pytest.mark.slow), pytest.param(MOVED, id="moved")]
)
@pytest.mark.parametrize(
    "config",
    [pytest.param(PREVIEW.network, id="preview", marks=pytest.mark.slow), pytest.param(SMALL_FINAL, id="final")],
)
def test_onnx_runtime_paints_what_pytorch_paints(config, look):
    network = portrait(config)
    with torch.inference_mode():
        expected = network(*random_maps(), torch.tensor([0.3]), Windows.of(look))
    assert expected.std() > 0.02
    painted = OnnxRuntime(onnx_bytes(fold(network, look), example_maps())).run(*random_maps())
    torch.testing.assert_close(painted, expected, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_exported_avatar_says_what_it_is_and_how_to_feed_it(avatar, tmp_path, capsys):
    out = tmp_path / "me.onnx"
    code, said = run(capsys, avatar, "--onnx", out, "--footage-moment", 0.25, "--foreground-offset", 4, 0)
    assert code == 0, said.err
    assert str(out) in said.out
    exported = OnnxRuntime(out)
    assert exported.said["format"] == "semblance-avatar-onnx"
    assert exported.said["time_code"] == "0.25"
    assert exported.said["consent"] == "yes, for tests"
    assert exported.said["avatar_sha256"] == file_sha256(avatar)
    assert "[1, 3, 256, 256]" in exported.said["how_to_feed"]
    with torch.inference_mode():
        expected = Avatar.load(avatar, "cpu").network(
            *random_maps(), torch.tensor([0.25]), Windows.moved((4, 0), (0, 0))
        )
    torch.testing.assert_close(exported.run(*random_maps()), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "either --onnx FILE, --tensorrt or --splats FILE"),
        (["--onnx", "a.onnx", "--tensorrt"], "either --onnx FILE, --tensorrt or --splats FILE"),
        (["--onnx", "avatar.pt"], "ends in .onnx"),
        (["--onnx", "a.onnx", "--foreground-offset", "far", "0"], "Invalid value for '--foreground-offset'"),
        (["--onnx", "a.onnx", "--background-offset", "0", "33"], "must be between -32 and 32"),
    ],
)
def test_bad_targets_are_refused(avatar, capsys, arguments, sentence):
    code, said = run(capsys, avatar, *arguments)
    assert code == 2
    assert sentence in said.err


def test_missing_avatar_is_refused(tmp_path, capsys):
    code, said = run(capsys, tmp_path / "nobody.safetensors", "--onnx", tmp_path / "a.onnx")
    assert code == 2
    assert "nobody.safetensors" in said.err
    assert not (tmp_path / "a.onnx").exists()


def test_file_that_is_no_network_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="export the avatar again"):
        OnnxRuntime(tmp_path / "a.onnx")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_missing_gpu_is_told_of(avatar, capsys):
    code, said = run(capsys, avatar, "--tensorrt")
    assert code == 2
    assert "needs an NVIDIA GPU" in said.err


@pytest.mark.slow
def test_an_avatar_on_onnx_runtime_renders_what_it_renders_on_pytorch(avatar):
    uv, texture = (each.permute(0, 2, 3, 1).add(1).div(2).numpy() for each in random_maps())
    moved = Look(0.3, (4.0, 0.0))
    pictures = [avatar_on(name, avatar).render(Maps(uv, texture), moved).rgba.astype(int) for name in ("torch", "onnx")]
    assert pictures[0].std() > 2
    assert np.abs(pictures[0] - pictures[1]).max() <= 2


def test_an_avatar_that_cannot_be_folded_is_refused_by_onnx_runtime(avatar, monkeypatch):
    monkeypatch.setattr("semblance.neural.styleavatar.runtimes.can_fold", lambda network: False)
    with pytest.raises(UserError, match="only PyTorch can render"):
        avatar_on("onnx", avatar)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_reenacting_on_tensorrt_without_a_gpu_is_refused_in_a_sentence(avatar, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["reenact", str(avatar), str(tmp_path / "driver.mp4"), "--runtime", "tensorrt"])
    assert left.value.code == 2
    assert "needs an NVIDIA GPU" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cuda", "package"), [("12.8", "tensorrt-cu12"), ("13.0", "tensorrt-cu13"), (None, "tensorrt")]
)
def test_missing_tensorrt_is_told_of_with_the_package_that_fits(monkeypatch, cuda, package):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(UserError, match=f"“pip install {package}”"):
        tensorrt_module()


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("gpu", "A10"),
        ("driver", "571"),
        ("tensorrt", "11"),
        ("semblance", "0.10"),
        ("avatar", "abd"),
        ("look", Look(0.6)),
        ("look", MOVED),
    ],
)
def test_engines_are_kept_for_what_they_were_built_for(tmp_path, part, other):
    assert KEY.file(tmp_path) == replace(KEY).file(tmp_path)
    assert KEY.file(tmp_path) != replace(KEY, **{part: other}).file(tmp_path)


@pytest.mark.parametrize("needed", [0, 2, len(SENSITIVE)])
def test_layers_become_float32_one_group_at_a_time(needed):
    tried = []

    def build(groups):
        tried.append(groups)
        return str(len(groups)).encode()

    engine, said = least_exact(SENSITIVE, build, lambda engine: int(engine) >= needed)
    assert engine == str(needed).encode()
    assert tried == [SENSITIVE[:count] for count in range(needed + 1)]
    assert (SENSITIVE[0] in said) == bool(needed)


def test_hopeless_engine_is_float32_and_says_so():
    engine, said = least_exact(SENSITIVE, lambda groups: repr(groups).encode(), lambda engine: False)
    assert engine == repr(EVERYTHING).encode()
    assert "whole engine is float32" in said


def test_float16_engines_keep_their_sensitive_layers():
    folded = fold(portrait(), STILL, dtype=torch.float16, exact=("mask", "to_picture"))
    kinds = {name: each.dtype for name, each in folded.named_buffers() if name.endswith("conv.weight")}
    assert folded.mask.weight.dtype == torch.float32
    assert kinds["portrait_decoder.levels.0.to_picture.conv.weight"] == torch.float32
    assert kinds["portrait_decoder.levels.0.conv.conv.weight"] == torch.float16
    exact = fold(portrait(), STILL, dtype=torch.float16, exact=EVERYTHING)
    assert {each.dtype for each in exact.buffers()} == {torch.float32}
    with torch.inference_mode():
        expected = portrait()(*random_maps(), torch.tensor([0.3]))
        torch.testing.assert_close(exact(*random_maps()), expected, atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("groups", [(), ("entry", "foreground_encoder"), EVERYTHING], ids=str)
def test_float16_engines_are_given_as_onnx_with_casts(groups):
    folded = fold(portrait(), STILL, dtype=torch.float16, exact=groups)
    painted = OnnxRuntime(onnx_bytes(folded, example_maps())).run(*random_maps())
    with torch.inference_mode():
        expected = portrait()(*random_maps(), torch.tensor([0.3]))
    torch.testing.assert_close(painted, expected, atol=0.03, rtol=0)
