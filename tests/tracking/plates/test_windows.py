# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a plate is clean: inside the avatar's window, but not at its edge."""

from __future__ import annotations

import numpy as np
from semblance.tracking.performances.performance import Crop
from semblance.tracking.plates.windows import pasted_inside


def test_no_line_of_the_background_shows_where_a_person_reaches_past_the_window():
    around, inside = np.zeros((400, 300, 3), np.uint8), np.full((400, 300, 3), 255, np.uint8)
    crop = Crop(x=20.4, y=30.7, side=200.5)
    clean = pasted_inside(around, inside, crop)[..., 0] > 0
    rows, columns = np.flatnonzero(clean.any(1)), np.flatnonzero(clean.any(0))
    assert crop.y + 1 <= rows[0] < crop.y + 4
    assert crop.y + crop.side - 4 < rows[-1] + 1 <= crop.y + crop.side - 1
    assert crop.x + 1 <= columns[0] < crop.x + 4
    assert crop.x + crop.side - 4 < columns[-1] + 1 <= crop.x + crop.side - 1


def test_a_window_that_reaches_past_the_picture_is_clean_to_its_edge():
    around, inside = np.zeros((100, 100, 3), np.uint8), np.full((100, 100, 3), 255, np.uint8)
    assert (pasted_inside(around, inside, Crop(x=-20, y=-20, side=200)) == 255).all()
