# SPDX-License-Identifier: GPL-3.0-or-later
"""Live tracking: pictures as they come, to performance and maps within a frame or two.

Four stages follow each other, each in a thread: the source, landmarks, the solver, maps. Between two of them at most
`WAITING` frames wait; when a stage falls behind, the oldest of these is dropped, so that what comes out is new.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ..datasets.rasteriser import MapRasteriser
from ..detection.follower import SubjectFollower
from ..media.read_ahead import newest
from ..performances.maps import MAP_SIZE, frame_maps
from ..performances.performance import OVER_TIME, Performance
from ..solving.solver import SIZE, frame_rate
from ..threads import one_thread_a_library
from .live_solver import LiveSolver

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Floats
    from ..heads.head import MorphableHead
    from .source import Clock, LiveSource, Shot

WAITING = 1
"""Frames that may wait for a stage."""


@dataclass(frozen=True)
class LiveFrame:
    """What is known about one picture.

    Attributes:
        shot: the picture.
        landmarks: `[478, 3]` in pixels of the source's whole picture; None where the subject's face is not seen.
        performance: of this frame alone; None until it is known who is seen. While no face is seen it is the last one,
            with confidence 0.
        maps: UV map and texture map `[256, 256, 3]`, 0 to 1; None as the performance.
        finished: when all this was done, by the source's clock.
        spent: seconds that finding the landmarks ("face") and solving ("solve") took.
    """

    shot: Shot
    landmarks: Landmarks | None = None
    performance: Performance | None = None
    maps: tuple[Floats, Floats] | None = None
    finished: float = 0.0
    spent: Mapping[str, float] = field(default_factory=dict)

    @property
    def latency(self) -> float:
        """Seconds from the picture's capture to the maps."""
        return self.finished - self.shot.captured


def live_frames(
    source: LiveSource,
    head: MorphableHead,
    *,
    size: int = SIZE,
    dropped: Callable[[], None] = lambda: None,
    clock: Clock = time.monotonic,
) -> Generator[LiveFrame, None, None]:
    """Yield frames of a source for as long as it has some; close the generator to stop.

    Who is seen first is the subject to the end (`SubjectFollower`): for another person, start again.

    Args:
        source: where the pictures come from.
        head: the morphable head to solve for.
        size: side of the central window in pixels that the performances' camera speaks of.
        dropped: called, by any thread, for each picture that is dropped.
        clock: the source's.

    Raises:
        UserError: the source is damaged or stops, the face is too small, or there is no OpenGL.
    """

    solved = solved_frames(source, head, size=size, dropped=dropped, clock=clock)
    drawn = newest(with_maps(solved, head, clock), WAITING, dropped)
    with one_thread_a_library(), closing(drawn):
        yield from drawn


def solved_frames(
    source: LiveSource,
    head: MorphableHead,
    *,
    size: int = SIZE,
    dropped: Callable[[], None] = lambda: None,
    clock: Clock = time.monotonic,
) -> Generator[LiveFrame, None, None]:
    """Yield frames without maps; all else as in `live_frames`."""
    solver = LiveSolver(head, source.size[0], size, source.name, source.fps)
    shots = newest(source.shots(), WAITING, dropped)
    found = newest(with_landmarks(shots, source.size[0], clock), WAITING, dropped)
    return newest(with_performance(found, solver, clock), WAITING, dropped)


def joined(frames: Sequence[Performance]) -> Performance:
    """One performance of those of single frames, in their order, at least one; its time starts at 0."""
    over_time = {name: np.concatenate([getattr(frame, name) for frame in frames]) for name in OVER_TIME}
    over_time["times"] -= over_time["times"][0]
    return replace(frames[0], **over_time, fps=frame_rate(over_time["times"], frames[0].fps))


def with_landmarks(
    shots: Generator[Shot, None, None], width: int, clock: Clock = time.monotonic
) -> Iterator[LiveFrame]:
    """Find the subject's face; `width` is that of the source's whole picture."""
    with SubjectFollower() as follower, closing(shots):
        for shot in shots:
            begun = clock()
            face = follower.follow(shot.image, shot.time)
            face = None if face is None else face * np.float32(width / shot.image.shape[1])
            yield LiveFrame(shot, face, spent={"face": clock() - begun})


def with_performance(
    frames: Generator[LiveFrame, None, None], solver: LiveSolver, clock: Clock = time.monotonic
) -> Iterator[LiveFrame]:
    """Solve each frame."""
    with closing(frames):
        for frame in frames:
            begun = clock()
            performance = solver.solve(frame.shot.image, frame.landmarks, frame.shot.time)
            yield replace(frame, performance=performance, spent={**frame.spent, "solve": clock() - begun})


def with_maps(frames: Generator[LiveFrame, None, None], head: MorphableHead, clock: Clock) -> Iterator[LiveFrame]:
    """Draw the maps of each frame that has a performance; it is then finished."""
    with MapRasteriser(MAP_SIZE) as rasteriser, closing(frames):
        neutral = colours = None
        for frame in frames:
            performance = frame.performance
            if performance is not None:
                if neutral is None:
                    neutral, colours = head.neutral(performance.identity), head.texture(performance.texture)
                vertices = frame_maps(head, performance, 0, neutral, colours)
                frame = replace(frame, maps=rasteriser.draw(vertices, head.triangles))
            yield replace(frame, finished=clock())
