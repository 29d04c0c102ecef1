# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixed crop: its rule, its camera and its edges."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.media.crop import choose_crop, cut, picture_camera, resampled
from semblance.tracking.performances.performance import Crop


def landmarks_at(x: float, y: float, mouth: float, frames: int = 10) -> np.ndarray:
    """Landmarks whose nose bridge is at x, y and whose mouth lies `mouth` pixels below."""
    landmarks = np.zeros((frames, 478, 3), np.float32)
    landmarks[:, :, :2] = (x, y)
    landmarks[:, [13, 14], 1] = y + mouth
    return landmarks


def test_the_rule_of_the_original() -> None:
    crop = choose_crop(landmarks_at(300, 200, 80))
    assert crop.side == pytest.approx(2 * 80 * 4.2 / 2 * 1.25, abs=2)
    assert (crop.x + crop.side / 2, crop.y + crop.side / 2) == pytest.approx((300, 200), abs=1)


def test_one_odd_frame_changes_little() -> None:
    landmarks = landmarks_at(300, 200, 80, frames=200)
    usual = choose_crop(landmarks)
    landmarks[7] += 400
    landmarks[7, [13, 14]] += 300
    assert choose_crop(landmarks) == usual


def test_the_window_is_centred_on_the_heads_range() -> None:
    landmarks = np.concatenate([landmarks_at(200, 200, 80, 90), landmarks_at(300, 200, 80, 10)])
    crop = choose_crop(landmarks)
    assert crop.x + crop.side / 2 == pytest.approx(250, abs=2)


def test_the_pictures_camera_is_the_windows() -> None:
    crop = Crop(37.0, -12.0, 400.0)
    point = np.array([0.03, -0.05, 0.9])
    in_window = PinholeCamera.default(512).project(point)
    in_picture = picture_camera(crop).project(point)
    assert (in_picture - (crop.x, crop.y)) * 512 / crop.side == pytest.approx(in_window)


def test_cut_shows_the_window_and_its_surroundings() -> None:
    rows, columns = np.mgrid[:300, :400]
    image = np.stack([columns / 2, rows / 2, 0 * rows], -1).astype(np.uint8)
    picture = cut(image, Crop(120.0, 80.0, 80.0), 80)
    assert picture.shape == (120, 120, 3)
    assert (picture == image[60:180, 100:220]).all()
    assert cut(image, Crop(120.0, 80.0, 80.0), 40).shape == (60, 60, 3)


@pytest.mark.parametrize("x, y", [(-60.0, -50.0), (340.0, 250.0), (-900.0, 20.0)])  # noqa: PT006
def test_edges_are_repeated_outside(x: float, y: float) -> None:
    image = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    picture = cut(image, Crop(x, y, 80.0), 80)
    rows = np.clip(np.arange(120) + int(y) - 20, 0, 299)
    columns = np.clip(np.arange(120) + int(x) - 20, 0, 399)
    assert (picture == image[rows][:, columns]).all()


@pytest.mark.parametrize("crop", [Crop(101.0, 60.0, 160.0), Crop(-40.0, 190.0, 132.0)])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_shrunk_picture_shows_the_same_window(crop: Crop, scale: float) -> None:
    """A pixel of the window shows the place of the whole picture that its camera says, to a fraction of a pixel."""
    rows, columns = (np.mgrid[: 300 * scale, : 400 * scale] + 0.5) / scale
    image = np.stack([columns / 2, rows / 2, 0 * rows], -1).round().astype(np.uint8)
    picture = resampled(image, crop, scale, 80)
    places = (np.arange(80) + 0.5) * crop.side / 80
    assert picture.shape == (80, 80, 3)
    assert np.abs(picture[40, :, 0] - np.clip(crop.x + places, 0.5 / scale, 400 - 0.5 / scale) / 2).max() < 1
    assert np.abs(picture[:, 40, 1] - np.clip(crop.y + places, 0.5 / scale, 300 - 0.5 / scale) / 2).max() < 1
