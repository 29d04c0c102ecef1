# SPDX-License-Identifier: GPL-3.0-or-later
"""The avatar's picture in a frame: where, how large, in which colours."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.blender_addon.render import pixels
from semblance.blender_addon.render.pixels import (
    Window,
    avatar_window,
    in_frame,
    over,
    scene_linear,
)

IDENTITY = np.eye(3, dtype=np.float32)


def portrait(size: int = 64) -> np.ndarray:
    """Smooth colours, and an alpha that is 1 in the left half."""
    y, x = np.mgrid[:size, :size] / (size - 1)
    rgba = np.stack([x, y, (x + y) / 2, x < 0.5], -1)
    return (rgba * 255).round().astype(np.uint8)


def fit_to_frame(picture: np.ndarray, window: Window, width: int, height: int) -> np.ndarray:
    """The picture in its window, `[height, width, 4]`, 0 to 1, still in sRGB."""
    frame = np.zeros((height, width, 4), np.float32)
    for rows, planes in pixels.resampled(picture, window, slice(0, height), slice(0, width)):
        frame[rows] = np.moveaxis(planes, 0, -1)
    return frame


@pytest.mark.parametrize(
    ("frame", "fit", "window"),
    [
        ((256, 256), "AUTO", Window(0, 0, 256, 256)),
        ((1920, 1080), "AUTO", Window(0, -420, 1920, 1920)),
        ((1080, 1920), "AUTO", Window(-420, 0, 1920, 1920)),
        ((1920, 1080), "VERTICAL", Window(420, 0, 1080, 1080)),
        ((1080, 1920), "HORIZONTAL", Window(0, 420, 1080, 1080)),
    ],
)
def test_the_window_follows_the_camera(frame, fit, window):
    assert avatar_window(*frame, fit) == window


def test_tall_pixels_make_the_window_low():
    assert avatar_window(1440, 1080, "HORIZONTAL", 0.75) == Window(0, -420, 1440, 1920)


def test_a_frame_of_the_avatars_size_keeps_its_pixels():
    picture = portrait()
    assert np.array_equal(fit_to_frame(picture, Window(0, 0, 64, 64), 64, 64), picture.astype(np.float32) / 255)


@pytest.mark.parametrize("size", [24, 100, 256])
def test_resampling_keeps_smooth_pictures(size):
    rendered = fit_to_frame(portrait(), Window(0, 0, size, size), size, size)
    centres = (np.arange(size) + 0.5) / size * 64 - 0.5
    expected = np.clip(centres / 63, 0, 1)
    inside = slice(size // 12, -size // 12)
    assert np.abs(rendered[size // 2, :, 0] - expected)[inside].max() < 0.01
    assert np.abs(rendered[:, size // 2, 1] - expected)[inside].max() < 0.01


def test_a_wide_frame_is_empty_beside_the_window():
    rendered = fit_to_frame(portrait(), avatar_window(128, 64, "VERTICAL"), 128, 64)
    assert rendered[:, :32].max() == rendered[:, 96:].max() == 0
    assert np.abs(rendered[:, 32:96] * 255 - portrait()).max() < 1


@pytest.mark.parametrize(("width", "height"), [(300, 200), (50, 77), (1000, 10)])
def test_blocks_change_nothing(width, height, monkeypatch):
    window = avatar_window(width, height, "AUTO", 1.5)
    in_blocks = fit_to_frame(portrait(), window, width, height)
    monkeypatch.setattr(pixels, "BLOCK", 1000)
    assert in_blocks == pytest.approx(fit_to_frame(portrait(), window, width, height), abs=1e-6)


def test_saved_colours_are_the_networks_own():
    picture = portrait()
    linear = scene_linear(picture, IDENTITY, transparent=False)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    assert np.abs(encoded[..., :3] * 255 - picture[..., :3]).max() < 0.01
    assert linear[..., 3].min() == 1


def test_a_transparent_film_shows_the_person_alone():
    linear = scene_linear(portrait(), IDENTITY, transparent=True)
    assert linear[:, 40:].max() == 0
    assert linear[:, :20, 3].min() == 1


def test_a_nearer_head_covers_a_farther_one():
    red, half = np.array([1, 0, 0, 1], np.float32), np.array([0, 0.5, 0, 0.5], np.float32)
    assert over(half[None, None], red[None, None])[0, 0] == pytest.approx([0.5, 0.5, 0, 1])


@pytest.mark.parametrize(("width", "height", "fit"), [(200, 70, "AUTO"), (70, 200, "AUTO"), (90, 40, "VERTICAL")])
@pytest.mark.parametrize("place", [(0, 64, 0, 64), (20, 40, 30, 64), (5, 6, 50, 51), (0, 0, 0, 0)])
def test_what_nobody_covers_is_not_worked_on_and_nothing_is_missed(width, height, fit, place, monkeypatch):
    picture = np.random.default_rng(1).integers(1, 255, (64, 64, 4), np.uint8)
    top, bottom, left, right = place
    there = np.zeros((64, 64), bool)
    there[top:bottom, left:right] = True
    picture[~there, 3] = 0
    window = pixels.avatar_window(width, height, fit)
    little = in_frame(picture, window, width, height, IDENTITY, transparent=True)
    monkeypatch.setattr(pixels, "covered", lambda _there, _start, _length, count: slice(0, count))
    whole = in_frame(picture, window, width, height, IDENTITY, transparent=True)
    np.testing.assert_allclose(little, whole, atol=1e-4)  # the colours' table has steps


def test_an_opaque_frame_is_opaque_beside_the_window_too():
    frame = in_frame(portrait(), avatar_window(128, 64, "VERTICAL"), 128, 64, IDENTITY, transparent=False)
    assert (frame[..., 3] == 1).all()
    assert frame[:, :32, :3].max() == 0


def test_colours_are_turned_into_the_scenes():
    turned = np.array([[0, 1, 0], [0.5, 0, 0.5], [0, 0, 1]], np.float32)
    plain, made = (scene_linear(portrait(), each, transparent=True) for each in (IDENTITY, turned))
    np.testing.assert_allclose(made[..., :3], plain[..., :3] @ turned.T, atol=1e-6)
    assert np.array_equal(made[..., 3], plain[..., 3])
