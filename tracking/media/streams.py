# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a file's streams are the pictures and the sound that a player would show."""

from __future__ import annotations

from contextlib import closing, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from ...common.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from av.packet import Packet

STILL = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
"""Covers and chapter pictures: streams of pictures that are no video."""
DISCONTINUOUS = 0x200
"""FFmpeg's flag of formats whose times may leap, AVFMT_TS_DISCONT."""
TRIED = 200
"""Packets after which a stream that gave nothing counts as one that cannot be decoded."""


def opened(path: Path) -> av.container.InputContainer:
    """Open a file of pictures or sound.

    Raises:
        UserError: the file is missing, or is no video that can be read.
    """
    if not path.is_file():
        raise UserError(f"There is no video at {path}; check the path.")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty; copy or record it again.")
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise UserError(f"{path} cannot be read as a video: it may be damaged; choose another file.") from error


def picture_streams(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The streams of moving pictures, best first, as FFmpeg chooses: the default one, then the largest."""

    def worth(stream: av.VideoStream) -> tuple[bool, bool, int]:
        return stream.frames != 1, bool(stream.disposition & Disposition.default), stream.width * stream.height

    moving = [stream for stream in container.streams.video if not stream.disposition & STILL]
    return sorted(moving, key=worth, reverse=True)


def sound_streams(container: av.container.InputContainer) -> list[av.AudioStream]:
    """The streams of sound, in the order in which they are to be tried: the default ones first."""
    return sorted(container.streams.audio, key=lambda stream: not stream.disposition & Disposition.default)


def picture_stream(container: av.container.InputContainer, index: int) -> av.VideoStream:
    """The stream of pictures with this index among all streams."""
    return next(stream for stream in container.streams.video if stream.index == index)


def jumps(container: av.container.InputContainer) -> bool:
    """Tell whether times may leap in the file's format (MPEG-TS)."""
    return bool(container.format.flags & DISCONTINUOUS)


def chosen_pictures(path: Path) -> int | None:
    """Index of the stream of pictures to show: the best one that can be decoded; None where there is none.

    One of a single picture, a cover that is not marked as such, counts only where there is no other.

    Raises:
        UserError: the file is missing, or is no video that can be read.
    """
    with closing(opened(path)) as container:
        wanted = [stream.index for stream in picture_streams(container)]
    singles = []
    for index in wanted:
        count = first_frames(path, index, 2)
        if count == 2:
            return index
        singles += [index] * count
    return next(iter(singles), None)


def refusal(path: Path) -> UserError:
    """The error of a file of which no pictures can be shown."""
    with closing(opened(path)) as container:
        if not picture_streams(container):
            return UserError(f"{path} has no pictures, only sound or data; choose a video of a face.")
    return UserError(f"{path} holds no frame that can be decoded; it may be damaged: copy or record it again.")


def chosen_sound(path: Path) -> int | None:
    """Index of the stream of sound to hear: the first that can be decoded; None where there is none, or no file."""
    return next((index for index in sounds_of(path) if first_frames(path, index, 1)), None)


def sounds_of(path: Path) -> list[int]:
    """Indices of a file's streams of sound, in the order in which they are to be tried; none where it is unreadable."""
    try:
        with closing(av.open(str(path))) as container:
            return [stream.index for stream in sound_streams(container)]
    except (av.FFmpegError, OSError):
        return []


def first_frames(path: Path, index: int, wanted: int) -> int:
    """How many frames the beginning of the file's stream with this index gives, `wanted` at most."""
    count = 0
    with closing(opened(path)) as container, suppress(av.FFmpegError, OSError):
        stream = container.streams[index]
        if stream.codec_context is None:
            return 0
        for packet in islice(container.demux(stream), TRIED):
            count += len(decoded(packet) or ())
            if count >= wanted:
                return wanted
    return count


def sound_note(path: Path) -> str:
    """A sentence where a file's sound, or its first choice of it, cannot be decoded; else nothing."""
    wanted, chosen = sounds_of(path), chosen_sound(path)
    if not wanted or chosen == wanted[0]:
        return ""
    if chosen is None:
        return f"The sound of {path.name} cannot be decoded and is left out."
    return f"The first sound track of {path.name} cannot be decoded; another one is taken."


def decoded(packet: Packet[Any]) -> list[Any] | None:
    """The frames, of pictures or sound, that a packet brings; None where it is damaged."""
    try:
        return packet.decode()
    except av.EOFError:
        return []
    except av.FFmpegError:
        return None
