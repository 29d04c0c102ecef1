# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces are cut out as FFHQ's lie, and put back where they were."""

import cv2
import numpy as np
import pytest
from semblance.neural.radiance.restoration.face_crop import SIDE, TEMPLATE, FaceCrop, soft_mask


def five_points_at(scale: float, degrees: float, middle: tuple[float, float]) -> np.ndarray:
    """FFHQ's points, in a picture whose face is so many times as large, turned, about a point."""
    turn = cv2.getRotationMatrix2D((0, 0), degrees, scale)[:, :2]
    return (np.array(TEMPLATE) - SIDE / 2) @ turn.T + middle


def blobs(side: int) -> np.ndarray:
    draws = np.random.default_rng(0)
    small = draws.integers(40, 215, (side // 16, side // 16, 3)).astype(np.uint8)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("scale", [0.3, 1.4])
def test_the_five_points_lie_where_the_network_wants_them(scale):
    points = five_points_at(scale, 12, (210, 190))
    crop = FaceCrop.of(points)
    assert crop.scale == pytest.approx(1 / scale, rel=1e-6)
    picture = np.zeros((400, 400, 3), np.uint8)
    for x, y in points[:2]:
        cv2.circle(picture, (round(x - 0.5), round(y - 0.5)), max(3, round(8 * scale)), (255, 255, 255), -1)
    face = crop.cut(picture)
    assert face.shape == (SIDE, SIDE, 3)
    for x, y in TEMPLATE[:2]:
        where = np.argwhere(face[round(y) - 60 : round(y) + 60, round(x) - 60 : round(x) + 60, 0] > 127)
        np.testing.assert_allclose(where.mean(0) - 60, [y - round(y), x - round(x)], atol=1 / scale)


@pytest.mark.parametrize("scale", [0.3, 1.4])
def test_a_face_that_is_put_back_as_it_was_changes_little(scale):
    picture = blobs(400)
    crop = FaceCrop.of(five_points_at(scale, -20, (200, 200)))
    again = crop.put_back(crop.cut(picture), picture, np.ones((400, 400), np.float32))
    assert np.abs(again.astype(int) - picture).mean() < 1
    assert np.abs(again.astype(int) - picture).max() < 12


def test_only_the_face_is_changed_and_its_border_is_soft():
    picture = np.full((300, 300, 3), 100, np.uint8)
    crop = FaceCrop.of(five_points_at(0.3, 0, (150, 150)))
    alpha = np.ones((300, 300), np.float32)
    alpha[:20] = 0
    restored = crop.put_back(np.full((SIDE, SIDE, 3), 200, np.uint8), picture, alpha)
    assert (crop.put_back(np.full((SIDE, SIDE, 3), 200, np.uint8), picture, 0 * alpha) == 100).all()
    assert (restored[150, 150] == 200).all()
    half = round(SIDE * 0.3 / 2)
    assert (restored[: 150 - half] == 100).all()
    assert (restored[:, 150 + half :] == 100).all()
    row = restored[150, :150, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert np.diff(row).max() < 15


def test_all_of_mediapipes_landmarks_say_the_same_as_five():
    landmarks = np.zeros((478, 3), np.float32)
    points = five_points_at(0.5, 5, (250, 240))
    for indices, point in zip([(33, 133), (263, 362), (4,), (61,), (291,)], points, strict=True):
        landmarks[list(indices), :2] = point
    np.testing.assert_allclose(FaceCrop.of(landmarks).matrix, FaceCrop.of(points).matrix, atol=1e-3)


def test_the_mask_is_0_at_the_crops_border():
    mask = soft_mask()
    assert mask[0].max() == mask[:, -1].max() == 0
    assert mask[SIDE // 2, SIDE // 2] == pytest.approx(1)
    assert np.abs(np.diff(mask, axis=0)).max() < 0.03
