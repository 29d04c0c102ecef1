# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine hears, as it comes: its microphone, by the devices that FFmpeg knows."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import av
import av.device

from ...common.errors import UserError
from .sound import laid, resampled
from .streams import decoded

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from av.audio.frame import AudioFrame

    from ..heads.arrays import Numbers
    from ..live.source import Clock

DEVICES = {
    "linux": (("pulse", "default"), ("alsa", "default")),
    "darwin": (("avfoundation", ":default"), ("avfoundation", ":0")),
    "win32": (("dshow", ""),),
}
"""What to try, by `sys.platform`: FFmpeg's format and its name of the microphone; empty for the first that there is."""


class Microphone:
    """This machine's microphone; close it after use.

    Not run so far on any machine with a microphone: what it does is tested with FFmpeg's own generator of sound.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        """Open it.

        Raises:
            UserError: there is none, or it may not be used.
        """
        self._clock = clock
        self._container = opened_device()
        self._stopped = False

    def stop(self) -> None:
        """Have `samples` end soon; any thread may ask for it."""
        self._stopped = True

    def close(self) -> None:
        """Give the device back."""
        self._container.close()

    def samples(self, begins: float) -> Generator[Numbers, None, None]:
        """Yield what is heard from a moment of the clock on until `stop`, as `sound_samples` does: `[2, n]` float32.

        What came before the device was open is silent.
        """
        frames = self._frames()
        first = next(frames, None)
        if first is None:
            return
        offset = self._clock() - first.samples / first.sample_rate - (first.time or 0.0)
        yield from laid(resampled(chained(first, frames)), begins - offset)

    def _frames(self) -> Iterator[AudioFrame]:
        with suppress(av.FFmpegError, OSError):  # it was unplugged: what there is so far is kept
            for packet in self._container.demux(audio=0):
                if self._stopped:
                    return
                yield from decoded(packet) or ()


def chained(first: AudioFrame, others: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Yield a frame, and then others."""
    yield first
    yield from others


def opened_device() -> av.container.InputContainer:
    """Open the microphone.

    Raises:
        UserError: there is none, or it may not be used.
    """
    why = "no way to one is known on this system"
    for form, name in DEVICES.get(sys.platform, ()):
        try:
            return av.open(name or first_device(form), format=form)
        except (av.FFmpegError, OSError, ValueError) as error:
            why = str(error)
    raise UserError(
        f"The microphone cannot be used ({why}); connect one and allow programs to use it, or go on without its sound."
    )


def first_device(form: str) -> str:
    """Return the name of the first microphone by a format of FFmpeg. Raises ValueError where there is none."""
    for each in av.device.enumerate_input_devices(form):
        if "audio" in each.media_types:
            return f"audio={each.name}"
    raise ValueError("none is connected")
