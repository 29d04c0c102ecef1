# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that film a photo: chosen, missed, loaded from published files, and put into the picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.progress import silent
from semblance.engine.jobs import tasks
from semblance.neural.pretrained import coarse_sources
from semblance.neural.pretrained.coarse_sources import KEY_POSES, choose_coarse, load_animator
from semblance.neural.pretrained.face_vid2vid import networks as face_vid2vid
from semblance.neural.pretrained.liveportrait import networks as liveportrait
from semblance.neural.pretrained.oneshot_blocks import AppearanceVolume, SpadeDecoder, WarpedFeatures
from semblance.neural.pretrained.oneshot_source import SIDE, OneshotSource, as_picture
from semblance.protocol.choices import COARSE_SOURCES
from semblance.protocol.jobs import Photo
from semblance.tests.makers.footage import plain
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.photos.calibration import calibration_performance
from semblance.tracking.photos.coarse_source import MeshWarp, SolvedPhoto
from semblance.tracking.photos.framing import Framing
from semblance.tracking.photos.portraits import found_portrait, solve_portraits
from skimage.data import astronaut

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.heads.arrays import Image as Picture

SIZE = 128


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder for weights, and nothing else on this machine."""
    monkeypatch.setenv("SEMBLANCE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "engine"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


class Echo:
    """Shows what drives it, and keeps what it was shown."""

    photo_framing = driving_framing = Framing(2.3, 0.125)

    def __init__(self) -> None:
        self.shown: list[Picture] = []

    def animation(self, photo: Picture, initial: Picture):
        self.shown += [photo, initial]

        def animated(driving: Picture) -> Picture:
            self.shown.append(driving)
            return driving

        return animated


@pytest.fixture(scope="module")
def photo_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def photo(photo_file) -> SolvedPhoto:
    head, portrait = load_builtin(), found_portrait(photo_file)
    still = solve_portraits(head, [portrait], SIZE)
    window = portrait.window(SIZE)
    matte = np.zeros(window.shape[:2], np.float32)
    matte[40:, 40:150] = 1
    return SolvedPhoto(head, still, window, matte, portrait.marks(len(window)))


@pytest.mark.parametrize(
    ("name", "file"), [("liveportrait", "appearance_feature_extractor.pth"), ("face-vid2vid", "face-vid2vid")]
)
def test_missing_weights_are_told_with_the_file_and_the_way_without(folder, name, file):
    with pytest.raises(UserError) as error:
        choose_coarse(name)
    sentence = str(error.value)
    assert "weights import" in sentence
    assert "--coarse warp" in sentence
    assert COARSE_SOURCES[name].title in sentence
    assert "\n" not in sentence


def test_the_mesh_warp_needs_nothing(folder):
    chosen = choose_coarse("warp")
    assert isinstance(chosen.maker, MeshWarp)
    assert chosen.facts == {"coarse": "mesh warp"}
    assert choose_coarse("warp", "/videos/her.mp4").facts == {"coarse": "mesh warp", "driver": "her.mp4"}


def test_a_processor_makes_key_poses_and_a_gpu_as_many_as_are_wanted(folder, monkeypatch):
    monkeypatch.setattr(coarse_sources, "load_animator", lambda _name, _device: Echo())
    facts = coarse_sources.device_facts()
    for device, most in (("cpu", KEY_POSES), ("cuda", None)):
        monkeypatch.setattr(coarse_sources, "device_facts", lambda device=device: replace(facts, device=device))
        chosen = choose_coarse("liveportrait")
        assert chosen.maker.most_frames == most
        assert chosen.maker.exact is False
        assert chosen.facts == {"coarse": "LivePortrait"}


@pytest.mark.slow
def test_the_photo_is_driven_by_its_own_warp(photo):
    """What the network paints takes the face's place, all else is the warp's."""
    echo, performance = Echo(), calibration_performance(photo.head, photo.still, 5)
    with MeshWarp()(photo) as warp, OneshotSource(photo, echo) as source:
        for index in (1, 3):
            picture, matte = source.frame(performance, index)
            warped, outline = warp.frame(performance, index)
            assert picture.shape == (192, 192, 3)
            assert np.abs(picture.astype(int) - warped).mean() < 1.5
            assert np.array_equal(matte, outline)
    assert [each.shape for each in echo.shown] == [(SIDE, SIDE, 3)] * 4
    seen, initial, *driving = (each.astype(int) for each in echo.shown)
    assert np.abs(seen - initial)[64:192, 64:192].mean() < 12
    assert all(np.abs(each - initial)[64:192, 64:192].mean() > 4 for each in driving)


@pytest.mark.slow
def test_around_the_face_stays_the_warp(photo):
    class Red(Echo):
        def animation(self, photo, initial):
            return lambda _driving: plain((255, 0, 0), SIDE, SIDE)

    with OneshotSource(photo, Red()) as source, MeshWarp()(photo) as warp:
        picture, _ = source.frame(photo.still, 0)
        warped, _ = warp.frame(photo.still, 0)
    nose = photo.landmarks[1].round().astype(int)
    assert tuple(picture[nose[1], nose[0]]) == (255, 0, 0)
    assert np.array_equal(picture[-4:, :4], warped[-4:, :4])


@pytest.mark.slow
def test_the_dataset_says_what_filmed_the_photo(folder, photo_file, tmp_path, monkeypatch):
    monkeypatch.setattr(coarse_sources, "load_animator", lambda _name, _device: Echo())
    monkeypatch.setattr(coarse_sources, "KEY_POSES", 3)
    job = Photo(photo=str(photo_file), dataset=str(tmp_path / "set"), size=SIZE, coarse="face-vid2vid")
    made = tasks.photo(job, silent)
    assert made["coarse"] == "face-vid2vid"
    assert made["frames"] == 3
    assert Dataset.open(tmp_path / "set").performance().extra["coarse"] == "face-vid2vid"


def test_pictures_are_rounded_and_clipped():
    output = torch.tensor([-0.2, 0.5, 1.7]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert as_picture(output)[0, 0].tolist() == [0, 128, 255]


def hollow(network: torch.nn.Module, before: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a network, all 0.01, in a file of which each takes a few bytes."""
    return {f"{before}{key}": torch.tensor(0.01).expand(each.shape) for key, each in network.state_dict().items()}


def write_liveportrait(folder: Path) -> None:
    """The five files, as published: the stitching file holds dicts, and was trained on several GPUs."""
    with torch.device("meta"):
        parts = {
            "appearance_feature_extractor": AppearanceVolume(),
            "motion_extractor": liveportrait.MotionExtractor(),
            "warping_module": WarpedFeatures(liveportrait.KEY_POINTS),
            "spade_generator": SpadeDecoder(doubled=True),
        }
        small = {
            "retarget_shoulder": liveportrait.Perceptron(liveportrait.STITCHING),
            "retarget_mouth": liveportrait.Perceptron((65, 128, 128, 64, 63)),
            "retarget_eye": liveportrait.Perceptron((66, 256, 256, 128, 128, 64, 63)),
        }
    for name, network in parts.items():
        torch.save(hollow(network), folder / f"{name}.pth")
    torch.save(
        {name: hollow(network, "module.") for name, network in small.items()},
        folder / "stitching_retargeting_module.pth",
    )


def write_face_vid2vid(path: Path) -> None:
    """The one file: a dict a network, and what is left of the training."""
    with torch.device("meta"):
        networks = {
            "generator": face_vid2vid.Generator(),
            "kp_detector": face_vid2vid.KeyPointDetector(),
            "he_estimator": face_vid2vid.HeadPoseEstimator(),
        }
    trained = {"epoch": 99, "optimizer_generator": {"state": {}, "param_groups": []}}
    torch.save({name: hollow(network) for name, network in networks.items()} | trained, path)


@pytest.mark.slow
def test_liveportrait_is_loaded_from_its_five_files(folder):
    write_liveportrait(folder)
    animator = load_animator("liveportrait", "cpu")
    stitching = animator._stitching.mlp[0].weight
    assert torch.equal(stitching, torch.full_like(stitching, 0.01))
    animated = animator.animation(plain(90, SIDE, SIDE), plain(120, SIDE, SIDE))
    assert animated(plain(120, SIDE, SIDE)).shape == (512, 512, 3)


@pytest.mark.slow
def test_face_vid2vid_is_loaded_from_its_one_file(folder):
    write_face_vid2vid(folder / "00000189-model.pth.tar")
    animator = load_animator("face-vid2vid", "cpu")
    animated = animator.animation(plain(90, SIDE, SIDE), plain(120, SIDE, SIDE))
    assert animated(plain(120, SIDE, SIDE)).shape == (256, 256, 3)


def test_a_file_that_lacks_a_layer_is_refused_in_one_sentence(folder):
    write_liveportrait(folder)
    file = folder / "motion_extractor.pth"
    tensors = torch.load(file, weights_only=True)
    del tensors["detector.fc_roll.bias"]
    torch.save(tensors, file)
    with pytest.raises(UserError, match=r"motion_extractor.pth lacks a fitting detector.fc_roll.bias") as error:
        choose_coarse("liveportrait")
    assert "\n" not in str(error.value)
