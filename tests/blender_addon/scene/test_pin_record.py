# SPDX-License-Identifier: GPL-3.0-or-later
"""What pins change in frames: fading without a jump, ending at other pinned frames, and taken back without a trace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.blender_addon.scene.pin_record import (
    CHANNELS,
    Correction,
    Record,
    corrected,
    nearest_angles,
    read,
    weights,
    written,
)

LID = {386: (0.4, 0.5)}


class Take:
    """Keys at every frame, and the pins, changed as Blender does."""

    def __init__(self, seed: int = 0) -> None:
        self.frames = range(40)
        self.tracked = np.random.default_rng(seed).random((40, CHANNELS))
        self.keys, self.record = self.tracked.copy(), Record()

    def pin(self, frame: int, change: np.ndarray | None, reach: int = 5) -> None:
        affected = self.record.affected(frame, reach)
        frames = range(max(0, affected.start), min(40, affected.stop))
        rows = slice(frames.start, frames.stop)
        before = self.record.unpinned(frames, self.keys[rows])
        correction = None if change is None else Correction(LID, reach, change)
        self.record = self.record.changed(frame, correction, frames, before)
        self.keys[rows] = corrected(before, self.record.added(frames))


def by(amount: float) -> np.ndarray:
    return np.full(CHANNELS, amount)


def test_a_change_fades_to_both_sides_and_ends_where_it_reaches():
    take = Take()
    take.pin(20, by(0.2))
    changed = (take.keys - take.tracked)[:, 53]
    assert changed[20] == pytest.approx(0.2)
    assert changed[14] == changed[26] == pytest.approx(0)
    assert (np.diff(changed[14:21]) > 0).all()
    assert np.abs(np.diff(changed)).max() < 0.2 * 0.3, "it jumps"


def test_a_frame_with_pins_of_its_own_stays_when_its_neighbour_is_pinned():
    take = Take()
    take.pin(20, by(0.2))
    take.pin(22, by(-0.1))
    assert take.keys[20, 53] - take.tracked[20, 53] == pytest.approx(0.2)
    assert take.keys[22, 53] - take.tracked[22, 53] == pytest.approx(-0.1)
    assert take.keys[27, 53] != take.tracked[27, 53]


def test_expressions_stay_within_their_bounds_and_come_back_from_there():
    take = Take()
    take.pin(20, by(-3.0))
    assert take.keys[:, :52].min() == 0
    take.pin(20, None)
    np.testing.assert_allclose(take.keys, take.tracked, atol=1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(0, 39), st.one_of(st.none(), st.floats(-1, 1)), st.integers(0, 12)),
        max_size=8,
    )
)
def test_whatever_was_pinned_is_gone_when_its_pins_are(changes):
    take = Take()
    for frame, amount, reach in changes:
        take.pin(frame, None if amount is None else by(amount), reach)
        if amount is not None:
            added = take.keys[frame, 52:] - take.tracked[frame, 52:]
            np.testing.assert_allclose(added, amount, atol=1e-9)
    for frame in list(take.record.frames):
        take.pin(frame, None)
    np.testing.assert_allclose(take.keys, take.tracked, atol=1e-9)
    assert take.record == Record()


def test_what_an_artist_has_keyed_by_hand_since_stays():
    take = Take()
    take.pin(20, by(0.2))
    take.keys[18, 53] += 0.5
    take.pin(20, by(0.1))
    take.pin(20, None)
    np.testing.assert_allclose(take.keys[18, 53], take.tracked[18, 53] + 0.5)
    np.testing.assert_allclose(np.delete(take.keys, 18, 0), np.delete(take.tracked, 18, 0), atol=1e-9)


def test_a_reach_of_none_changes_its_frame_alone():
    assert weights(np.array([3, 4, 5]), 4, 0, [4]).tolist() == pytest.approx([0, 1, 0])


def test_angles_change_the_short_way():
    assert nearest_angles(np.array([6.2, -6.2, 0.1])) == pytest.approx([6.2 - 2 * np.pi, 2 * np.pi - 6.2, 0.1])


def test_pins_are_read_as_they_were_written():
    take = Take()
    take.pin(20, by(0.25), 3)
    again = read(written(take.record))
    assert again.frames[20].pins == LID
    assert again.frames[20].reach == 3
    np.testing.assert_allclose(again.frames[20].change, 0.25)
    assert list(again.before) == list(take.record.before)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "frames": {"a": 1}, "before": {}}'])
def test_what_is_no_record_has_no_pins(text):
    assert read(text).frames == {}
