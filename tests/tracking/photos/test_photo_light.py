# SPDX-License-Identifier: GPL-3.0-or-later
"""The light of a photo is found on its skin, and changes skin that turns in it, gently."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tracking.photos.photo_light import GAMMA, LEAST, MOST, PhotoLight


@pytest.fixture
def normals() -> np.ndarray:
    draws = np.random.default_rng(0).normal(size=(2000, 3))
    draws[:, 2] = -np.abs(draws[:, 2])
    return (draws / np.linalg.norm(draws, axis=1, keepdims=True)).astype(np.float32)


def lit(normals: np.ndarray, linear: np.ndarray) -> np.ndarray:
    return np.repeat(255 * (0.4 * (1 + normals @ linear))[:, None] ** (1 / GAMMA), 3, 1)


def test_the_light_is_found_even_where_some_skin_is_dark(normals):
    linear = np.array([0.4, -0.3, -0.2])
    colours = lit(normals, linear)
    colours[::12] *= 0.4
    assert PhotoLight.of(colours, normals).linear == pytest.approx(linear, abs=0.08)


def test_skin_that_turns_to_the_light_grows_brighter_and_that_which_stays_does_not(normals):
    light = PhotoLight(np.array([0.6, 0.0, 0.0], np.float32))
    front, side = np.array([[0.0, 0.0, -1.0]]), np.array([[0.8, 0.0, -0.6]])
    assert light.change(front, side)[0] > 1.05
    assert light.change(side, front)[0] < 0.95
    assert np.all(light.change(normals, normals) == 1)


def test_the_change_is_bounded(normals):
    light = PhotoLight(np.array([3.0, -3.0, 2.0], np.float32))
    change = light.change(normals, normals[::-1])
    assert change.min() >= LEAST
    assert change.max() <= MOST


def test_without_skin_light_comes_from_all_sides(normals):
    assert np.all(PhotoLight.of(np.zeros((3, 3)), normals[:3]).linear == 0)
