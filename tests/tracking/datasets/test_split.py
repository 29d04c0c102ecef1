# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a dataset is kept for tests."""

from __future__ import annotations

from semblance.tracking.datasets.split import split


def test_split_keeps_the_end_for_tests():
    train, test = split(502, 0.8)
    assert (len(train), test[0], test[-1]) == (402, 402, 501)


def test_there_is_always_a_frame_to_train_on():
    assert [list(part) for part in split(1, 0.2)] == [[0], []]
    assert [list(part) for part in split(3, 1.0)] == [[0, 1, 2], []]
