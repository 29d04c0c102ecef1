# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of motions: a performance plays at its own pace, a tracked face tells its state and what was seen."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tests.makers.performances import at_rest
from semblance.tracking.live.live_frames import LiveFrame
from semblance.tracking.live.motion import PlayedPerformance, motion_of
from semblance.tracking.live.source import Shot


class FakeClock:
    now = 50.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_performance_plays_at_its_own_pace_and_late_frames_at_once():
    clock = FakeClock()
    take = at_rest(5, confidence=[1, 1, 0, 1, 1], times=np.array([2.0, 2.1, 2.2, 2.3, 2.4]))
    motions = []
    for motion in PlayedPerformance(take, "a take", clock, clock.sleep).motions(lambda: None):
        motions.append(motion)
        clock.now += 0.15 if len(motions) == 2 else 0
    assert [motion.captured for motion in motions] == pytest.approx([50, 50.1, 50.25, 50.3, 50.4])
    assert [motion.time for motion in motions] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert [motion.state for motion in motions] == ["following", "following", "lost", "following", "following"]
    assert motions[3].performance.times.tolist() == [2.3]


def test_a_tracked_frame_tells_what_tracking_is_at():
    shot = Shot(np.zeros((4, 4, 3), np.uint8), 1.0, captured=7.0)
    landmarks = np.zeros((478, 3), np.float32)
    held = at_rest(confidence=0.0)
    states = [
        motion_of(frame).state
        for frame in (
            LiveFrame(shot),
            LiveFrame(shot, landmarks),
            LiveFrame(shot, landmarks, at_rest()),
            LiveFrame(shot, None, held),
            LiveFrame(shot, landmarks, held),
        )
    ]
    assert states == ["looking", "learning", "following", "lost", "lost"], "a stranger's face is not followed"
    motion = motion_of(LiveFrame(shot, spent={"face": 0.01}))
    assert (motion.time, motion.captured, motion.image is shot.image) == (1.0, 7.0, True)
    assert motion.spent == {"face": 0.01}
