# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames beyond what an avatar was trained on are found and named; footage of the same kind is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.rotations import from_angles
from semblance.tracking.performances.trained_range import WITHIN, TrainedRange, motion_of, spans, spans_words, summary

if TYPE_CHECKING:
    from semblance.tracking.performances.performance import Performance

JAW, BLINK = ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("eyeBlinkLeft")


def talking(frames: int, seed: int, yaw: float = 21.0) -> Performance:
    """A head that turns and talks: yaw to some degrees, the jaw to 0.4, blinks."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(frames) / 25
    angles = np.zeros((frames, 3))
    angles[:, 1] = np.radians(yaw) * np.sin(1.3 * seconds + seed)
    angles[:, 0] = np.radians(6) * np.sin(2.1 * seconds)
    expression = 0.02 * rng.random((frames, len(ARKIT_NAMES)))
    expression[:, JAW] = 0.2 + 0.2 * np.sin(9 * seconds + seed)
    expression[:, BLINK] = np.sin(2 * seconds) > 0.95
    return at_rest(
        frames, expression=expression, rotation=from_angles(angles), gaze=0.02 * np.sin(seconds)[:, None, None]
    )


@pytest.fixture(scope="module")
def trained() -> TrainedRange:
    known = TrainedRange.of(talking(500, 0))
    assert known is not None
    read = TrainedRange.from_json(json.loads(json.dumps(known.to_json())))
    assert read is not None
    return read


def test_footage_of_the_same_kind_is_within(trained):
    assert (trained.excess(motion_of(talking(500, 0))) <= 1).mean() >= WITHIN
    assert (trained.excess(motion_of(talking(300, 3))) <= 1).mean() >= WITHIN - 0.05
    assert not summary(trained, talking(500, 0))


def test_what_goes_beyond_is_named(trained):
    performance = at_rest(5)
    performance.expression[1, JAW] = 1
    performance.rotation[2] = from_angles(np.radians([0, 45.0, 0]))
    performance.translation[3] += [0, 0, 0.3]
    performance.gaze[4] = [[0, 0.5], [0, 0.5]]
    motion = motion_of(performance)
    assert (trained.excess(motion) > 1).tolist() == [False, True, True, True, True]
    assert trained.reasons(motion, 0) == []
    assert trained.reasons(motion, 1) == ["jaw open 1.00, trained to 0.40"]
    assert trained.reasons(motion, 2) == ["yaw 45°, trained to 21°"]
    assert trained.reasons(motion, 3) == ["moved 30 cm too far in depth"]
    assert trained.reasons(motion, 4) == ["gaze yaw 29°, trained to 1°"]
    assert (trained.without("translation").excess(motion) > 1).tolist() == [False, True, True, False, True]


def test_a_new_combination_of_known_values_is_beyond():
    """Twelve channels moved together, the jaw alone, but never both."""
    frames = 400
    expression = np.zeros((frames, len(ARKIT_NAMES)), np.float32)
    expression[::2, :12] = 1
    expression[1::2, 20:40] = 1
    known = TrainedRange.of(at_rest(frames, expression=expression))
    both = at_rest(1, expression=expression[0] + expression[1])
    assert known.excess(motion_of(both)) > 1
    assert known.reasons(motion_of(both), 0) == ["a combination of expression that training never saw"]


def test_one_sentence_sums_a_performance_up(trained):
    performance = at_rest(100)
    performance.rotation[40:63] = from_angles(np.radians([0, -60.0, 0]))
    performance.expression[80, JAW] = 1
    assert summary(trained, performance) == (
        "Frames 40-62 and 80 go beyond what the avatar was trained on (farthest: yaw -60°, trained to -21°)."
    )


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([(3, 3)], "Frame 3 goes"),
        ([(3, 9)], "Frames 3-9 go"),
        ([(1, 2), (4, 4), (6, 9), (11, 20), (30, 30), (40, 41)], "Frames 1-2, 6-9, 11-20, 40-41 and 2 more go"),
    ],
)
def test_many_runs_are_cut_short(runs, words):
    assert spans_words(runs) == words


def test_runs_of_frames():
    assert spans(np.array([True, False, True, True])) == [(0, 0), (2, 3)]
    assert spans(np.zeros(3, bool)) == []


def test_few_frames_tell_nothing():
    assert TrainedRange.of(at_rest(5)) is None
    assert TrainedRange.of(at_rest(50, confidence=0.1)) is None
    assert TrainedRange.from_json({}) is None


@pytest.mark.parametrize("broken", ["low", "samples", "reach", "deviation"])
def test_a_damaged_description_is_refused_in_a_sentence(trained, broken):
    said = trained.to_json()
    said["gaze"][broken] = "AAA=" if broken == "samples" else [0.0] if broken != "reach" else -1
    with pytest.raises(UserError, match="damaged where it tells of its training"):
        TrainedRange.from_json(said)
