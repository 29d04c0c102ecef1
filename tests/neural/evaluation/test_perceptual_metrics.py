# SPDX-License-Identifier: GPL-3.0-or-later
"""Perceptual metrics, with stand-ins for their networks: none for equal pictures, refused when damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.neural.evaluation import perceptual_metrics
from semblance.neural.evaluation.figures import WEIGHTS_MISSING
from semblance.neural.evaluation.observer import Observer, Row
from semblance.neural.evaluation.perceptual_metrics import (
    CONVOLUTIONS,
    Inception,
    Lpips,
    frechet_distance,
)
from semblance.neural.pretrained import weights
from semblance.neural.pretrained.arcface import FACE_TEMPLATE, ArcFace, five_points, similarity
from semblance.neural.pretrained.registry import REGISTRY
from semblance.tracking.heads.camera import PinholeCamera
from torch import Tensor, nn

if TYPE_CHECKING:
    from pathlib import Path


class StandInInception(nn.Module):
    """Answers as NVIDIA's file does: features of bytes."""

    def forward(self, images: Tensor, return_features: bool) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(images / 255, (8, 8)).mean(1).flatten(1)


def named(folder: Path, name: str) -> Path:
    """The file of a network of the registry in a folder."""
    return folder / REGISTRY[name].files[name].names[0]


def alexnet(folder: Path) -> Path:
    """A file like torchvision's, with other numbers."""
    torch.manual_seed(0)
    tensors = {}
    for place, (inputs, outputs, kernel, *_) in CONVOLUTIONS.items():
        tensors[f"features.{place}.weight"] = torch.randn(outputs, inputs, kernel, kernel) / (inputs * kernel**2) ** 0.5
        tensors[f"features.{place}.bias"] = torch.zeros(outputs)
    torch.save(tensors, named(folder, "alexnet"))
    return named(folder, "alexnet")


def inception(folder: Path) -> Path:
    path = named(folder, "inception")
    torch.jit.script(StandInInception()).save(str(path))
    return path


def arcface(folder: Path) -> Path:
    """An ONNX file, put together by hand, whose code of a face is the face made 16 times smaller."""

    def piece(number: int, content: bytes | str | int) -> bytes:
        """A field of a protocol buffer."""
        if isinstance(content, int):
            return varint(number << 3) + varint(content)
        data = content.encode() if isinstance(content, str) else content
        return varint(number << 3 | 2) + varint(len(data)) + data

    def varint(value: int) -> bytes:
        return (bytes([value & 127 | 128]) + varint(value >> 7)) if value > 127 else bytes([value])

    def tensor(name: str, shape: tuple[int, ...]) -> bytes:
        sides = b"".join(piece(1, piece(1, side)) for side in shape)
        return piece(1, name) + piece(2, piece(1, piece(1, 1) + piece(2, sides)))

    def numbers(name: str, values: tuple[int, ...]) -> bytes:
        return piece(1, name) + b"".join(piece(8, each) for each in values) + piece(20, 7)

    pool = piece(1, "face") + piece(2, "small") + piece(4, "AveragePool")
    pool += piece(5, numbers("kernel_shape", (16, 16))) + piece(5, numbers("strides", (16, 16)))
    flat = piece(1, "small") + piece(2, "code") + piece(4, "Flatten")
    graph = piece(1, pool) + piece(1, flat) + piece(2, "graph")
    graph += piece(11, tensor("face", (1, 3, 112, 112))) + piece(12, tensor("code", (1, 147)))
    path = named(folder, "arcface")
    path.write_bytes(piece(1, 7) + piece(7, graph) + piece(8, piece(2, 11)))
    return path


@pytest.fixture(autouse=True)
def few_features(monkeypatch):
    """Of the stand-in for Inception: FID of 2048 takes seconds."""
    monkeypatch.setattr(perceptual_metrics, "INCEPTION_FEATURES", 64)


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).random((4, 96, 96, 3), np.float32)


def batch(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None]


def test_lpips_grows_with_the_difference(tmp_path, pictures):
    lpips = Lpips.from_file(alexnet(tmp_path))
    one, other = batch(pictures[0]), batch(pictures[1])
    assert lpips(one, one) == 0
    assert 0 < lpips(one, torch.lerp(one, other, 0.2)) < lpips(one, other)
    assert lpips(one, other) == pytest.approx(lpips(other, one))
    assert [each.shape[1] for each in lpips.features(one)] == [64, 192, 384, 256, 256]


def test_fid_sees_distributions_not_pictures(tmp_path, pictures):
    network = Inception(inception(tmp_path), "cpu")
    same, other = frechet_distance(), frechet_distance()
    for picture in pictures:
        same.update(network.features(picture), real=True)
        other.update(network.features(picture), real=True)
        other.update(network.features(picture * 0.5), real=False)
    for picture in pictures[::-1]:
        same.update(network.features(picture), real=False)
    assert same.compute() == pytest.approx(0, abs=1e-3)
    assert other.compute() > 1


def test_faces_are_turned_to_arcfaces_place():
    landmarks = np.random.default_rng(0).random((478, 3), np.float32) * 100
    points = five_points(landmarks)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    moved = points @ turn.T * 1.7 + [5, -3]
    found = similarity(points, moved)
    np.testing.assert_allclose(found, np.concatenate([1.7 * turn, [[5], [-3]]], 1), atol=1e-4)
    assert np.ptp(FACE_TEMPLATE, 0).max() < 112


def test_arcface_sees_the_same_face_wherever_it_is(tmp_path, pictures):
    network = ArcFace(arcface(tmp_path))
    picture = np.zeros((300, 300, 3), np.uint8)
    picture[40:200, 40:200] = np.kron(np.arange(25).reshape(5, 5, 1) * 10, np.ones((32, 32, 3)))
    landmarks = np.zeros((478, 3), np.float32)
    places = {(33, 133): (80, 90), (263, 362): (150, 90), (4,): (115, 130), (61,): (90, 170), (291,): (140, 170)}
    for indices, place in places.items():
        landmarks[list(indices), :2] = place
    code = network.code(picture, landmarks)
    assert np.linalg.norm(code) == pytest.approx(1, abs=1e-5)
    moved = network.code(np.roll(picture, (50, 60), (0, 1)), landmarks + np.float32([60, 50, 0]))
    assert code @ moved == pytest.approx(1, abs=1e-4)
    assert code @ network.code(picture[::-1].copy(), landmarks) < 0.98


@pytest.mark.parametrize(
    ("opened", "name"),
    [(Lpips.from_file, "AlexNet"), (lambda path: Inception(path, "cpu"), "Inception"), (ArcFace, "ArcFace")],
)
def test_damaged_weights_are_refused(tmp_path, opened, name):
    path = tmp_path / "weights"
    path.write_bytes(b"no weights at all")
    with pytest.raises(UserError, match="weights"):
        opened(path)


def test_another_network_than_inception_is_refused(tmp_path):
    path = named(tmp_path, "inception")
    torch.jit.script(nn.Conv2d(3, 3, 3)).save(str(path))
    with pytest.raises(UserError, match="another network"):
        Inception(path, "cpu")


def figures_of(pictures):
    matte = np.ones(pictures.shape[1:3], np.float32)
    with Observer("cpu") as observer:
        row = Row(observer)
        for index, picture in enumerate(pictures):
            seen = observer.look((picture * 255).astype(np.uint8), matte)
            row.add(index, seen, seen, matte, matte > 0)
        return row.figures(None, PinholeCamera.default(len(matte)))


@pytest.mark.slow
def test_what_has_weights_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "folders", lambda home: (tmp_path,))
    pictures = np.random.default_rng(0).random((3, 176, 176, 3), np.float32)
    found = figures_of(pictures)
    assert (found.lpips, found.fid, found.csim) == (WEIGHTS_MISSING,) * 3
    for file in (alexnet, inception, arcface):
        file(tmp_path)
    found = figures_of(pictures)
    assert found.lpips == 0
    assert found.fid == pytest.approx(0, abs=1e-3)
    assert found.csim == "not measured: no face found"
