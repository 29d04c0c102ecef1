# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver's motions for an avatar, as they come: the driver's neutral is learnt, a lost face is held and let go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..heads import rotations
from ..performances.performance import for_all_regions
from ..performances.rest import rest_expression, rest_pose
from ..performances.retarget import retarget
from .live_frames import joined

if TYPE_CHECKING:
    from ..heads.arrays import Floats
    from ..performances.performance import Performance
    from .motion import Motion

LEARNING = 3.0
"""Seconds with a face by which the driver's neutral is found; it is kept then."""
SETTLING = 0.3
"""Seconds in which what counts as neutral follows what has been learnt."""
HOLD = 1.0
"""Seconds for which a lost face stays as it was."""
EASE, RETURN = 1.5, 0.4
"""Seconds in which the avatar then comes to rest, and in which it follows a face again."""
LONGEST_STEP = 0.5
"""Seconds; a longer pause between two motions counts as this."""


class LiveRetarget:
    """Retargets motion after motion (`retarget`), each from what came before it.

    Until a face is followed the avatar is at rest. The driver's neutral is the rest of the first `LEARNING` seconds:
    what little has been seen counts at once, so that the avatar moves from the first frame on.
    """

    def __init__(self, own: Performance, at_rest: Performance | None = None) -> None:
        """Start with the avatar at rest.

        Args:
            own: the avatar's person at rest, one frame.
            at_rest: a performance of the driver whose rest counts, where there is one; nothing is learnt then.
        """
        self._own = own
        self._neutral = None if at_rest is None else one_frame_at_rest(at_rest)
        self._learnt: list[Performance] | None = [] if at_rest is None else None
        self._last: Performance | None = None
        self._time: float | None = None
        self._away = 0.0
        self._share_of_rest = 1.0

    def learn_anew(self) -> None:
        """Learn the driver's neutral once more, from the next motion on; what counted before eases into it."""
        self._learnt = []

    def follow(self, motion: Motion) -> Performance:
        """Return what the avatar does at the motion's time: one frame, with confidence 0 where no face is followed."""
        apart = 0.0 if self._time is None else min(max(motion.time - self._time, 0.0), LONGEST_STEP)
        self._time = motion.time
        is_seen = motion.state == "following" and motion.performance is not None
        if is_seen and motion.performance is not None:
            self._learn(motion.performance, apart)
            self._last = retarget(motion.performance, self._own, self._neutral)
        self._away = 0.0 if is_seen else self._away + apart
        self._ease(apart, is_seen)
        sure = self._last.confidence if is_seen and self._last is not None else np.zeros(1, np.float32)
        return replace(
            between(self._last or self._own, self._own, smooth(self._share_of_rest)),
            times=np.array([motion.time]),
            confidence=sure,
            region_confidence=for_all_regions(sure),
        )

    @property
    def is_let_go(self) -> bool:
        """Whether the face is lost for so long that the avatar eases to rest, or is at rest."""
        return self._away > HOLD

    @property
    def is_at_rest(self) -> bool:
        """Whether the avatar is all at rest."""
        return self._share_of_rest == 1

    @property
    def is_learning(self) -> bool:
        """Whether the driver's neutral is still being found."""
        return self._learnt is not None

    def _learn(self, seen: Performance, apart: float) -> None:
        """Let a frame count for the driver's neutral, until enough have."""
        if self._learnt is not None:
            self._learnt.append(seen)
            found = one_frame_at_rest(joined(self._learnt))
            share = min(1.0, apart / SETTLING)
            self._neutral = found if self._neutral is None else between(self._neutral, found, share)
            if seen.times[0] - self._learnt[0].times[0] >= LEARNING:
                self._learnt = None

    def _ease(self, apart: float, is_seen: bool) -> None:
        """Move towards the face where one is seen, towards rest where none was for long."""
        if is_seen:
            self._share_of_rest = max(0.0, self._share_of_rest - apart / RETURN)
        elif self._away > HOLD:
            self._share_of_rest = min(1.0, self._share_of_rest + min(apart, self._away - HOLD) / EASE)


def one_frame_at_rest(performance: Performance) -> Performance:
    """The rest of a performance, as one frame."""
    rotation, translation = rest_pose(performance)
    sure = np.ones(1, np.float32)
    return replace(
        performance.at(slice(1)),
        expression=rest_expression(performance)[None],
        rotation=rotation[None],
        translation=translation[None],
        confidence=sure,
        region_confidence=for_all_regions(sure),
    )


def between(first: Performance, second: Performance, share: float) -> Performance:
    """Return the frame that lies a `share` of the way from the first to the second, of one frame each."""

    def mixed(one: Floats, other: Floats) -> Floats:
        values: Floats = (one + share * (other - one)).astype(np.float32)
        return values

    return replace(
        first,
        expression=mixed(first.expression, second.expression),
        rotation=rotations.blended(first.rotation, second.rotation, np.array([share])).astype(np.float32),
        translation=mixed(first.translation, second.translation),
        gaze=mixed(first.gaze, second.gaze),
    )


def smooth(share: float) -> float:
    """Return a share from 0 to 1 that begins and ends gently."""
    return share * share * (3 - 2 * share)
