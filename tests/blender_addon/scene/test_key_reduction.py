# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys: no sample is farther off than was allowed, and what is simple takes few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semblance.blender_addon.scene.key_reduction import reduced

VALUES = st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=80)


@given(values=VALUES, tolerance=st.floats(0, 5), first=st.integers(-1000, 1000), halves=st.booleans())
def test_no_sample_is_off_by_more_than_the_tolerance(values, tolerance, first, halves):
    frames = first + np.arange(len(values)) * (0.5 if halves else 1.0)
    keys = reduced(frames, np.array(values), tolerance)
    assert np.abs(keys.at(frames) - values).max() <= tolerance + 1e-12
    assert set(keys.frames) <= set(frames)
    assert (np.diff(keys.frames) > 0).all()


@given(values=VALUES, tolerance=st.floats(0.001, 5))
def test_blender_s_own_curve_is_the_one_that_was_measured(values, tolerance):
    """The Bezier curve through the handles is the cubic, whatever lies between the samples."""
    frames = np.arange(len(values), dtype=float)
    keys = reduced(frames, np.array(values), tolerance)
    left, right = keys.handles()
    share = np.linspace(0, 1, 9)[:, None]
    for n in range(len(keys.frames) - 1):
        start, stop = (np.array([keys.frames[n + e], keys.values[n + e]]) for e in (0, 1))
        rest = 1 - share
        curve = rest**3 * start + 3 * rest**2 * share * right[n] + 3 * rest * share**2 * left[n + 1] + share**3 * stop
        inside = np.clip(curve[:, 0], start[0], stop[0])
        assert np.allclose(keys.at(inside), curve[:, 1], atol=1e-9 * (1 + np.abs(curve).max()))


@pytest.mark.parametrize(("wave", "most"), [(lambda t: 0 * t + 0.3, 1), (lambda t: 0.01 * t, 2), (np.cos, 28)])
def test_simple_motion_takes_few_keys(wave, most):
    frames = np.arange(250.0)
    assert len(reduced(frames, wave(frames / 10), 0.01).frames) <= most


def test_a_blink_keeps_its_depth():
    values = np.zeros(100)
    values[50:55] = 0.4, 1.0, 1.0, 0.6, 0.2
    keys = reduced(np.arange(100.0), values, 0.01)
    assert np.abs(keys.at(np.arange(100.0)) - values).max() <= 0.01
    assert len(keys.frames) < 20
