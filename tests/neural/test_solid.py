# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes in hair and neck are filled; what is seen under an arm, and what lies outside, is not."""

from __future__ import annotations

import numpy as np
from semblance.neural.solid import without_holes


def test_holes_are_filled_and_openings_are_not():
    alpha = np.zeros((256, 256), np.uint8)
    alpha[40:, 60:200] = 255
    solid = alpha.copy()
    alpha[80:84, 90:97] = 20
    alpha[79, 90:97] = 180  # its soft edge
    solid[150:190, 150:190] = alpha[150:190, 150:190] = 0  # under an arm
    solid[250:, 100:110] = alpha[250:, 100:110] = 0  # open below
    assert np.array_equal(without_holes(alpha), solid)
    assert without_holes(solid) is solid
