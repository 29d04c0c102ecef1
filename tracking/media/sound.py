# SPDX-License-Identifier: GPL-3.0-or-later
"""The sound of a file as evenly timed samples: every piece where its own time puts it, silence where there is none."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from ..heads.arrays import Numbers
from .seams import Line, on_one_line
from .streams import chosen_pictures, chosen_sound, decoded, jumps, opened

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from av.audio.frame import AudioFrame
    from av.packet import Packet

RATE = 48_000
"""Samples a second that are given."""
STRAYS = 0.02
"""Seconds: sound that strays less from its time just goes on: many files round their times, and ears notice cuts."""

Piece = tuple[float | None, Numbers]
"""When it begins, in seconds, None where it follows the piece before; samples `[2, n]`."""


@dataclass(frozen=True)
class Sound:
    """Sound to go with a video: that of the file `path` (video or audio) from `start` seconds after its first frame."""

    path: Path
    start: float = 0.0


def sound_samples(sound: Sound) -> Generator[Numbers, None, None]:
    """Yield `[2, n]` float32 samples at `RATE`, from `sound.start` on, of the first sound stream that can be decoded.

    Gaps, damaged parts and what lies before the sound's beginning are silent; of what overlaps the earlier part counts.
    """
    index = chosen_sound(sound.path)
    if index is None:
        return
    with closing(opened(sound.path)) as container:
        pictures = chosen_pictures(sound.path)
        origin = 0.0 if pictures is None else first_picture_time(sound.path, pictures)
        streams = [container.streams[each] for each in (index, pictures) if each is not None]
        packets = on_one_line(readable(container.demux(streams)), Line(jumps(container)))
        heard = (packet for packet in packets if packet.stream.index == index)
        frames = (frame for packet in heard for frame in decoded(packet) or ())
        yield from laid(resampled(frames), origin + sound.start)


def readable(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """Yield packets until they end or cannot be read."""
    try:
        yield from packets
    except (av.FFmpegError, OSError):
        return


def first_picture_time(path: Path, index: int) -> float:
    """Time stamp of the first picture of the file's stream with this index; 0 when it has none."""
    with closing(opened(path)) as container:
        for packet in readable(container.demux(container.streams[index])):
            for frame in decoded(packet) or ():
                return frame.time or 0.0
    return 0.0


def resampled(frames: Iterable[AudioFrame]) -> Iterator[Piece]:
    """Yield the frames as pieces at `RATE`; a new one begins at a gap, at an overlap and where the format changes."""
    resampler, kind, expected = None, None, 0.0
    for frame in frames:
        begins = frame.time if frame.time is not None else expected
        if resampler is None or kind != kind_of(frame) or abs(begins - expected) > STRAYS:
            if resampler is not None:
                yield from following(resampler.resample(None))
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
            kind, expected = kind_of(frame), begins
            yield begins, np.zeros((2, 0), np.float32)
        expected += frame.samples / frame.sample_rate
        yield from following(resampler.resample(frame))
    if resampler is not None:
        yield from following(resampler.resample(None))


def following(frames: Iterable[AudioFrame]) -> Iterator[Piece]:
    """Yield frames as pieces that follow the one before."""
    for frame in frames:
        yield None, frame.to_ndarray()


def kind_of(frame: AudioFrame) -> tuple[str, str, int, int]:
    """What a resampler is made for."""
    return frame.format.name, frame.layout.name, frame.layout.nb_channels, frame.sample_rate


def laid(pieces: Iterable[Piece], origin: float) -> Iterator[Numbers]:
    """Yield the pieces' samples from `origin` seconds on, silence between them; no block is longer than a second."""
    at = skip = 0
    for begins, samples in pieces:
        if begins is not None:
            wanted = round((begins - origin) * RATE)
            while at < wanted:
                silent = min(RATE, wanted - at)
                yield np.zeros((2, silent), np.float32)
                at += silent
            skip = at - wanted
        yield samples[:, skip:]
        at += max(0, samples.shape[1] - skip)
        skip = max(0, skip - samples.shape[1])
