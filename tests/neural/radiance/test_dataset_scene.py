# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head learns from a dataset's pictures: a neck that does not fade too soon."""

from __future__ import annotations

import cv2
import numpy as np
from semblance.neural.radiance.dataset_scene import less_below_the_cut, with_lower_neck

SIDE = 128


def soft_disc() -> np.ndarray:
    matte = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(matte, (64, 64), 36, 255, -1)
    return cv2.GaussianBlur(matte, (0, 0), 2)


def test_the_neck_is_whole_where_its_cut_begins_and_the_outline_stays():
    person = soft_disc()
    kept = np.clip((90 - np.arange(SIDE, dtype=np.float32)) / 20 + 0.5, 0, 1)[:, None]
    head = (person * kept).astype(np.uint8)
    lowered = with_lower_neck(head, person)
    assert np.array_equal(lowered[:80], person[:80])
    assert lowered[92, 64] == person[92, 64] > 2 * head[92, 64]
    assert 0 < lowered[97, 64] < person[97, 64]
    assert not lowered[101:].any()


def test_a_neck_that_a_collar_hides_in_half_of_the_frames_is_whole():
    person = soft_disc()
    whole, hidden = person.copy(), person.copy()
    hidden[80:] = 0
    weights = [less_below_the_cut(matte, person).astype(np.float64) for matte in (whole, hidden)]
    learnt = (weights[0] * whole + weights[1] * hidden) / (weights[0] + weights[1])
    assert learnt[90, 64] > 0.9 * person[90, 64]


def test_head_and_background_count_in_full_and_a_cut_s_middle_still_counts():
    person = soft_disc()
    kept = np.clip((90 - np.arange(SIDE, dtype=np.float32)) / 20 + 0.5, 0, 1)[:, None]
    weight = less_below_the_cut((person * kept).astype(np.uint8), person)
    assert (weight[:80] == 255).all()
    assert (weight[person < 100] == 255).all()
    assert 100 < weight[90, 64] < 155
    assert 0 < weight[97, 64] < 64
