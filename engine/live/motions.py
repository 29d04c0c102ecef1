# SPDX-License-Identifier: GPL-3.0-or-later
"""A session without pictures: a driver's motions, retargeted to a person, for who draws them himself (Blender).

A thread follows the driver and keeps the newest motions; who reads them never waits. What the machine hears is recorded
on demand, in step with the source's own seconds.
"""

from __future__ import annotations

import secrets
import threading
import time
import wave
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ...common.files import written_whole
from ...protocol.motions import Ended, LiveMotion, LiveSource
from ...tracking.media.microphone import Microphone
from ...tracking.media.sound import RATE
from .drivers import retarget_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from ...tracking.heads.arrays import Floats
    from ...tracking.live.motion import Motion
    from ...tracking.live.source import Clock
    from ...tracking.performances.performance import Performance
    from .drivers import Driver

MOST_WAITING = 8
"""Motions that wait for who reads them; a reader that is slower loses the oldest."""
SECONDS_TO_STOP_LISTENING = 5.0


class MotionSession:
    """A driver's motions for a person, as lines of `protocol.motions`."""

    def __init__(self, driver: Driver, held: ExitStack, own: Performance, clock: Clock = time.monotonic) -> None:
        """Make ready.

        Args:
            driver: open; held: what closes it.
            own: the person who is driven at rest, one frame.
            clock: the source's.
        """
        self.id = secrets.token_hex(8)
        self._driver, self._held, self._clock = driver, held, clock
        self._retarget = retarget_to(own, driver.whole)
        self._waiting: deque[LiveMotion] = deque(maxlen=MOST_WAITING)
        self._ended: Ended | None = None
        self._leaving, self._learns_anew = threading.Event(), threading.Event()
        self._begun = False
        self._origin: float | None = None
        self._recording: Recording | None = None

    @property
    def source(self) -> LiveSource:
        """What is open."""
        return LiveSource(self.id, self._driver.source.name, float(self._driver.source.fps))

    def start(self, tell: Callable[[], None]) -> None:
        """Follow the driver in a thread of its own, which calls `tell` whenever there is something to take."""
        self._begun = True
        threading.Thread(target=self._run, args=(tell,), name="live motions", daemon=True).start()

    def take(self) -> tuple[list[LiveMotion], Ended | None]:
        """Return the motions that have come, and that there are no more, once it is so."""
        ended, came = self._ended, []
        while self._waiting:
            came.append(self._waiting.popleft())
        return came, ended

    def learn_anew(self) -> None:
        """Learn the driver's neutral once more, from now on."""
        self._learns_anew.set()

    def leave(self) -> None:
        """Have the thread end and close the driver, without waiting for it."""
        self._leaving.set()
        if not self._begun:
            self._held.close()

    def listen(self, file: Path, begins: float) -> None:
        """Record what the machine hears into a file (.wav) whose first sample is of the source's second `begins`.

        Raises:
            UserError: it records already, has not seen anything yet, or there is no microphone.
        """
        if self._recording is not None:
            raise UserError("The sound is being recorded already; stop that first.")
        if self._origin is None:
            raise UserError("There are no pictures yet to record sound for; wait a moment.")
        self._recording = Recording(Microphone(self._clock), file, self._origin + begins)

    def stop_listening(self) -> None:
        """End the recording; its file is there, whole.

        Raises:
            UserError: nothing was recorded, or the disk is full.
        """
        recording, self._recording = self._recording, None
        if recording is None:
            raise UserError("No sound is being recorded; begin with that.")
        recording.end()

    def _run(self, tell: Callable[[], None]) -> None:
        ended = Ended("The engine made a mistake while it followed the face; go live again.")
        try:
            with self._held, closing(self._driver.source.motions(lambda: None)) as motions:
                for motion in motions:
                    if self._leaving.is_set():
                        break
                    self._waiting.append(self._followed(motion))
                    tell()
            ended = Ended()
        except UserError as error:
            ended = Ended(str(error))
        finally:
            if self._recording is not None:
                self._recording.stop()
            self._ended = ended
            tell()

    def _followed(self, motion: Motion) -> LiveMotion:
        """What the person who is driven does for a motion of the driver."""
        self._origin = motion.captured - motion.time
        if self._learns_anew.is_set():
            self._learns_anew.clear()
            self._retarget.learn_anew()
        frame = self._retarget.follow(motion)
        return LiveMotion(
            time=motion.time,
            age=max(0.0, self._clock() - motion.captured),
            state=motion.state,
            expression=plain(frame.expression),
            rotation=plain(frame.rotation),
            translation=plain(frame.translation),
            gaze=plain(frame.gaze),
        )


class Recording:
    """What a microphone hears, on its way into a file; a thread writes it."""

    def __init__(self, microphone: Microphone, file: Path, begins: float) -> None:
        """Begin. `begins` is the moment of the clock that the file begins with."""
        self._microphone, self._file, self._begins = microphone, file, begins
        self._trouble: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="live sound", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have it end soon."""
        self._microphone.stop()

    def end(self) -> None:
        """Stop it, and wait for its file.

        Raises:
            UserError: the file could not be written, or the microphone is stuck.
        """
        self.stop()
        self._thread.join(SECONDS_TO_STOP_LISTENING)
        if self._thread.is_alive():
            raise UserError("The microphone gives no more sound, so that none was kept; connect it anew.")
        if self._trouble is not None:
            raise UserError(f"The sound could not be written to {self._file} ({self._trouble}).") from self._trouble

    def _run(self) -> None:
        try:
            with closing(self._microphone), written_whole(self._file) as partial, wave.open(str(partial), "wb") as out:
                out.setnchannels(2)
                out.setsampwidth(2)
                out.setframerate(RATE)
                for block in self._microphone.samples(self._begins):
                    out.writeframes(np.rint(np.clip(block.T, -1, 1) * 32767).astype("<i2").tobytes())
        except (OSError, UserError) as error:
            self._trouble = error


def plain(values: Floats) -> tuple[float, ...]:
    """The values of one frame in a row."""
    return tuple(float(each) for each in values.ravel())
