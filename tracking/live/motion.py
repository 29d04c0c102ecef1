# SPDX-License-Identifier: GPL-3.0-or-later
"""What drives an avatar live: motions that come in their own time, of a tracked face, a phone or a file."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

from ..threads import one_thread_a_library
from .live_frames import LiveFrame, solved_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ..heads.arrays import Image
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance
    from .source import Clock, LiveSource

State = Literal["looking", "learning", "following", "lost"]
NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Motion:
    """What is known about the driver at one moment.

    Attributes:
        time: seconds since the source's first.
        captured: when it came, by the source's clock.
        state: "looking" for a face, "learning" who it is, "following" it, or having "lost" it.
        performance: the driver's own, of one frame; None until there is one. While lost it is the last one.
        image: what the camera saw, `[H, W, 3]` RGB; None for sources without pictures.
        spent: seconds that each stage took so far.
    """

    time: float
    captured: float
    state: State
    performance: Performance | None = None
    image: Image | None = None
    spent: Mapping[str, float] = field(default_factory=lambda: NOTHING)


class MotionSource(Protocol):
    """A source of motions that come in their own time."""

    @property
    def name(self) -> str:
        """What it is called to the user."""

    @property
    def fps(self) -> float:
        """Nominal motions a second."""

    def motions(self, dropped: Callable[[], None]) -> Generator[Motion, None, None]:
        """Yield the motions as they come; `dropped` is called, by any thread, for each picture that is dropped."""


@dataclass(frozen=True)
class TrackedFace:
    """The face that a camera or a video shows, tracked for the morphable head of who it will drive.

    Attributes:
        pictures: where the pictures come from. clock: its clock.
    """

    pictures: LiveSource
    head: MorphableHead
    clock: Clock = time.monotonic

    @property
    def name(self) -> str:
        """The name of the pictures' source."""
        return self.pictures.name

    @property
    def fps(self) -> float:
        """Nominal pictures a second."""
        return self.pictures.fps

    def motions(self, dropped: Callable[[], None]) -> Generator[Motion, None, None]:
        """Yield a motion a picture.

        Raises:
            UserError: the source is damaged or stops, or the face is too small.
        """
        with one_thread_a_library():
            for frame in solved_frames(self.pictures, self.head, dropped=dropped, clock=self.clock):
                yield motion_of(frame)


@dataclass(frozen=True)
class PlayedPerformance:
    """A performance, played at the pace of its own times."""

    performance: Performance
    name: str
    clock: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def fps(self) -> float:
        """Nominal frames a second."""
        return self.performance.fps

    def motions(self, dropped: Callable[[], None]) -> Generator[Motion, None, None]:  # noqa: ARG002  # none is dropped here
        """Yield a motion a frame, when it is due; frames that are late come at once."""
        times = self.performance.times - self.performance.times[0]
        start = self.clock()
        for index, moment in enumerate(times):
            self.sleep(max(0.0, start + moment - self.clock()))
            frame = self.performance.at(slice(index, index + 1))
            state: State = "following" if frame.confidence[0] > 0 else "lost"
            yield Motion(float(moment), self.clock(), state, frame)


def motion_of(frame: LiveFrame) -> Motion:
    """What a tracked frame tells about the driver."""
    shot = frame.shot
    return Motion(shot.time, shot.captured, state_of(frame), frame.performance, shot.image, frame.spent)


def state_of(frame: LiveFrame) -> State:
    """What tracking is at."""
    if frame.performance is None:
        return "looking" if frame.landmarks is None else "learning"
    return "following" if frame.performance.confidence[0] > 0 else "lost"
