# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset updates: what a head shows is restored by the photo and takes the frames' places; photographs stay."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from semblance.common.progress import silent
from semblance.neural.radiance.restoration.choice import choose_restorer
from semblance.neural.radiance.rounds import posed_photo
from semblance.neural.radiance.scene import PosedHead, RadianceScene, Rendering
from semblance.neural.radiance.updates import updated
from semblance.tests.makers.synthetic_head import synthetic_scene
from semblance.tracking.heads.builtin import load_builtin

SIDE = 128


class Blurring:
    """Stands for a network: shows each frame of a scene blurred, as one that has not learnt its detail."""

    def __init__(self, scene: RadianceScene) -> None:
        self._scene = scene

    def prepare(self, head: PosedHead) -> int:
        return next(i for i in range(len(self._scene)) if torch.equal(self._scene.vertices[i], head.vertices))

    def render(self, index: int, camera) -> Rendering:
        alpha = self._scene.alphas[index].numpy() / 255
        colour = self._scene.colours[index].numpy() / 255 * alpha[..., None]
        rgba = cv2.GaussianBlur(np.dstack([colour, alpha]).astype(np.float32), (0, 0), 2)
        return Rendering(torch.from_numpy(rgba), torch.zeros(SIDE, SIDE))


@pytest.fixture(scope="module")
def scene() -> RadianceScene:
    return replace(synthetic_scene(SIDE, novel=2, every=200).scene, photographs=(0,))


def update(scene, name, folder, **given):
    with choose_restorer(name).opened(posed_photo(scene, load_builtin())) as restorer:
        return updated(scene, Blurring(scene), restorer, folder, listener=silent, **given)


def error(one: RadianceScene, other: RadianceScene, index: int) -> float:
    inside = scene_mask(other, index)
    return float((one.colours[index].float() - other.colours[index].float()).abs()[inside].mean())


def scene_mask(scene: RadianceScene, index: int) -> torch.Tensor:
    return scene.alphas[index] == 255


def test_updates_bring_the_photos_detail_and_leave_photographs_alone(scene, tmp_path):
    plain, restored = update(scene, "none", tmp_path / "a"), update(scene, "transfer", tmp_path / "b")
    assert restored.frames == list(range(len(scene)))
    assert restored.rejected == 0
    assert torch.equal(restored.scene.colours[0], scene.colours[0])
    drawn = [index for index in range(len(scene)) if index not in scene.photographs]
    for index in drawn:
        assert error(restored.scene, scene, index) < error(plain.scene, scene, index)
    assert len(list((tmp_path / "b").glob("*.png"))) == len(drawn)


def test_a_refused_view_is_left_as_it_was_drawn(scene, tmp_path):
    plain = update(scene, "none", tmp_path / "a")
    refused = update(scene, "transfer", tmp_path / "b", objection=lambda drawn, restored: "No.", most=2)
    assert refused.rejected == 2
    assert len(refused.frames) == 3
    for index in refused.frames:
        assert torch.equal(refused.scene.colours[index], plain.scene.colours[index])
