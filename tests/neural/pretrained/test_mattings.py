# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of the user's for mattes and clothes: found, tried, used, and refused in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.common.progress import silent
from semblance.engine.jobs import tasks
from semblance.neural.device import DeviceFacts
from semblance.neural.pretrained import mattings
from semblance.neural.pretrained.face_parsing import FaceParsing
from semblance.neural.pretrained.mattings import choose_matting
from semblance.neural.pretrained.registry import REGISTRY
from semblance.neural.pretrained.robust_video_matting import RobustVideoMatting
from semblance.neural.pretrained.weights import find
from semblance.protocol.jobs import Track
from semblance.tests.makers.footage import portrait, write_video
from semblance.tests.makers.torchscript import TinyMatting, TinyParsing, saved
from semblance.tracking.datasets.dataset import Dataset
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.protocol.choices import MattingName


ROBUST_VIDEO_MATTING, FACE_PARSING = (REGISTRY[name].files[name].names for name in ("rvm", "face-parsing"))
VGG19 = REGISTRY["vgg19"].files["vgg19"].names


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder for weights, and nothing else on this machine."""
    monkeypatch.setenv("SEMBLANCE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "engine"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def picture(red: int, blue: int = 0, size: tuple[int, int] = (48, 48)) -> np.ndarray:
    return np.full((*size, 3), (red, 0, blue), np.uint8)


def test_weights_are_found_in_the_users_folder_and_in_pytorchs(folder, tmp_path):
    assert find("vgg19") is None
    hub = tmp_path / "home/.cache/torch/hub/checkpoints"
    hub.mkdir(parents=True)
    (hub / VGG19[0]).touch()
    assert find("vgg19") == hub / VGG19[0]
    (folder / VGG19[0]).touch()
    assert find("vgg19") == folder / VGG19[0]


def test_robust_video_matting_remembers_the_video(folder):
    matting = RobustVideoMatting(saved(TinyMatting(), folder / ROBUST_VIDEO_MATTING[0]), "cpu")
    first, second = matting(picture(255)), matting(picture(51))
    assert first.shape == (48, 48)
    assert first.dtype == np.float32
    assert first.mean() == pytest.approx(1)
    assert second.mean() == pytest.approx(0.6)
    assert matting(picture(51, size=(32, 64))).mean() == pytest.approx(0.2)  # another size: another video
    matting.close()


def test_hair_and_clothes_are_told_apart_in_the_middle_of_the_window(folder):
    window = picture(255, size=(96, 96))
    window[48:] = (0, 0, 255)
    parsing = FaceParsing(saved(TinyParsing(), folder / FACE_PARSING[0]), "cpu")(window)
    assert parsing.hair.shape == parsing.clothes.shape == (96, 96)
    assert parsing.hair[30, 48] > 0.9 > 0.1 > parsing.clothes[30, 48]
    assert parsing.clothes[70, 48] > 0.9 > 0.1 > parsing.hair[70, 48]
    assert parsing.hair[5, 48] == parsing.clothes[90, 48] == 0


@pytest.mark.parametrize("load", [RobustVideoMatting, FaceParsing])
@pytest.mark.parametrize("kind", ["empty", "text", "cut", "foreign", "few classes"])
def test_a_damaged_or_foreign_file_ends_in_one_sentence(load, kind, tmp_path):
    path = saved(TinyParsing(7) if kind == "few classes" else nn.ReLU(), tmp_path / "network.torchscript")
    if kind in ("empty", "text"):
        path.write_text("" if kind == "empty" else "Not found")
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(UserError) as refusal:
        load(path, "cpu")
    sentence = str(refusal.value)
    assert str(path) in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_pickle_is_refused_unread(tmp_path):
    path = tmp_path / "network.torchscript"
    torch.save({"weight": torch.ones(3)}, path)
    with pytest.raises(UserError, match="not a TorchScript file"):
        RobustVideoMatting(path, "cpu")


def on(device: str, monkeypatch) -> None:
    monkeypatch.setattr(mattings, "device_facts", lambda: DeviceFacts(device, "a machine", "2", ()))


def chosen(name: MattingName) -> str:
    return choose_matting(name, head_only=False).facts["matting"]


def test_auto_takes_robust_video_matting_where_it_is_fast(folder, monkeypatch):
    on("cuda", monkeypatch)
    monkeypatch.setattr(mattings, "robust_video_matting", lambda path: RobustVideoMatting(path, "cpu"))
    assert chosen("auto") == "built-in"
    saved(TinyMatting(), folder / ROBUST_VIDEO_MATTING[1])
    assert chosen("auto") == "Robust Video Matting"
    on("cpu", monkeypatch)
    assert chosen("auto") == "built-in"
    assert chosen("rvm") == "Robust Video Matting"
    assert chosen("builtin") == "built-in"


def test_robust_video_matting_that_is_missing_is_told_with_its_licence(folder):
    with pytest.raises(UserError, match=r"rvm_mobilenetv3_fp32\.torchscript \(GPL-3\.0\).*weights import"):
        choose_matting("rvm", False)


def test_a_head_alone_says_who_removed_the_clothes(folder):
    assert choose_matting("builtin", True).facts["head_only"] == "by the tracked head"
    saved(TinyParsing(), folder / FACE_PARSING[0])
    assert choose_matting("builtin", True).facts["head_only"] == "by face parsing"
    assert "head_only" not in choose_matting("builtin", False).facts


def test_a_dataset_of_the_head_alone_says_so(folder, tmp_path):
    footage = portrait_video(tmp_path / "take.mp4")
    parameters = Track(source=str(footage), dataset=str(tmp_path / "set"), size=128, head_only=True)
    result = tasks.track(parameters, silent)
    assert result["matting"] == "built-in"
    assert result["head_only"] == "by the tracked head"
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.performance().extra["head_only"] == "by the tracked head"
    matte = cv2.imread(str(dataset.matte(dataset.names[0])), cv2.IMREAD_UNCHANGED)
    assert matte[len(matte) // 2, len(matte) // 2] == 255
    assert matte[-10:].max() == 0  # the astronaut's suit


def portrait_video(path: Path) -> Path:
    return write_video(path, [portrait()] * 3, codec="mpeg4", bit_rate=4_000_000)
