# SPDX-License-Identifier: GPL-3.0-or-later
"""The light of a moment on the clean plate: told of the window, laid over all of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from semblance.neural.training.plates import lit_plate_of
from semblance.tests.makers.performances import at_rest
from semblance.tracking.performances.performance import Crop, Performance
from semblance.tracking.performances.plate_light import gains_over
from semblance.tracking.performances.plates import CLEAN, HEADLESS
from semblance.tracking.plates.light import lit
from semblance.tracking.plates.windows import behind

if TYPE_CHECKING:
    from pathlib import Path

SIDE, WINDOW = 128, Crop(40, 16, 64)


@pytest.fixture
def whole() -> np.ndarray:
    """A clean plate `[96, 160, 3]`, of other colours at each end."""
    across = np.linspace(70, 150, 160)[None, :, None] * np.ones((96, 1, 3)) * [1.0, 0.9, 0.8]
    return across.round().astype(np.uint8)


@pytest.fixture
def dataset(tmp_path: Path, whole: np.ndarray) -> Any:
    """Two frames without anybody in them, the second in a warmer light that grows to the right."""
    Image.fromarray(whole).save(tmp_path / "clean_plate.png")
    window = behind(whole, WINDOW, SIDE)
    light = np.linspace(1.0, 1.3, SIDE)[None, :, None] * [1.0, 0.95, 0.9]
    margin = SIDE // 4
    for name, picture in (("0", window), ("1", np.clip(window * light, 0, 255).astype(np.uint8))):
        enlarged = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        Image.fromarray(enlarged).save(tmp_path / f"{name}.png")
    Image.new("L", (SIDE + 2 * margin,) * 2).save(tmp_path / "matte.png")
    return SimpleNamespace(
        folder=tmp_path,
        names=("0", "1"),
        image=lambda name: tmp_path / f"{name}.png",
        matte=lambda name: tmp_path / "matte.png",
    )


def performance(folder: Path) -> Performance:
    plates = dict.fromkeys((CLEAN, HEADLESS), str(folder / "clean_plate.png"))
    return at_rest(2, crop=WINDOW, extra=plates)


def test_the_window_s_light_goes_over_the_whole_plate(dataset: Any, whole: np.ndarray) -> None:
    plate, light = lit_plate_of(dataset, performance(dataset.folder), SIDE, 1.0)
    assert plate is not None
    assert light is not None
    filmed = behind(whole, WINDOW, SIDE) * np.linspace(1.0, 1.3, SIDE)[None, :, None] * [1.0, 0.95, 0.9]
    inner = slice(SIDE // 8, -SIDE // 8)
    assert np.abs(plate - filmed)[:, inner].max() < 6
    gains = gains_over(light, WINDOW, 160, 96)
    laid = lit(whole, gains)
    assert np.abs(behind(laid, WINDOW, SIDE).astype(int) - plate).max() <= 2
    around = gains[:, [0, 39, 104, 159]]
    assert np.allclose(around[:, 0], around[:, 1], atol=0.01), "it goes on as it is at the window's edge"
    assert np.allclose(around[:, 2], around[:, 3], atol=0.01)


def test_a_plate_in_the_light_of_its_own_moment_stays(dataset: Any, whole: np.ndarray) -> None:
    plate, light = lit_plate_of(dataset, performance(dataset.folder), SIDE, 0.0)
    assert plate is not None
    assert light is not None
    assert np.abs(light - 1).max() < 0.003
    assert np.array_equal(plate, behind(whole, WINDOW, SIDE))
