# SPDX-License-Identifier: GPL-3.0-or-later
"""What live tracking looks at: a camera, or a video file that plays as if it were one."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2

from ...common.errors import UserError
from ..detection.landmarks import DETECTION_SIDE, shrunk
from ..detection.quiet_mediapipe import silenced
from ..media.footage import Footage

if TYPE_CHECKING:
    from pathlib import Path

    from ..heads.arrays import Image

Clock = Callable[[], float]
"""Tells seconds since some moment, as `time.monotonic`."""

USUAL_RATE = 30.0
"""Frames a second of a camera that does not say."""


@dataclass(frozen=True)
class Shot:
    """A picture at the moment it comes.

    Attributes:
        image: `[H, W, 3]` RGB, upright, no side longer than `DETECTION_SIDE`.
        time: seconds since the source's first picture.
        captured: when it came, by the source's clock.
    """

    image: Image
    time: float
    captured: float


class LiveSource(Protocol):
    """A source of pictures that come in their own time."""

    @property
    def name(self) -> str:
        """What it is called to the user."""

    @property
    def fps(self) -> float:
        """Nominal pictures a second."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its upright pictures in pixels, before they are shrunk."""

    def shots(self) -> Generator[Shot, None, None]:
        """Yield the pictures as they come; between two of them the caller waits."""


@dataclass(frozen=True)
class PlayedFile:
    """A video file, played at the pace of its own times."""

    footage: Footage
    clock: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.footage.path)

    @property
    def fps(self) -> float:
        """Nominal frames a second."""
        return self.footage.fps

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright frames."""
        return self.footage.size

    def shots(self) -> Generator[Shot, None, None]:
        """Yield every frame when it is due; when decoding is late the rest comes later, and never in a rush.

        Raises:
            UserError: the file is damaged or ends early.
        """
        start = -float("inf")
        with closing(self.footage.frames(DETECTION_SIDE)) as frames:
            for frame in frames:
                start = max(start, self.clock() - frame.time)
                self.sleep(max(0.0, start + frame.time - self.clock()))
                yield Shot(frame.image, frame.time, self.clock())


class Camera:
    """A camera of this machine, by its number; close it after use.

    Not run so far on any machine with a camera: only what it says without one is tested.
    """

    def __init__(self, number: int, clock: Clock = time.monotonic) -> None:
        """Open the camera and take a first picture.

        Raises:
            UserError: there is no such camera, or it gives no pictures.
        """
        self.name = f"camera {number}"
        self._clock = clock
        with silenced():  # OpenCV tells about every way in which it tried
            self._capture = cv2.VideoCapture(number)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if not self._capture.isOpened():
            raise UserError(
                f"Camera {number} cannot be opened; check that it is connected, that you may use it "
                "and that no other program does."
            )
        height, width = self._picture().shape[:2]
        self.size = width, height
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or USUAL_RATE

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()

    def shots(self) -> Generator[Shot, None, None]:
        """Yield pictures for as long as the camera gives them.

        Raises:
            UserError: the camera stops.
        """
        start = None
        while True:
            image, captured = self._picture(), self._clock()
            start = captured if start is None else start
            yield Shot(shrunk(image, DETECTION_SIDE), captured - start, captured)

    def _picture(self) -> Image:
        """The next picture `[H, W, 3]`, RGB."""
        taken, bgr = self._capture.read()
        if not taken:
            raise UserError(f"{self.name.capitalize()} gives no pictures; check that no other program uses it.")
        rgb: Image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        return rgb


def played(path: str | Path) -> PlayedFile:
    """Return a video file that plays in its own time.

    Raises:
        UserError: there is no such video, or it is damaged.
    """
    return PlayedFile(Footage.open(path))
