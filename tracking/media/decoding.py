# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a file as they are stored, one after the other, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from ...common.errors import UserError
from .seams import Line, on_one_line
from .streams import decoded, jumps, picture_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction
    from pathlib import Path

ENDS_EARLY = 0.9
"""A file that yields less than this share of what it announces was cut off."""


class Pictures:
    """Decodes one stream of pictures of an open file, once.

    Attributes:
        stream: the stream.
        lost: the moments, in seconds, at which packets were damaged and left out.
        seams: the moments, in seconds, at which time starts anew.
    """

    def __init__(self, path: Path, container: av.container.InputContainer, index: int, sound: int | None) -> None:
        """`index` and `sound` are the streams of pictures and of the sound that goes with them."""
        self.stream = picture_stream(container, index)
        self.stream.thread_type = "AUTO"
        self.lost: list[float] = []
        self._path, self._container = path, container
        self._beside = [] if sound is None else [container.streams[sound]]
        self._line = Line(jumps(container))
        self._said = self._said_on_the_way()
        self._read = 0

    @property
    def seams(self) -> list[float]:
        """The moments, in seconds, at which time starts anew."""
        return self._line.seams

    @property
    def aspect(self) -> float:
        """Width over height of a pixel of the frame that came last; 1 where the file does not say.

        The container's word counts; where the pictures' own word changes on the way, theirs.
        """
        now = self._said_on_the_way()
        container = self.stream.sample_aspect_ratio
        return float((now if now and now != self._said else container) or 1)

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yield the frames as they are stored, their times on one line.

        Raises:
            UserError: the file cannot be read on, or ends early, or much of it is damaged.
        """
        time = 0.0
        try:
            for packet in on_one_line(self._container.demux([self.stream, *self._beside]), self._line):
                if packet.stream.index != self.stream.index:
                    continue
                self._read += packet.size > 0
                frames = decoded(packet)
                if frames is None:
                    self.lost.append(time)
                for frame in frames or ():
                    time = frame.time if frame.time is not None else time
                    yield frame
        except (av.FFmpegError, OSError) as error:
            raise damaged(self._path, time) from error
        self._require_most()

    def _said_on_the_way(self) -> Fraction | None:
        """Width over height of a pixel by the pictures' own word, which may change."""
        return self.stream.codec_context.sample_aspect_ratio

    def _require_most(self) -> None:
        """Raise `UserError` when the file was cut off, or when much of it is damaged."""
        if len(self.lost) > (1 - ENDS_EARLY) * self._read:
            raise damaged(self._path, self.lost[0])
        # An index has all packets, shown or not; elsewhere a header may tell their number.
        indexed = "mp4" in self._container.format.name
        announced = len(self.stream.index_entries) if indexed else self.stream.frames
        if self._read < ENDS_EARLY * announced:
            raise UserError(f"{self._path} ends early, after {self._read} of its {announced} frames; copy it again.")


def damaged(path: Path, time: float) -> UserError:
    """The error of a file that stops decoding."""
    return UserError(f"{path} is damaged at {time:.1f} s; copy it again or re-encode it.")
