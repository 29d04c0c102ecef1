# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances made stronger, weaker, calmer and faster stay about the person's rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.rotations import from_vectors, to_vectors
from semblance.tracking.performances.rest import rest_expression, rest_pose
from semblance.tracking.performances.shaping import Wish, shaped, smoothed

JAW, SMILE = ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("mouthSmileLeft")


@pytest.fixture(scope="module")
def take():
    """Two seconds of a moving head whose rest has an open mouth and is turned."""
    wave = np.sin(np.arange(50) / 5)
    expression = np.zeros((50, 52), np.float32)
    expression[:, JAW] = 0.2 + 0.15 * np.maximum(wave, 0)
    turns = 0.3 + 0.2 * wave[:, None] * [0, 1, 0.5]
    return at_rest(
        50, load_builtin(), expression=expression, rotation=from_vectors(turns).astype(np.float32),
        translation=[0.02, 0, 0.8] + 0.01 * wave[:, None], gaze=np.tile(0.1 * wave[:, None, None], (1, 2, 2)),
    )  # fmt: skip


def test_nothing_wished_changes_nothing(take):
    same = shaped(take, take, {})
    for name in ("expression", "rotation", "translation", "gaze", "times"):
        assert np.allclose(getattr(same, name), getattr(take, name), atol=1e-6), name


def test_strength_counts_from_rest(take):
    calm = rest_expression(take)
    weak = shaped(take, take, {"jawOpen": Wish(0.5)}, head=Wish(0.5), gaze=Wish(2.0))
    assert np.allclose(weak.expression - calm, 0.5 * (take.expression - calm), atol=1e-6)
    rotation, translation = rest_pose(take)
    assert np.allclose(to_vectors(weak.rotation @ rotation.T), 0.5 * to_vectors(take.rotation @ rotation.T), atol=1e-5)
    assert np.allclose(weak.translation - translation, 0.5 * (take.translation - translation), atol=1e-6)
    assert np.allclose(weak.gaze, 2 * take.gaze, atol=1e-6)
    still = shaped(take, take, {name: Wish(0.0) for name in ARKIT_NAMES}, head=Wish(0.0))
    assert np.allclose(still.expression, calm)
    assert np.ptp(still.rotation, 0).max() < 1e-5


def test_only_what_is_wished_for_is_smoothed(take):
    rough = take.expression.copy()
    rough[25, [JAW, SMILE]] = 1
    calm = shaped(replace(take, expression=rough), take, {"jawOpen": Wish(smoothing=0.1)})
    assert calm.expression[25, JAW] < 0.6
    assert calm.expression[25, SMILE] == 1


def test_faster_is_shorter(take):
    fast = shaped(take, take, {}, speed=2.0)
    assert fast.times[-1] - fast.times[0] == pytest.approx((take.times[-1] - take.times[0]) / 2)
    assert fast.fps == 2 * take.fps


@given(deviation=st.floats(0, 2), value=st.floats(-5, 5), steps=st.lists(st.floats(0.01, 0.2), min_size=1, max_size=40))
def test_a_steady_value_stays_steady(deviation, value, steps):
    seconds = np.cumsum(steps)
    assert np.allclose(smoothed(np.full((len(seconds), 2), value), seconds, deviation), value)


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=60), deviation=st.floats(0, 1))
def test_smoothing_is_not_late_and_does_not_overshoot(values, deviation):
    seconds = np.arange(len(values)) / 25
    there = smoothed(np.array(values), seconds, deviation)
    back = smoothed(np.array(values[::-1]), seconds, deviation)[::-1]
    assert np.allclose(there, back)
    assert there.min() >= min(values) - 1e-9
    assert there.max() <= max(values) + 1e-9
