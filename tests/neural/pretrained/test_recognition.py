# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights are known by their contents, and refused in one sentence where they are not what they should be."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import safetensors.torch
import torch
from semblance.common.clock import Clock
from semblance.common.errors import UserError
from semblance.common.progress import silent
from semblance.neural.pretrained.contents import network_tensors, read_tensors, wrapper
from semblance.neural.pretrained.recognition import Recognised, candidates, recognise, verified
from semblance.neural.pretrained.registry import REGISTRY, Layout, all_files
from semblance.tests.makers.torchscript import TinyMatting, TinyParsing, saved
from torch import Tensor, nn

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = ("gfpgan_v14_keys.json", "liveportrait_keys.json", "face_vid2vid_keys.json")


def marked(name: str, part: str = "") -> dict[str, Tensor]:
    """No more tensors of a network than it is known by; they take no memory."""
    mark = REGISTRY[name].files[part or name].mark
    return {key: torch.zeros(1).expand(shape) for key, shape in mark.items()}


def small(name: str, part: str = "") -> dict[str, Tensor]:
    """The same tensors as they are saved: each a whole one."""
    return {key: tensor.contiguous() for key, tensor in marked(name, part).items()}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(("name", "part", "file"), [each for each in all_files() if each[2].mark])
def test_a_file_of_tensors_is_known_whatever_its_name(tmp_path, name, part, file, suffix):
    path = tmp_path / f"whatever{suffix}"
    if suffix == ".pth":
        torch.save({"epoch": 3, "state_dict": marked(name, part)}, path)
    else:
        safetensors.torch.save_file(small(name, part), path)
    assert recognise(path) == Recognised(name, part)


class TinyInception(nn.Module):
    def forward(self, images: Tensor, return_features: bool) -> Tensor:
        return (images / 255).mean((1, 2, 3))[:, None].expand(-1, 2048)


@pytest.mark.parametrize(
    ("network", "name"), [(TinyMatting, "rvm"), (TinyParsing, "face-parsing"), (TinyInception, "inception")]
)
def test_torchscript_is_known_by_what_it_does(tmp_path, network, name):
    assert recognise(saved(network(), tmp_path / "net.pth")) == Recognised(name, name)


def test_another_torchscript_is_no_network_of_ours(tmp_path):
    with pytest.raises(UserError, match="no network that Semblance knows"):
        recognise(saved(TinyParsing(classes=5), tmp_path / "net.pt"))


@pytest.mark.parametrize("side", [112, 640])
def test_onnx_is_known_by_its_input(tmp_path, side):
    face, code = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("face", ["batch", 3, side, side]), ("code", ["batch", 3, side, side]))
    )
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["face"], ["code"])], "net", [face], [code])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "net.onnx")
    if side == 112:
        assert recognise(tmp_path / "net.onnx") == Recognised("arcface", "arcface")
    else:
        with pytest.raises(UserError, match="no network that Semblance knows"):
            recognise(tmp_path / "net.onnx")


def test_marks_tell_networks_apart():
    marks = {part: file.mark for _, part, file in all_files() if file.mark}
    for part, mark in marks.items():
        assert [other for other, theirs in marks.items() if wrapper(mark, theirs) is not None] == [part]


def test_the_published_networks_are_known_by_their_keys(shared):
    folder = shared / "reference" / "oneshot_golden"
    if not folder.is_dir():
        pytest.skip("needs the lists of the published networks' keys")
    gfpgan, liveportrait, face_vid2vid = (json.loads((folder / name).read_text()) for name in GOLDEN)
    stitching = {"stitching": "retarget_shoulder", "lip": "retarget_mouth", "eye": "retarget_eye"}
    retargeting = {stitching[part]: liveportrait.pop(part) for part in stitching}
    networks = {("gfpgan", "gfpgan"): gfpgan, ("face-vid2vid", "face-vid2vid"): joined(face_vid2vid)}
    networks |= {("liveportrait", part): keys for part, keys in liveportrait.items()}
    networks["liveportrait", "stitching_retargeting_module"] = joined(retargeting)
    for own, keys in networks.items():
        shapes = {key: tuple(shape) for key, shape in keys.items()}
        assert [(n, p) for n, p, file in all_files() if wrapper(shapes, file.mark) is not None] == [own]


def joined(parts: dict) -> dict:
    return {f"{part}.{key}": shape for part, keys in parts.items() for key, shape in keys.items()}


def test_tensors_come_out_of_whatever_holds_them(tmp_path):
    tensors = small("gfpgan")
    optimiser = {"state": {0: {"exp_avg": torch.zeros(3)}}}
    torch.save({"params_ema": tensors, "optimizer": optimiser, "note": "hello"}, tmp_path / "a.pth")
    assert network_tensors(tmp_path / "a.pth", "gfpgan").keys() == tensors.keys()
    parallel = {key.replace("mlp.", "module.mlp."): value for key, value in joined_tensors().items()}
    torch.save(parallel, tmp_path / "b.pth")
    assert network_tensors(tmp_path / "b.pth", "liveportrait", "stitching_retargeting_module").keys() == set(
        joined_tensors()
    )
    with pytest.raises(UserError, match="another network than GFPGAN"):
        network_tensors(tmp_path / "b.pth", "gfpgan")


def joined_tensors() -> dict[str, Tensor]:
    return small("liveportrait", "stitching_retargeting_module")


class Villain:
    def __reduce__(self):
        return os.mkdir, ("villain-was-here",)


def zipped(path: Path, **files: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def with_code(path: Path) -> None:
    torch.save({"weight": torch.zeros(3), "villain": Villain()}, path)


def with_code_plainly(path: Path) -> None:
    path.write_bytes(pickle.dumps({"villain": Villain()}, protocol=2))


def with_newer_code(path: Path) -> None:
    path.write_bytes(pickle.dumps({"villain": Villain()}))


def cut_short(path: Path) -> None:
    torch.save({"weight": torch.zeros(30_000)}, path)
    path.write_bytes(path.read_bytes()[:50_000])


def cut_short_as_before(path: Path) -> None:
    torch.save({"weight": torch.zeros(30_000)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:50_000])


def cut_short_safetensors(path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.zeros(30_000)}, path)
    path.write_bytes(path.read_bytes()[:50_000])


def other_network(path: Path) -> None:
    torch.save(nn.Linear(2, 2).state_dict(), path)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (with_code, "mkdir"),
        (with_code_plainly, "mkdir"),
        (with_newer_code, "was not read: it holds"),
        (cut_short, "cut short"),
        (cut_short_as_before, "cut short"),
        (cut_short_safetensors, "cut short"),
        (other_network, "no network that Semblance knows"),
        (lambda path: path.write_bytes(b""), "no file of weights"),
        (lambda path: path.write_bytes(b"<html>not found</html>"), "no file of weights"),
        (lambda path: path.write_bytes(b"\x08\x07 no ONNX"), "no file of weights"),
        (lambda path: zipped(path, **{"w600k_r50.onnx": b"1"}), "unpack it"),
    ],
)
def test_what_is_no_sound_network_is_refused(tmp_path, monkeypatch, made, words):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    made(path)
    with pytest.raises(UserError, match=words) as refusal:
        recognise(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "weights_only" not in str(refusal.value)
    assert not (tmp_path / "villain-was-here").exists()


def test_an_absent_file(tmp_path):
    with pytest.raises(UserError, match="nothing at"):
        recognise(tmp_path / "gone.pth")
    with pytest.raises(UserError, match="nothing at"):
        read_tensors(tmp_path / "gone.pth")


def test_a_check_reads_the_whole_file(tmp_path):
    tensors = small("liveportrait", "motion_extractor")
    safetensors.torch.save_file(tensors, tmp_path / "m.safetensors")
    found, lines = verified(tmp_path / "m.safetensors", Clock("Checking", 1, silent))
    assert found.title == "LivePortrait (motion_extractor)"
    assert any("finite" in line for line in lines)
    assert "not that of the published file" in lines[-1]
    tensors["detector.fc_exp.weight"][5, 5] = np.nan
    safetensors.torch.save_file(tensors, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match="not finite"):
        verified(tmp_path / "m.safetensors", Clock("Checking", 1, silent))


def test_a_folder_is_searched_for_files_that_may_be_weights(tmp_path):
    (tmp_path / "base_models").mkdir()
    for name in ("a.txt", "z.onnx", "base_models/b.PTH", "c.pth.tar"):
        (tmp_path / name).touch()
    assert [path.name for path in candidates(tmp_path)] == ["b.PTH", "c.pth.tar", "z.onnx"]


def test_every_entry_says_what_a_user_needs():
    for weights in REGISTRY.values():
        assert weights.adds.endswith(".")
        assert weights.terms.endswith(".")
        assert weights.licence
        assert weights.source
    for name, part, file in all_files():
        assert bool(file.mark) == (file.layout is Layout.TENSORS), (name, part)
        assert len(file.sha256) in (0, 8, 64)
        assert file.url.startswith("https://") or not file.url
    assert [name for name, weights in REGISTRY.items() if weights.can_be_fetched] == [
        "gfpgan",
        "liveportrait",
        "vgg19",
        "alexnet",
    ]
