# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands count when they stay, are no ears, and hide what lies within their outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.tracking.detection.hands import HandWatch, behind, believed
from semblance.tracking.media.footage import Footage

if TYPE_CHECKING:
    from pathlib import Path

FACE = np.zeros((478, 3), np.float32)
FACE[:, :2] = np.random.default_rng(0).uniform(0, 100, (478, 2))
FACE[:4, :2] = [[0, 0], [100, 100], [30, 70], [80, 20]]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("0100", "0000"),
        ("0110", "0110"),
        ("011001100", "011111100"),
        ("0110001100", "0110001100"),
        ("1000", "1000"),
        ("1", "1"),
    ],
)
def test_single_sightings_are_dropped_and_short_misses_filled(seen: str, expected: str) -> None:
    found = believed(np.array([each == "1" for each in seen], bool))
    assert "".join("01"[each] for each in found.astype(int)) == expected


def test_a_hand_hides_what_lies_within_it() -> None:
    hand = np.array([[10, 50], [50, 50], [50, 90], [10, 90]], np.float32)
    hidden = behind(FACE, [hand])
    assert hidden[2] == 1
    assert hidden[3] == 0
    assert 0.1 < hidden.mean() < 0.4


def test_a_hand_as_small_as_an_ear_is_none() -> None:
    assert not behind(FACE, [np.array([[20, 60], [40, 60], [30, 80]], np.float32)]).any()


def test_a_watch_that_never_saw_a_face_hides_nothing() -> None:
    watch = HandWatch()
    watch.see(np.zeros((64, 64, 3), np.uint8), None, 0.0)
    watch.close()
    assert watch.hidden().shape == (1, 478)
    assert not watch.hidden().any()


def test_hands_over_a_face_are_found(shared: Path) -> None:
    landmarks = np.load(shared / "media" / "landmarks_videos.npz")["hands_over_face"]
    watch = HandWatch()
    for index, frame in enumerate(Footage.open(shared / "media" / "videos" / "hands_over_face.mp4").frames()):
        if index == 120:
            break
        watch.see(frame.image, landmarks[index], frame.time)
    watch.close()
    hidden = watch.hidden().mean(1)
    assert (hidden[:50] == 0).all()
    assert (hidden[66:114] > 0.1).all()
