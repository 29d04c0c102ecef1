# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes keep the picture's edges, and the photo's person."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from semblance.tracking.inpainting import fill_behind
from semblance.tracking.matting import Matting, guided
from skimage.data import astronaut


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return np.ascontiguousarray(astronaut()[:260, 90:350])


@pytest.fixture(scope="module")
def matte(portrait) -> np.ndarray:
    return Matting()(portrait)


def test_a_soft_matte_gets_the_edge_of_the_picture():
    """The rough matte rises over 12 pixels; the refined one jumps where the colours change."""
    edge, size = 200, 512
    picture = np.full((size, size, 3), (30, 90, 160), np.uint8)
    picture[:, edge:] = (200, 120, 60)
    rough = np.clip((np.arange(256) - (edge / 2 - 3)) / 6, 0, 1).astype(np.float32)
    refined = guided(np.tile(rough, (256, 1)), picture)
    assert refined.shape == (size, size)
    assert refined[256, edge - 1] < 0.25
    assert refined[256, edge] > 0.6
    assert refined[256, edge - 40] == pytest.approx(0, abs=0.02)
    assert refined[256, edge + 40] == pytest.approx(1, abs=0.02)


def test_a_plain_matte_stays_plain():
    picture = np.random.default_rng(0).integers(0, 255, (100, 140, 3), dtype=np.uint8)
    for value in (0.0, 1.0):
        np.testing.assert_allclose(guided(np.full((256, 256), value, np.float32), picture), value, atol=1e-6)


def test_the_person_is_in_front(portrait, matte):
    assert matte.shape == portrait.shape[:2]
    assert matte.dtype == np.float32
    assert (matte.min(), matte.max()) == (0, 1)
    assert matte[120, 135] == 1
    assert matte[10, 10] == matte[60, 250] == 0


def test_the_same_picture_again_changes_nothing(portrait, matte):
    matting = Matting()
    matting(portrait)
    assert np.abs(matting(portrait) - matte).max() < 0.02


def test_behind_the_person_there_is_only_background(portrait, matte):
    filled = fill_behind(portrait, matte)
    assert filled.shape == portrait.shape
    assert filled.dtype == np.uint8
    far = cv2.dilate((matte > 0).astype(np.uint8), np.ones((31, 31))) == 0
    assert np.abs(filled[far].astype(int) - portrait[far]).max() <= 2
    head = np.s_[40:140, 100:180]
    assert np.ptp(filled[head].mean((0, 1))) < 30
    assert filled[head].std(axis=(0, 1)).max() < 20


def test_without_background_the_fill_is_still_a_picture():
    picture = np.full((40, 40, 3), 90, np.uint8)
    assert np.isfinite(fill_behind(picture, np.ones((40, 40), np.float32))).all()
    np.testing.assert_array_equal(fill_behind(picture, np.zeros((40, 40), np.float32)), picture)
