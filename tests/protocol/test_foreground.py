# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait's person laid over something else: no rim of the old background, no holes, a soft and smooth edge."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.protocol.foreground import foreground, over, own_colours, person_alone

SIZE = 128
PERSON = np.array([120, 80, 60])


def disc(softness: float) -> np.ndarray:
    """Alpha `[S, S, 1]` of a disc whose edge is so many pixels wide."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + 0.5
    return np.clip((44 - np.hypot(x, y)) / softness + 0.5, 0, 1)[..., None]


def portrait(alpha: np.ndarray, behind: tuple[int, int, int]) -> np.ndarray:
    """A person of one colour over a background of one colour, as a portrait shows both."""
    picture = PERSON * alpha + np.array(behind) * (1 - alpha)
    return np.concatenate([picture, 255 * alpha], -1).round().astype(np.uint8)


@pytest.mark.parametrize("softness", [1.5, 5.0, 8.0])
@pytest.mark.parametrize("behind", [(250, 250, 240), (10, 200, 30)])
def test_no_rim_of_the_old_background_is_left(softness, behind):
    shown = over(person_alone(portrait(disc(softness), behind)), np.full((SIZE, SIZE, 3), 20, np.uint8))
    darkest, lightest = np.minimum(20, PERSON) - 5, np.maximum(20, PERSON) + 5
    assert (shown >= darkest).all()
    assert (shown <= lightest).all()


def test_over_its_own_background_the_portrait_is_as_it_was():
    behind = (200, 190, 170)
    painted = portrait(disc(3.0), behind)
    shown = over(person_alone(painted), np.full((SIZE, SIZE, 3), behind, np.uint8)).astype(int)
    assert np.abs(shown - painted[..., :3]).max() <= 16
    assert np.abs(shown - painted[..., :3]).mean() < 0.5


def test_colours_well_inside_are_the_portraits_own():
    rng = np.random.default_rng(3)
    painted = portrait(disc(2.0), (255, 255, 255))
    painted[..., :3] = np.where(disc(2.0) == 1, rng.integers(0, 255, (SIZE, SIZE, 3)), painted[..., :3])
    inside = disc(2.0)[..., 0] == 1
    assert np.array_equal(person_alone(painted)[inside, :3], painted[inside, :3])


def test_a_person_is_solid_three_pixels_from_the_outline():
    alpha = disc(4.0)
    alpha[alpha == 1] = 0.8  # a network that is not quite sure
    shown = person_alone(portrait(alpha, (250, 250, 240)))
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + 0.5
    inside = np.hypot(x, y) < 44 - 3.5
    assert (shown[inside, 3] == 255).all()
    outside = np.hypot(x, y) > 44 + 3
    assert (shown[outside, 3] == 0).all()


def test_a_hard_outline_has_no_steps():
    """Along a slanted edge alpha changes evenly, where a hard one jumps by whole pixels."""
    y, x = np.mgrid[:64, :64]
    alpha = (x > 20 + 0.25 * y).astype(np.float32)[..., None]
    shown = person_alone(portrait(alpha, (250, 250, 240)))[..., 3] / 255
    ideal = 20 + 0.25 * np.arange(64)
    place = 63.5 - shown.sum(1)
    hard = 63.5 - alpha[..., 0].sum(1)
    assert np.abs(np.diff(place, 2))[4:-4].mean() < 0.6 * np.abs(np.diff(hard, 2))[4:-4].mean()
    assert np.abs(place - ideal)[4:-4].max() < 1
    assert (shown[4:-4, -1] == 1).all()


def test_nothing_and_everything_stay():
    for value in (0.0, 1.0):
        alpha = np.full((32, 32, 1), value, np.float32)
        picture = np.full((32, 32, 3), 0.5, np.float32)
        assert np.isfinite(foreground(picture, alpha)).all()
        assert (person_alone(portrait(alpha, (9, 9, 9)))[..., 3] == round(255 * value)).all()


@pytest.mark.parametrize(("height", "width"), [(1024, 1024), (515, 702)])
def test_a_large_portrait_is_freed_as_well_as_a_small_one(height, width):
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1])[:, None, None] / 2
    alpha = np.clip((0.34 * height - np.hypot(x, y)) / 8 + 0.5, 0, 1)[..., None]
    shown = over(person_alone(portrait(alpha, (250, 250, 240))), np.full((height, width, 3), 20, np.uint8))
    assert (shown >= np.minimum(20, PERSON) - 5).all()
    assert (shown <= np.maximum(20, PERSON) + 5).all()


def test_dark_hair_before_a_light_wall_has_no_light_rim():
    share = disc(8.0).astype(np.float32)
    hair, wall = np.array([40, 30, 20], np.float32), np.array([230, 225, 210], np.float32)
    filmed = np.round(share * hair + (1 - share) * wall).astype(np.uint8)
    matte = np.round(share[..., 0] * 255).astype(np.uint8)
    found = own_colours(filmed, matte)
    rim = (matte > 25) & (matte < 230)
    assert np.abs(filmed[rim] - hair).mean() > 60
    assert np.abs(found[rim] - hair).mean() < 8


def test_what_is_not_mixed_keeps_its_pixels():
    matte = np.round(disc(8.0)[..., 0] * 255).astype(np.uint8)
    filmed = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    found = own_colours(filmed, matte)
    plain = (matte == 0) | (matte == 255)
    assert np.array_equal(found[plain], filmed[plain])
