# SPDX-License-Identifier: GPL-3.0-or-later
"""Mattes keep the picture's edges, stand still with it, follow it at once, and end with the footage."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from semblance.tracking.mattes.matte_edges import refined, window_functions
from semblance.tracking.mattes.selfie_matting import SelfieMatting, without_holes
from semblance.tracking.mattes.within_footage import WithinFootage, repeated_edges
from semblance.tracking.plates.inpainting import fill_behind
from skimage.data import astronaut

SIDE = 256


class GivenScores:
    """Stands in for a network: gives scores in turn, and counts."""

    def __init__(self, *scores: np.ndarray) -> None:
        self.scores, self.count = scores, 0

    def __call__(self, rgb: np.ndarray, /) -> np.ndarray:
        self.count += 1
        return self.scores[(self.count - 1) % len(self.scores)]

    def close(self) -> None:
        pass


class Bright:
    """Stands in for a matting: what is bright is in front."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, rgb: np.ndarray, /) -> np.ndarray:
        self.shapes.append(rgb.shape)
        return (rgb[..., 0] > 100).astype(np.float32)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return np.ascontiguousarray(astronaut()[:260, 90:350])


@pytest.fixture(scope="module")
def matte(portrait) -> np.ndarray:
    return SelfieMatting()(portrait)


def half(edge: int, size: int = SIDE) -> np.ndarray:
    """A picture that is brown right of `edge` and blue left of it."""
    picture = np.full((size, size, 3), (30, 90, 160), np.uint8)
    picture[:, edge:] = (200, 120, 60)
    return picture


def soft(edge: float, width: float = 6) -> np.ndarray:
    """Scores that rise from 0 to 1 about `edge`."""
    rise = np.clip((np.arange(SIDE) - edge) / width + 0.5, 0, 1).astype(np.float32)
    return np.tile(rise, (SIDE, 1))


def edges_of(rough: np.ndarray, picture: np.ndarray) -> np.ndarray:
    return refined(rough, window_functions(rough, picture), picture)


def test_a_soft_matte_gets_the_edge_of_the_picture():
    """The rough matte rises over 12 pixels; the refined one jumps where the colours change."""
    edge = 200
    matte = edges_of(soft(edge / 2), half(edge, 512))
    assert matte.shape == (512, 512)
    assert matte[256, edge - 1] < 0.25
    assert matte[256, edge] > 0.6
    assert matte[256, edge - 40] == 0
    assert matte[256, edge + 40] == 1


def test_the_picture_moves_no_outline_far():
    """A wall in the colours of the person stays background, but for the very edge."""
    matte = edges_of(soft(128), np.full((512, 512, 3), 90, np.uint8))
    assert matte[256, :236].max() == 0
    assert matte[256, 276:].min() == 1


def test_a_plain_matte_stays_plain():
    picture = np.random.default_rng(0).integers(0, 255, (100, 140, 3), dtype=np.uint8)
    for value in (0.0, 1.0):
        np.testing.assert_array_equal(edges_of(np.full((SIDE, SIDE), value, np.float32), picture), value)


def test_small_holes_are_filled_and_what_is_seen_through_is_kept():
    scores, picture = np.zeros((SIDE, SIDE), np.float32), np.full((SIDE, SIDE, 3), 230, np.uint8)
    scores[40:216, 40:216], picture[40:216, 40:216] = 1, (90, 60, 40)
    scores[60:68, 60:68] = 0  # in the hair
    scores[60:68, 200:208], picture[60:68, 200:208] = 0, 230  # the wall behind a strand of hair
    scores[120:180, 120:180] = 0  # too large for an error
    scores[36:44, 100:104] = 0  # open to the background
    filled = without_holes(scores, picture)
    assert filled[60:68, 60:68].min() == 1
    assert filled[60:68, 200:208].max() == 0
    assert filled[120:180, 120:180].max() == 0
    assert filled[42, 102] == 0


def test_the_person_is_in_front(portrait, matte):
    assert matte.shape == portrait.shape[:2]
    assert matte.dtype == np.float32
    assert (matte.min(), matte.max()) == (0, 1)
    assert matte[120, 135] == 1
    assert matte[10, 10] == matte[60, 250] == 0


def test_the_same_picture_again_changes_nothing(portrait, matte):
    matting = SelfieMatting()
    matting(portrait)
    assert np.abs(matting(portrait) - matte).max() < 0.02


def test_scores_that_flicker_over_a_still_picture_are_calmed():
    rng = np.random.default_rng(1)
    noisy = [np.clip(soft(128, 20) + rng.normal(0, 0.15, (SIDE, SIDE)), 0, 1).astype(np.float32) for _ in range(12)]
    picture = half(128)
    picture[:, 120:136] = np.linspace(0, 1, 16)[None, :, None] * 100
    matting = SelfieMatting(GivenScores(*noisy))
    calmed = [matting(picture) for _ in range(12)]
    raw = [SelfieMatting(GivenScores(scores))(picture) for scores in noisy]
    assert flicker(calmed[4:]) < 0.2 * flicker(raw[4:])


def flicker(mattes: list[np.ndarray]) -> float:
    return float(np.abs(np.diff(np.stack(mattes), axis=0)).mean())


def test_an_edge_that_moves_leaves_no_ghost():
    """The edge jumps by 12 pixels a frame; each matte is what it would be had there been no frame before."""
    edges = range(60, 180, 12)
    matting = SelfieMatting(GivenScores(*[soft(edge) for edge in edges]))
    for edge in edges:
        np.testing.assert_allclose(matting(half(edge)), SelfieMatting(GivenScores(soft(edge)))(half(edge)), atol=0.02)


def test_a_still_picture_needs_the_network_for_every_second_frame_only():
    scores = GivenScores(soft(128))
    matting = SelfieMatting(scores)
    for _ in range(10):
        matting(half(128))
    assert scores.count == 5


def test_a_picture_of_another_size_starts_anew():
    matting = SelfieMatting(GivenScores(soft(128), soft(64)))
    matting(half(128))
    np.testing.assert_array_equal(matting(half(128, 512)), SelfieMatting(GivenScores(soft(64)))(half(128, 512)))


def test_beyond_the_footage_there_is_nobody_but_below():
    footage = np.random.default_rng(2).integers(150, 250, (200, 160, 3), dtype=np.uint8)
    window = cv2.copyMakeBorder(footage, 60, 80, 48, 100, cv2.BORDER_REPLICATE)
    found = np.subtract((60, 80, 48, 100), repeated_edges(window))
    assert found.min() >= 0
    assert found.max() <= 4
    matte = WithinFootage(Bright())(window)
    assert matte.shape == window.shape[:2]
    assert matte[60:, 48:208].min() == 1
    assert matte[:60].max() == matte[:, :48].max() == matte[:, 212:].max() == 0


def test_what_was_footage_once_is_footage_always():
    """A head that rises into a plain sky is not cut off; then a plain picture changes nothing."""
    sky, rising = np.zeros((200, 200, 3), np.uint8), np.zeros((200, 200, 3), np.uint8)
    noise = np.random.default_rng(3).integers(150, 250, (200, 200, 3), dtype=np.uint8)
    sky[100:], rising[10:] = noise[100:], noise[10:]
    bright = Bright()
    within = WithinFootage(bright)
    within(sky)
    assert within(rising)[20:].min() == 1
    within(sky)
    assert bright.shapes[2] == bright.shapes[1] != bright.shapes[0]


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
