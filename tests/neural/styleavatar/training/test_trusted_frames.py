# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames in which the face is hidden are neither trained on nor tested on, and the avatar says how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from semblance.common.errors import UserError
from semblance.neural.evaluation.evaluate import held_out
from semblance.neural.training.outcome import left_out_sentences, trainable
from semblance.tests.makers.performances import at_rest

if TYPE_CHECKING:
    from semblance.tracking.performances.performance import Performance


def take(confidence: list[float]) -> Performance:
    return at_rest(len(confidence), confidence=confidence)


def test_hidden_frames_are_left_out_of_training_and_counted() -> None:
    performance = take([1, 1, 0.2, 0, 1, 1, 0.6, 1, 0.1, 1])
    assert trainable(performance, 0.8).tolist() == [0, 1, 4, 5, 6, 7]
    assert left_out_sentences(performance, 0.8) == ("2 of 8 frames were left out: something hides the face in them.",)
    assert left_out_sentences(take([1] * 10), 0.8) == ()


def test_hidden_frames_are_left_out_of_tests() -> None:
    training, test = held_out(take([1, 1, 0.2, 0, 1, 1, 0.6, 1, 0.1, 1]).trusted, 0.2)
    assert training == [0, 1, 4, 5, 6, 7]
    assert test == [9]


def test_footage_that_hides_the_face_throughout_is_refused() -> None:
    with pytest.raises(UserError, match="too few frames"):
        trainable(take([0.1] * 10), 0.8)
