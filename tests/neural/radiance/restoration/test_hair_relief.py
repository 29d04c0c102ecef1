# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair is raised to the head's depth, turns with it and gains detail."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from semblance.neural.radiance.restoration.detail_transfer import DetailTransfer
from semblance.neural.radiance.restoration.hair_relief import hair_relief, without_strands
from semblance.neural.radiance.restoration.posed_photo import PosedPhoto
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import gaze_rotation

SIDE = 192
HEAD = load_builtin()
CAMERA = PinholeCamera(3.0 * SIDE, 3.0 * SIDE, SIDE / 2, SIDE / 2, SIDE, SIDE)
MIDDLE = HEAD.mean.mean(0)
REST = (HEAD.mean - MIDDLE + [0, 0, 1.15]).astype(np.float32)
PIXELS = CAMERA.project(REST)


def turned(degrees: float) -> np.ndarray:
    return ((HEAD.mean - MIDDLE) @ gaze_rotation(0, np.radians(degrees)).T + [0, 0, 1.15]).astype(np.float32)


@pytest.fixture(scope="module")
def photo() -> PosedPhoto:
    """Noise inside a disc about the head: hair all around it."""
    matte = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(matte, (SIDE // 2, SIDE // 2), round(0.46 * SIDE), 1, -1)
    noise = np.random.default_rng(0).integers(60, 200, (SIDE, SIDE, 1)).repeat(3, 2).astype(np.uint8)
    return PosedPhoto(HEAD, REST, CAMERA, noise, matte, PIXELS)


def test_hair_lies_beyond_the_face_at_the_heads_depth(photo):
    hair = hair_relief(photo)
    used = np.unique(hair.triangles)
    assert len(used) > 500
    assert (photo.matte[tuple(hair.pixels[used].astype(int).T[::-1])] > 0.5).all()
    np.testing.assert_allclose(CAMERA.project(hair.vertices[used]), hair.pixels[used], atol=1e-2)
    depths = hair.vertices[used, 2]
    assert REST[:, 2].min() - 0.02 < depths.min() <= depths.max() < REST[:, 2].max()
    assert hair.pixels[used, 1].max() < PIXELS[HEAD.landmarks[152], 1]
    cheek = PIXELS[HEAD.landmarks[425]]
    assert np.linalg.norm(hair.pixels[used] - cheek, axis=-1).min() > 10


def test_hair_beside_the_head_gains_detail_less_when_it_turns(photo):
    view, alpha = np.full((SIDE, SIDE, 3), 128, np.uint8), np.ones((SIDE, SIDE), np.float32)
    top = round(float(PIXELS[:, 1].min())) - 8
    gained = []
    with DetailTransfer(photo) as transfer:
        for degrees in (0, 20, 60):
            restored = transfer.restore(view, alpha, turned(degrees), CAMERA)
            gained.append(np.abs(restored[top - 2 : top + 2, 80:112].astype(int) - 128).mean())
    assert gained[0] > 10
    assert gained[0] > gained[1] > gained[2]
    assert gained[2] < 0.1 * gained[0]


def test_lone_strands_are_left_out():
    matte = np.zeros((100, 100), np.float32)
    matte[20:80, 20:60] = 1
    matte[50, 60:90] = 1
    solid = without_strands(matte)
    assert solid[50, 40] == 1
    assert solid[50, 65:].max() == 0
