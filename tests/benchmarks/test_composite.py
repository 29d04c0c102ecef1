# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of composites: what it calls a hole, an outline's band, and a rough edge."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.benchmarks.composite import band_of, holes, inside, roughness
from semblance.tracking.performances.performance import Crop

SIZE = 128
Y, X = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + 0.5
RADII = np.hypot(X, Y)


def disc(softness: float) -> np.ndarray:
    return np.clip((40 - RADII) / softness + 0.5, 0, 1).astype(np.float32)


def test_a_soft_edge_is_no_hole_and_a_dip_inside_is():
    alpha = disc(4)
    assert holes(alpha) == 0
    alpha[60:64, 60:64] = 0.8
    assert holes(alpha) == pytest.approx(16 / (RADII < 37).sum(), rel=0.1)
    alpha[60:64, 60:64] = 0
    assert holes(alpha) == pytest.approx(16 / (RADII < 37).sum(), rel=0.1)


def test_the_band_lies_to_both_sides_of_the_outline():
    band = band_of(disc(2))
    assert band[(RADII > 33) & (RADII < 47)].all()
    assert not band[(RADII < 31) | (RADII > 49)].any()


def test_steps_are_rough_and_a_soft_edge_is_smooth():
    hard = (RADII < 40).astype(np.float32)
    blocks = np.kron(hard[::2, ::2], np.ones((2, 2), np.float32))
    assert roughness(disc(3)) < 0.6 * roughness(hard) < 0.5 * roughness(blocks)


def test_what_the_camera_did_not_film_does_not_count():
    counted = inside(Crop(-10, 0, 100), 50, (80, 200))
    assert counted[:40, 5:].all()
    assert not counted[40:].any()
    assert not counted[:, :5].any()
