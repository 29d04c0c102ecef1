# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics have their known values."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from semblance.neural.evaluation.metrics import (
    flicker,
    high_band_energy,
    inside,
    ms_ssim,
    psnr,
    sharpness,
    ssim,
    without_background,
)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).random((96, 96, 3), np.float32)


def sharpness_of(picture: np.ndarray, truth: np.ndarray, region: np.ndarray) -> float:
    return sharpness([high_band_energy(picture, region)], [high_band_energy(truth, region)])


EVERYWHERE = np.ones((96, 96), bool)


def test_a_picture_equals_itself(picture):
    assert psnr(picture, picture) == np.inf
    assert ssim(picture, picture) == pytest.approx(1)
    assert sharpness_of(picture, picture, EVERYWHERE) == pytest.approx(1)


def test_psnr_of_a_known_error(picture):
    assert psnr(picture + np.float32(0.1), picture) == pytest.approx(20, abs=1e-3)


def test_blur_costs_sharpness(picture):
    soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
    softer = cv2.GaussianBlur(picture, (0, 0), 2.0)
    assert sharpness_of(softer, picture, EVERYWHERE) < sharpness_of(soft, picture, EVERYWHERE) < 0.5


def test_sharpness_is_an_energy(picture):
    assert sharpness_of(picture / 2, picture, EVERYWHERE) == pytest.approx(0.25, abs=1e-4)


def test_sharpness_sees_the_face_only(picture):
    region = EVERYWHERE.copy()
    region[:, 40:] = False
    blurred = picture.copy()
    blurred[:, 60:] = 0.5
    assert sharpness_of(blurred, picture, region) == pytest.approx(1)


def test_the_background_does_not_count(picture):
    image = (picture * 255).astype(np.uint8)
    matte = np.zeros((96, 96), np.float32)
    matte[20:60, 20:60] = 1
    other = image.copy()
    other[:20] = 0
    assert psnr(without_background(other, matte), without_background(image, matte)) == np.inf


def test_the_outline_does_not_count_inside(picture):
    matte = np.zeros((200, 200), np.float32)
    matte[100:, 50:150] = 1
    where = inside(matte)
    assert where[102:, 52:148].all(), "the picture's border is no outline"
    assert where.sum() == 98 * 96


def test_frames_with_more_detail_count_more(picture):
    assert sharpness([0.0, 9.0], [1.0, 9.0]) == pytest.approx(0.9)
    assert np.isnan(sharpness([0.0], [0.0]))


def test_structure_over_scales_sees_coarse_differences():
    picture = np.random.default_rng(0).random((192, 192, 3), np.float32)
    assert ms_ssim(picture, picture) == pytest.approx(1, abs=1e-4)
    fine = picture + np.random.default_rng(1).normal(0, 0.1, picture.shape).astype(np.float32)
    coarse = picture + np.kron(np.random.default_rng(1).normal(0, 0.1, (12, 12, 1)), np.ones((16, 16, 1)))
    assert ms_ssim(coarse.astype(np.float32), picture) < ms_ssim(fine, picture) < 0.999


def test_flicker_is_change_that_the_footage_has_not(picture):
    matte = np.ones(picture.shape[:2], np.float32)
    offset = np.full_like(picture, 0.2)
    assert flicker(offset, offset, matte) == 0
    assert flicker(offset + np.float32(0.1), offset, matte) == pytest.approx(25.5, abs=1e-3)


def test_flicker_is_of_the_foreground(picture):
    matte = np.zeros(picture.shape[:2], np.float32)
    matte[:, :48] = 1
    change = np.zeros_like(picture)
    change[:, 48:] = 1
    assert flicker(change, np.zeros_like(picture), matte) == 0
    change[:, :24] = 0.5
    assert flicker(change, np.zeros_like(picture), matte) == pytest.approx(255 / 4)
