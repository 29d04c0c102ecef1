# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenCV's means are those that NumPy finds."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.protocol.foreground import blurred, person_alone
from semblance.tracking.media.means import box_means


@pytest.mark.parametrize(("channels", "radius"), [(1, 1), (3, 4), (8, 16)])
def test_means_are_the_same(channels, radius):
    values = np.random.default_rng(radius).random((37, 50, channels), dtype=np.float32)
    found = box_means(values, radius)
    assert found.shape == values.shape
    assert found == pytest.approx(blurred(values, radius), abs=1e-6)


def test_a_person_is_alone_alike():
    rgba = np.random.default_rng(1).integers(0, 256, (64, 64, 4), np.uint8)
    assert np.abs(person_alone(rgba, box_means).astype(int) - person_alone(rgba)).max() <= 1
