# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver's motions on an avatar: neutral is learnt, a lost face is held and let go, nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.rotations import from_vectors, to_vectors
from semblance.tracking.live.live_retarget import EASE, HOLD, LEARNING, RETURN, LiveRetarget
from semblance.tracking.live.motion import Motion, State
from semblance.tracking.performances.performance import Performance

JAW, SMILE = ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("mouthSmileLeft")
APART = 0.1


def own() -> Performance:
    return at_rest(identity=np.array([0.5], np.float32), translation=(0, 0, 1.2))


def face(jaw: float = 0.0, smile: float = 0.2, turn: float = 0.0) -> Performance:
    """A driver whose smile at rest is 0.2, nearer to the camera than the avatar."""
    expression = np.zeros(52)
    expression[[JAW, SMILE]] = jaw, smile
    return at_rest(expression=expression, rotation=from_vectors(np.array([0, turn, 0])), translation=(0.1, 0, 0.6))


class Take:
    """Motions a tenth of a second apart."""

    def __init__(self, retarget: LiveRetarget) -> None:
        self.retarget, self.time = retarget, 0.0

    def go(self, seconds: float, state: State = "following", performance: Performance | None = None) -> Performance:
        """Go on for so long; return the last frame."""
        for _ in range(max(1, round(seconds / APART))):
            self.time += APART
            if performance is not None:
                performance.times[:] = self.time
            shown = self.retarget.follow(Motion(self.time, self.time, state, performance))
        return shown


@pytest.fixture
def take() -> Take:
    return Take(LiveRetarget(own()))


def same(one: Performance, other: Performance) -> bool:
    names = ("expression", "rotation", "translation", "gaze")
    return all(np.allclose(getattr(one, name), getattr(other, name), atol=1e-5) for name in names)


def test_until_there_is_a_face_the_avatar_is_at_rest(take):
    shown = take.go(1, "looking")
    assert same(shown, own())
    assert shown.confidence[0] == 0
    assert same(take.go(1, "learning"), own())


def test_the_drivers_calm_face_is_the_avatars_and_only_changes_are_taken_over(take):
    assert same(take.go(2, performance=face()), own())
    shown = take.go(0.1, performance=face(jaw=0.5, smile=0.4, turn=0.2))
    assert shown.expression[0, [JAW, SMILE]] == pytest.approx([0.5, 0.2])
    assert to_vectors(shown.rotation)[0] == pytest.approx([0, 0.2, 0], abs=0.02)
    assert shown.identity.tolist() == [0.5]
    assert shown.confidence[0] == 1
    assert shown.times[0] == pytest.approx(take.time)


def test_who_begins_with_a_grin_is_neutral_once_calm(take):
    take.go(0.8, performance=face(jaw=0.6, smile=0.9))
    assert take.go(2.5, performance=face()).expression[0, [JAW, SMILE]] == pytest.approx([0, 0], abs=0.02)


def test_what_is_neutral_is_kept_after_the_first_seconds(take):
    take.go(LEARNING + 0.2, performance=face())
    shown = take.go(20, performance=face(jaw=0.3, smile=0.2))
    assert shown.expression[0, JAW] == pytest.approx(0.3)


def test_a_lost_face_is_held_then_eases_to_rest_and_comes_back_without_a_jump(take):
    take.go(LEARNING, performance=face())
    seen = take.go(1, performance=face(jaw=0.8, turn=0.3))
    held = take.go(HOLD, "lost", face())
    assert same(held, seen)
    assert held.confidence[0] == 0
    easing = [take.go(APART, "lost").expression[0, JAW] for _ in range(round(EASE / APART))]
    assert all(after < before for before, after in zip([0.8, *easing], easing, strict=False))
    assert max(-np.diff([0.8, *easing])) < 0.1, "it moves gently"
    assert same(take.go(APART, "lost"), own())
    back = [take.go(APART, performance=face(jaw=0.8)).expression[0, JAW] for _ in range(round(RETURN / APART) + 1)]
    assert back[0] < 0.4 < back[-1] == pytest.approx(0.8)


def test_a_known_rest_needs_no_learning():
    whole = Performance(**{**vars(at_rest(8)), "expression": np.repeat(face().expression, 8, 0)})
    whole.expression[4:, JAW] = 0.9
    take = Take(LiveRetarget(own(), whole))
    take.go(1, performance=face(jaw=0.6))
    assert take.go(4, performance=face(jaw=0.6)).expression[0, JAW] == pytest.approx(0.6)


def test_neutral_is_learnt_anew_when_asked_for_and_eases_in(take):
    take.go(LEARNING + 1, performance=face(smile=0.2))
    before = take.go(2, performance=face(smile=0.6, turn=0.3))
    assert before.expression[0, SMILE] == pytest.approx(0.4, abs=0.02)
    take.retarget.learn_anew()
    at_once = take.go(APART, performance=face(smile=0.6, turn=0.3))
    assert at_once.expression[0, SMILE] > 0.1, "no jump"
    assert same(take.go(LEARNING + 1, performance=face(smile=0.6, turn=0.3)), own())
    kept = take.go(2, performance=face(smile=0.2))
    assert not same(kept, own()), "and is kept then"
