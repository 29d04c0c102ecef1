# SPDX-License-Identifier: GPL-3.0-or-later
"""A take is laid over itself: what landmarks miss by half a pixel is put right by comparing the skin."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from semblance.common.progress import Cancelled, Progress
from semblance.tests.makers.performances import at_rest
from semblance.tracking.datasets.rasteriser import MapRasteriser
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.registry import open_head
from semblance.tracking.performances.maps import frame_maps
from semblance.tracking.solving.registration import FREE, SIDE, registered

if TYPE_CHECKING:
    from collections.abc import Generator

    from semblance.tracking.performances.performance import Performance

FRAMES = 24
HEAD = open_head("builtin")
BROW, JAW = ARKIT_NAMES.index("browInnerUp"), ARKIT_NAMES.index("jawOpen")
FINER = 2
"""The pictures are drawn so much finer, and shrunk."""


def performance(turn: np.ndarray, shift: np.ndarray, expression: np.ndarray) -> Performance:
    return at_rest(
        FRAMES,
        HEAD,
        expression=expression,
        rotation=Rotation.from_rotvec(turn).as_matrix(),
        translation=shift + np.array([0, 0, 0.8]),
    )


@pytest.fixture(scope="module")
def truth() -> Performance:
    """A head that nods a little and raises its brows."""
    along = np.linspace(0, 1, FRAMES)
    expression = np.zeros((FRAMES, 52))
    expression[:, BROW], expression[:, JAW] = 0.3 * along, 0.2 * (1 - along)
    turn = np.stack([0.1 * np.sin(4 * along), 0.15 * np.cos(3 * along), 0 * along], 1)
    return performance(turn, np.stack([0.01 * along, 0 * along, 0 * along], 1), expression)


@pytest.fixture(scope="module")
def pictures(truth: Performance) -> list[np.ndarray]:
    """What the truth looks like, with spots on the skin, as a person has them."""
    spots = np.random.default_rng(1).normal(0, 0.08, (len(HEAD.mean), 1)).astype(np.float32)
    colours = np.clip(HEAD.texture(truth.texture) + spots, 0, 1)
    drawn = []
    with MapRasteriser(FINER * SIDE) as rasteriser:
        for index in range(FRAMES):
            vertices = frame_maps(HEAD, truth, index, colours=colours)
            _, picture = rasteriser.draw(vertices, HEAD.triangles)
            small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            drawn.append((small * 255).round().astype(np.uint8))
    return drawn


@pytest.fixture(scope="module")
def start(truth: Performance) -> Performance:
    """What landmarks would say: off, to another side as time goes on."""
    phase = np.linspace(0, 2 * np.pi, FRAMES)
    turn = np.stack([0.012 * np.sin(phase), 0.012 * np.cos(phase), 0 * phase], 1)
    shift = np.stack([0.0008 * np.cos(phase), 0.0008 * np.sin(2 * phase), 0.004 * np.sin(phase)], 1)
    expression = truth.expression.copy()
    expression[:, BROW] += (0.1 + 0.1 * np.sin(phase)).astype(np.float32)
    return replace(
        truth,
        rotation=(Rotation.from_rotvec(turn).as_matrix() @ truth.rotation).astype(np.float32),
        translation=(truth.translation + shift).astype(np.float32),
        expression=expression,
    )


def apart(one: Performance, truth: Performance) -> float:
    """How far points of the face move that should lie still: millimetres, beside what all frames have in common."""
    points = HEAD.mean[HEAD.uv_mask > 0.5][::20]
    places = [points @ each.rotation.swapaxes(1, 2) + each.translation[:, None] for each in (one, truth)]
    off = (places[0] - places[1])[..., :2]
    return float(np.sqrt(np.square(off - off.mean(0)).mean()) * 1000)


def test_frames_come_to_lie_over_each_other(truth, start, pictures):
    found = registered(HEAD, start, lambda: iter_of(pictures))
    assert apart(found, truth) < 0.4 * apart(start, truth)
    off = [np.std(each.expression[:, BROW] - truth.expression[:, BROW]) for each in (found, start)]
    assert off[0] < 0.6 * off[1]


@pytest.mark.slow
def test_what_was_right_stays_so(truth, pictures):
    assert apart(registered(HEAD, truth, lambda: iter_of(pictures)), truth) < 0.1


def test_lids_and_jaw_are_left_alone(start, pictures):
    found = registered(HEAD, start, lambda: iter_of(pictures))
    kept = np.setdiff1d(np.arange(52), FREE)
    np.testing.assert_array_equal(found.expression[:, kept], start.expression[:, kept])
    assert found.expression.min() >= 0
    assert found.expression.max() <= 1


def test_a_frame_that_is_not_trusted_goes_with_its_neighbours(truth, start, pictures):
    hidden = [np.zeros_like(each) if index in (8, 9) else each for index, each in enumerate(pictures)]
    unsure = replace(start, confidence=np.where(np.isin(np.arange(FRAMES), (8, 9)), 0, 1).astype(np.float32))
    found = registered(HEAD, unsure, lambda: iter_of(hidden))
    moved = np.linalg.norm(found.translation - start.translation, axis=1)
    assert np.abs(moved[8:10] - moved[[7, 10]]).max() < 0.5 * moved.max()
    assert apart(found, truth) < 0.5 * apart(start, truth)


def test_a_single_frame_stays_as_it_is(start, pictures):
    one = start.at(slice(3, 4))
    assert registered(HEAD, one, lambda: iter_of(pictures[3:4])) is one


@pytest.mark.slow
def test_it_can_be_cancelled_while_it_reads_learns_and_aligns(start, pictures):
    heard: list[float] = []
    registered(HEAD, start, lambda: iter_of(pictures), lambda progress: heard.append(progress.done))
    assert heard == sorted(heard)
    assert heard.count(FRAMES) > FRAMES, "it may be stopped between any two frames that it learns from"

    def cancel(progress: Progress) -> None:
        if progress.done == FRAMES:
            raise Cancelled

    with pytest.raises(Cancelled):
        registered(HEAD, start, lambda: iter_of(pictures), cancel)


def iter_of(pictures: list[np.ndarray]) -> Generator[np.ndarray, None, None]:
    yield from pictures
