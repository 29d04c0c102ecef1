# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client at the other end drives an avatar by: its camera's pictures, or values."""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as Pillow

from ...common.errors import UserError
from ...tracking.detection.landmarks import DETECTION_SIDE, shrunk
from ...tracking.heads.head import ARKIT_NAMES
from ...tracking.heads.rotations import from_angles
from ...tracking.live.motion import Motion
from ...tracking.live.source import Shot
from ...tracking.performances.captures.capture import gaze_of
from ...tracking.performances.performance import for_all_regions

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ...tracking.heads.arrays import Image
    from ...tracking.live.source import Clock
    from ...tracking.performances.performance import Performance

USUAL_RATE = 30.0
SILENCE = 0.5
"""Seconds without a picture after which the client shows no face."""
SHORTEST_STEP, LONGEST_STEP = 0.001, 2.0
"""Seconds between two pictures, whatever the client says."""
LARGEST_SIDE = 4096
"""Pixels of a picture that is taken at all."""
REMEMBERED = 64
"""Pictures whose numbers are known."""
LIVELY, IDLE_STEP = 1.0, 0.5
"""Seconds for which motions come at the full rate after a change, for eases to end; and between two of them then."""


@dataclass(frozen=True)
class Given:
    """A picture as the client sent it.

    Attributes:
        jpeg: the file. number, time: as the client calls it; seconds of its clock. came: when, by the engine's clock.
    """

    jpeg: bytes
    number: int
    time: float
    came: float


class ClientPictures:
    """The newest picture that a client has sent, as a source of pictures; close it to end it."""

    name, fps = "your camera", USUAL_RATE

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._news = threading.Condition()
        self._newest: Given | None = None
        self._is_closed = False
        self._last: tuple[float, float] | None = None
        self._known: deque[tuple[float, Given]] = deque(maxlen=REMEMBERED)
        self._size: tuple[int, int] | None = None

    def give(self, jpeg: bytes, number: int, time: float) -> bool:
        """Take a picture; return whether it takes the place of one that nobody has looked at."""
        with self._news:
            was_waiting = self._newest is not None
            self._newest = Given(jpeg, number, time, self._clock())
            self._news.notify_all()
        return was_waiting

    def close(self) -> None:
        """End the pictures."""
        with self._news:
            self._is_closed = True
            self._news.notify_all()

    def said_at(self, moment: float) -> tuple[int, float]:
        """Number and time, as the client calls them, of the picture of a motion's time; 0 where it was none."""
        known = (given for shot, given in reversed(self._known) if shot == moment)
        return next(((given.number, given.time) for given in known), (0, 0.0))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first picture; waits for it.

        Raises:
            UserError: it is none.
        """
        with self._news:
            self._news.wait_for(lambda: self._newest or self._is_closed)
            if self._size is None and self._newest is not None:
                self._size = size_of(self._newest.jpeg)
        return self._size or (DETECTION_SIDE, DETECTION_SIDE)

    def shots(self) -> Generator[Shot, None, None]:
        """Yield the newest picture whenever there is one, and a black one for each `SILENCE` without.

        Raises:
            UserError: what came is no picture.
        """
        size = self.size
        while True:
            given = self._next()
            if self._is_closed:
                return
            if given is not None:
                image = fitted(decoded(given.jpeg), size)
                moment = self._moment(given.time)
                self._known.append((moment, given))
                yield Shot(image, moment, given.came)
            elif self._last is not None:
                yield Shot(np.zeros_like(image), self._moment(self._last[0] + SILENCE), self._clock())

    def _next(self) -> Given | None:
        """The newest picture; None when none came for a while."""
        with self._news:
            self._news.wait_for(lambda: self._newest or self._is_closed, SILENCE)
            given, self._newest = self._newest, None
            return given

    def _moment(self, time: float) -> float:
        """Seconds since the first picture, which always rise; `time` is by the client's clock."""
        if self._last is None:
            self._last = time, 0.0
        else:
            step = min(max(time - self._last[0], SHORTEST_STEP), LONGEST_STEP)
            self._last = time, self._last[1] + step
        return self._last[1]


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Width and height that a JPEG file says it has.

    Raises:
        UserError: it is none, or too large.
    """
    try:
        with Pillow.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            width, height = picture.size
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
        raise UserError("A camera picture cannot be read; send JPEG.") from None
    if max(width, height) > LARGEST_SIDE:
        raise UserError(f"A camera picture has {width} x {height} pixels; send at most {LARGEST_SIDE} a side.")
    return width, height


def decoded(jpeg: bytes) -> Image:
    """Return a picture `[H, W, 3]` RGB, no side longer than `DETECTION_SIDE`.

    Raises:
        UserError: it is none, or too large.
    """
    longest = max(size_of(jpeg))
    how = cv2.IMREAD_REDUCED_COLOR_2 if longest >= 2 * DETECTION_SIDE else cv2.IMREAD_COLOR
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), how | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None:
        raise UserError("A camera picture cannot be read; send JPEG.")
    return shrunk(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), DETECTION_SIDE)


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """Return a picture with the proportions of `size` (width, height): where it has nothing, it is black."""
    height, width = image.shape[:2]
    wide, high = max(width, round(height * size[0] / size[1])), max(height, round(width * size[1] / size[0]))
    if wide - width <= 2 and high - height <= 2:
        return image
    whole = np.zeros((high, wide, 3), np.uint8)
    top, left = (high - height) // 2, (wide - width) // 2
    whole[top : top + height, left : left + width] = image
    return whole


@dataclass(frozen=True)
class Controls:
    """What an avatar is to do, as changes from its rest.

    Attributes:
        expression: ARKit's names and values, 0 to 1.
        rotation: of the head: pitch, yaw, roll in degrees (`from_angles`). translation: in metres of camera space.
        gaze: pitch and yaw of the left and the right eye in degrees; None lets them follow the expression.
    """

    expression: Mapping[str, float] = field(default_factory=dict)
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze: tuple[tuple[float, float], tuple[float, float]] | None = None


def performed(controls: Controls, own: Performance) -> Performance:
    """Return controls as one frame of a driver who is shaped as the avatar's person, and is at rest by `at_zero`."""
    expression = np.array([[np.clip(controls.expression.get(name, 0.0), 0, 1) for name in ARKIT_NAMES]], np.float32)
    turned = gaze_of(expression) if controls.gaze is None else np.radians([controls.gaze])
    sure = np.ones(1, np.float32)
    return replace(
        own.at(slice(1)),
        expression=expression,
        rotation=from_angles(np.radians([controls.rotation])).astype(np.float32),
        translation=own.translation[:1] + np.array([controls.translation], np.float32),
        gaze=(own.gaze[:1] + turned).astype(np.float32),
        confidence=sure,
        region_confidence=for_all_regions(sure),
    )


def at_zero(own: Performance) -> Performance:
    """The frame in which all controls are 0."""
    return performed(Controls(), own)


class ClientControls:
    """The newest values that a client has sent, as motions; close it to end it."""

    name, fps = "your controls", USUAL_RATE

    def __init__(self, own: Performance, clock: Clock = time.monotonic) -> None:
        """Start at rest; `own` is the avatar's person at rest, one frame."""
        self._own, self._clock = own, clock
        self._news = threading.Condition()
        self._controls = Controls()
        self._said = 0.0
        self._known: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._changed: float | None = clock()
        self._is_closed = False

    def said_at(self, moment: float) -> tuple[int, float]:
        """0, and when by the client's clock that was said which the motion of this time shows; 0 before anything was.

        Motions that follow show the same: the first one may be passed over by a newer one.
        """
        return 0, next((said for shown, said in reversed(self._known) if shown == moment), 0.0)

    def change(self, said: float, **values: object) -> None:
        """Change some of the controls; names of the expression that are not given stay as they were.

        `said` is when that was, in seconds of the client's clock.
        """
        with self._news:
            self._said = said
            if "expression" in values:
                values["expression"] = {**self._controls.expression, **values["expression"]}  # type: ignore[dict-item]
            self._controls = replace(self._controls, **values)  # type: ignore[arg-type]
        self.touch()

    def touch(self) -> None:
        """Have a picture made anew, since something else changed."""
        with self._news:
            self._changed = self._clock()
            self._news.notify_all()

    def close(self) -> None:
        """End the motions."""
        with self._news:
            self._is_closed = True
            self._news.notify_all()

    def motions(self, dropped: Callable[[], None]) -> Generator[Motion, None, None]:  # noqa: ARG002  # none is dropped here
        """Yield a motion for each change, and more for as long as something eases; seldom else."""
        start, lively_until = self._clock(), self._clock() + LIVELY
        while True:
            with self._news:
                controls, changed, self._changed = self._controls, self._changed, None
                said = self._said
                if self._is_closed:
                    return
            now = self._clock()
            lively_until = lively_until if changed is None else changed + LIVELY
            self._known.append((now - start, said))
            yield Motion(now - start, now if changed is None else changed, "following", performed(controls, self._own))
            step = 1 / self.fps if now < lively_until else IDLE_STEP
            with self._news:
                soonest = now + 1 / self.fps
                self._news.wait_for(lambda: self._is_closed, max(0.0, soonest - self._clock()))
                self._news.wait_for(lambda: self._is_closed or self._changed, max(0.0, now + step - self._clock()))
