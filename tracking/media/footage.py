# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage: upright RGB frames of a video with their true times, decoded ahead by a thread."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from ...common.errors import UserError
from .read_ahead import read_ahead

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ..heads.arrays import Image

AHEAD = 6
"""Frames decoded ahead of the reader: enough to keep the decoder busy, few enough to hold 4K frames."""
ENDS_EARLY = 0.9
"""A file that yields less than this share of the frames it announces was cut off."""


@dataclass(frozen=True)
class Frame:
    """One frame of footage.

    Attributes:
        image: `[H, W, 3]` uint8 RGB, upright, with square pixels.
        time: seconds since the first frame.
    """

    image: Image
    time: float


@dataclass(frozen=True)
class Footage:
    """A video file; iterate over it for its frames, as often as needed.

    Attributes:
        path: the file.
        fps: nominal (average) frame rate; the frames' own times may be uneven.
        count: number of frames that the file announces; an estimate for some containers, 0 when unknown.
        size: width, height of the upright picture in pixels.
        has_sound: whether the file has a sound track.
    """

    path: Path
    fps: float
    count: int
    size: tuple[int, int]
    has_sound: bool

    @classmethod
    def open(cls, path: str | Path) -> Footage:
        """Read what a video file says about itself and decode its first frame.

        Raises:
            UserError: there is no such file, or it is empty, damaged, sound only or no video at all.
        """
        path = Path(path)
        with closing(opened(path)) as container:
            stream = container.streams.video[0]
            first = first_frame(container, path)
            fps = float(stream.average_rate or stream.guessed_rate or 25)
            count = announced_frames(stream, container, fps)
            size = upright_size(first, pixel_aspect(stream))
            return cls(path, fps, count, size, bool(container.streams.audio))

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, longest: int | None = None) -> Generator[Frame, None, None]:
        """Return the frames in order, decoded by a thread that runs a few frames ahead.

        Args:
            longest: frames whose longer side exceeds this many pixels are shrunk to it (cheaper than later).

        Raises:
            UserError: the file is damaged or ends early.
        """
        return read_ahead(decoded(self, longest), AHEAD)


def opened(path: Path) -> av.container.InputContainer:
    """Open a file that has at least one picture stream.

    Raises:
        UserError: the file is missing, or is no video that can be read.
    """
    if not path.is_file():
        raise UserError(f"There is no video at {path}; check the path.")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty; copy or record it again.")
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise UserError(f"{path} cannot be read as a video: it may be damaged; choose another file.") from error
    if not container.streams.video:
        container.close()
        raise UserError(f"{path} has no pictures, only sound or data; choose a video of a face.")
    container.streams.video[0].thread_type = "AUTO"
    return container


def first_frame(container: av.container.InputContainer, path: Path) -> av.VideoFrame:
    """Decode the first frame, to know that there is one and which way is up.

    Raises:
        UserError: no frame can be decoded.
    """
    try:
        for frame in container.decode(video=0):
            return frame
    except (av.FFmpegError, OSError) as error:
        raise damaged(path, 0.0) from error
    raise UserError(f"{path} holds no frame that can be decoded; it may be damaged: copy or record it again.")


def damaged(path: Path, time: float) -> UserError:
    """The error of a file that stops decoding."""
    return UserError(f"{path} is damaged at {time:.1f} s; copy it again or re-encode it.")


def announced_frames(stream: av.VideoStream, container: av.container.InputContainer, fps: float) -> int:
    """Number of frames by the container's word, else by its duration; 0 when it says neither."""
    if stream.frames:
        return stream.frames
    if stream.duration and stream.time_base:
        return round(float(stream.duration * stream.time_base) * fps)
    return round(container.duration / av.time_base * fps) if container.duration else 0


def decoded(footage: Footage, longest: int | None) -> Iterator[Frame]:
    """Decode the frames one by one in the calling thread.

    Raises:
        UserError: the file is damaged or ends early.
    """
    with closing(opened(footage.path)) as container:
        stream = container.streams.video[0]
        aspect, announced = pixel_aspect(stream), stream.frames
        count, time, start = 0, 0.0, None
        try:
            for frame in container.decode(stream):
                moment = frame.time if frame.time is not None else count / footage.fps
                start = moment if start is None else start
                time = moment - start
                count += 1
                yield Frame(upright(frame, aspect, longest), time)
        except (av.FFmpegError, OSError) as error:
            raise damaged(footage.path, time) from error
        if count < ENDS_EARLY * announced:
            raise UserError(f"{footage.path} ends early, after {count} of its {announced} frames; copy it again.")


def pixel_aspect(stream: av.VideoStream) -> float:
    """Width of a pixel over its height, as stored; 1 when the file does not say."""
    return float(stream.sample_aspect_ratio or 1)


def quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that the display matrix asks for (phones held upright)."""
    return round(frame.rotation / 90) % 4


def upright_size(frame: av.VideoFrame, aspect: float) -> tuple[int, int]:
    """Width and height of a frame as it is meant to be seen."""
    width, height = round(frame.width * aspect), frame.height
    return (height, width) if quarter_turns(frame) % 2 else (width, height)


def upright(frame: av.VideoFrame, aspect: float, longest: int | None) -> Image:
    """Convert a frame to upright RGB `[H, W, 3]` with square pixels, shrunk so that no side exceeds `longest`."""
    width, height = frame.width * aspect, frame.height
    shrink = min(1.0, longest / max(width, height)) if longest else 1.0
    rgb = frame.reformat(round(width * shrink), round(height * shrink), format="rgb24", interpolation="BILINEAR")
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), quarter_turns(frame)))
