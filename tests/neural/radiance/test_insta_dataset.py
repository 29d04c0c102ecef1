# SPDX-License-Identifier: GPL-3.0-or-later
"""INSTA's dataset format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from semblance.common.errors import UserError
from semblance.neural.radiance.insta_dataset import read_insta, write_insta
from semblance.neural.radiance.scene import HeadSurface, RadianceScene
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import gaze_rotation

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scene() -> RadianceScene:
    generator = torch.Generator().manual_seed(0)
    rest = np.random.default_rng(0).normal(0, 0.1, (5, 3)).astype(np.float32)
    triangles = np.array([[0, 1, 2], [2, 3, 4]], np.int32)
    rotations = np.stack([gaze_rotation(0.1 * i, -0.2 * i) for i in range(3)])
    vertices = np.stack([rest @ rotation.T + [0.01, 0.02, 0.7] for rotation in rotations]).astype(np.float32)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

    return RadianceScene(
        HeadSurface(rest, triangles, np.zeros(5, bool), np.zeros(5, bool), np.zeros(5, bool), rest),
        torch.from_numpy(vertices),
        torch.rand(3, 52, generator=generator),
        torch.from_numpy(rotations),
        noise(3, 8, 12, 3),
        noise(3, 8, 12),
        torch.full((3, 8, 12), 255, dtype=torch.uint8),
        PinholeCamera(40.0, 41.0, 6.0, 4.5, 12, 8),
        torch.rand(3, 8, 12, generator=generator),
    )


def test_a_scene_survives_writing_and_reading(scene: RadianceScene, tmp_path: Path) -> None:
    write_insta(scene, {"train": [0, 2], "test": [1]}, tmp_path)
    read = read_insta(tmp_path)
    assert read.splits == {"train": [0, 1], "test": [2]}
    order = [0, 2, 1]
    torch.testing.assert_close(read.scene.vertices, scene.vertices[order], atol=2e-6, rtol=0)
    torch.testing.assert_close(read.scene.rotations, scene.rotations[order])
    torch.testing.assert_close(read.scene.expressions, scene.expressions[order], atol=1e-6, rtol=0)
    assert scene.depths is not None
    torch.testing.assert_close(read.scene.depths, scene.depths[order], atol=6e-4, rtol=0)
    assert torch.equal(read.scene.colours, scene.colours[order])
    assert torch.equal(read.scene.alphas, scene.alphas[order])
    assert np.array_equal(read.scene.surface.triangles, scene.surface.triangles)
    assert read.scene.camera == scene.camera


def test_a_camera_looks_along_negative_z_with_y_up(scene: RadianceScene, tmp_path: Path) -> None:
    """A head straight ahead lies at negative z of NeRF's camera."""
    write_insta(scene, {"train": [0]}, tmp_path)
    frame = json.loads((tmp_path / "transforms_train.json").read_text())["frames"][0]
    matrix = np.array(frame["transform_matrix"])
    camera_to_world = matrix[:3, :3]
    in_front = camera_to_world @ [0, 0, -0.7]
    np.testing.assert_allclose(in_front, [0, 0, 0.7], atol=1e-6)


@pytest.mark.parametrize("lost", ["transforms_train.json", "images/000000.png", "meshes/000000.obj"])
def test_what_is_missing_is_named(scene: RadianceScene, tmp_path: Path, lost: str) -> None:
    write_insta(scene, {"train": [0]}, tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(UserError, match=lost):
        read_insta(tmp_path)


def test_a_damaged_description_is_refused(scene: RadianceScene, tmp_path: Path) -> None:
    write_insta(scene, {"train": [0]}, tmp_path)
    (tmp_path / "transforms_train.json").write_text('{"frames": [{}], "w": 3}')
    with pytest.raises(UserError, match="damaged"):
        read_insta(tmp_path)
