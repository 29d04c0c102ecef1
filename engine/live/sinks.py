# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a session's pictures go: a window, a virtual camera, a file with sound."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...common.errors import UserError
from ...tracking.media.video import WriteAt, frames_to, timed_video_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from ...tracking.heads.arrays import Image
    from ...tracking.media.hearing import Hearing
    from ...tracking.media.sound import Sound

WINDOW, VIRTUAL_CAMERA = "window", "virtual-camera"


class Sink(Protocol):
    """Shows pictures, in the thread that opened it."""

    def show(self, picture: Image, time: float) -> bool:
        """Show a picture, `[H, W, 3]` RGB or `[H, W, 4]` with straight alpha, of a time in seconds.

        Returns False once whoever looks has had enough.
        """

    def tell(self, words: str) -> None:
        """Say how the session keeps up, where there is a place for it."""


def opened(
    to: str, title: str, fps: float, sound: Sound | Hearing | None, transparent: bool
) -> AbstractContextManager[Sink]:
    """Open a sink: "window", "virtual-camera", a video's name (.mp4) or a folder for PNG files.

    Args:
        title: what a window is called.
        fps: the source's nominal rate.
        sound: what goes with a video.
        transparent: whether the pictures bring an alpha that is wanted.

    Raises:
        UserError: there is no display, no driver, or the file's name does not do.
    """
    if transparent and (to == VIRTUAL_CAMERA or Path(to).suffix):
        raise UserError(
            "Neither a virtual camera nor a video keeps transparency; write a folder of PNG files, or choose a colour "
            "such as --background #00b140."
        )
    if to == WINDOW:
        from .window import window

        return window(title)
    if to == VIRTUAL_CAMERA:
        from .virtual_camera import virtual_camera

        return virtual_camera(fps)
    return file(Path(to), fps, sound)


class FileSink:
    """Writes pictures at the times of what they show."""

    def __init__(self, write: WriteAt) -> None:
        self._write = write
        self._last = -1.0

    def show(self, picture: Image, time: float) -> bool:
        """Write a picture, unless it is not later than the one before."""
        if time > self._last:
            self._write(picture, time)
            self._last = time
        return True

    def tell(self, words: str) -> None:
        """There is no place for words in a file."""


@contextmanager
def file(path: Path, fps: float, sound: Sound | Hearing | None) -> Iterator[FileSink]:
    """Open a video (.mp4), with sound, or a folder of PNG files; either is there whole when the session ends.

    Raises:
        UserError: the name ends otherwise, no picture came, or the disk is full.
    """
    with ExitStack() as stack:
        if path.suffix.lower() == ".mp4":
            yield FileSink(stack.enter_context(timed_video_to(path, fps, sound)))
            return
        write = stack.enter_context(frames_to(path, fps))
        yield FileSink(lambda picture, _time: write(picture))
