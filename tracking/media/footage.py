# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage: upright RGB frames of a video with their true times, decoded ahead by a thread."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import av

from .decoding import Pictures
from .fields import Fields, deinterlaced, woven
from .read_ahead import read_ahead
from .streams import chosen_pictures, chosen_sound, opened, refusal, sound_note
from .upright import shown_size, upright

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from ..heads.arrays import Image

AHEAD = 6
"""Frames decoded ahead of the reader: enough to keep the decoder busy, few enough to hold 4K frames."""
LOOKED_AT = 30
"""Frames that are searched for fields when a file is opened."""
FASTEST = 1000.0
"""Frames a second; more is a clock's rate and no film's."""
RECENT = 9
"""Steps from frame to frame of which the median counts as usual."""
INTERLACED = "The footage is interlaced; its fields are made into whole pictures (bwdif)."


@dataclass(frozen=True)
class Frame:
    """One frame of footage.

    Attributes:
        image: `[H, W, 3]` uint8 RGB, upright, with square pixels, of the size of all the others.
        time: seconds since the first frame; each is later than the one before.
        note: a sentence for the user about what had to be mended from here on; mostly empty.
    """

    image: Image
    time: float
    note: str = ""


@dataclass(frozen=True)
class Footage:
    """A video file; iterate over it for its frames, as often as needed.

    Attributes:
        path: the file.
        fps: nominal (average) frame rate; the frames' own times may be uneven.
        count: number of frames that the file announces; an estimate for some containers, 0 when unknown.
        size: width, height of the upright picture in pixels: the first one's.
        sound: index of the stream of its sound; None when it has none that can be decoded.
        stream: index of the stream of its pictures.
        fields: whether, and how, its pictures are woven of fields.
        notes: sentences for the user about what is unusual in the file.
    """

    path: Path
    fps: float
    count: int
    size: tuple[int, int]
    sound: int | None
    stream: int = 0
    fields: Fields = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: str | Path) -> Footage:
        """Read what a video file says about itself and decode its first frames.

        Raises:
            UserError: there is no such file, or it is empty, damaged, sound only or no video at all.
        """
        path = Path(path)
        index, sound = chosen_pictures(path), chosen_sound(path)
        if index is None:
            raise refusal(path)
        with closing(opened(path)) as container:
            pictures = Pictures(path, container, index, sound)
            frames = pictures.frames()
            first = next(frames)  # `chosen_pictures` saw one
            size = shown_size(first, pictures.aspect)
            fields = woven(chain([first], islice(frames, LOOKED_AT - 1)))
            fps = nominal_rate(pictures.stream)
            count = announced_frames(pictures.stream, container, fps)
        notes = (INTERLACED if fields else "", sound_note(path))
        return cls(path, fps, count, size, sound, index, fields, tuple(filter(None, notes)))

    @property
    def has_sound(self) -> bool:
        """Whether the file has a sound track that can be decoded."""
        return self.sound is not None

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, longest: int | None = None) -> Generator[Frame, None, None]:
        """Return the frames in order, decoded by a thread that runs a few frames ahead.

        Args:
            longest: frames whose longer side exceeds this many pixels are shrunk to it (cheaper than later).

        Raises:
            UserError: the file is damaged or ends early.
        """
        return read_ahead(shown_frames(self, longest), AHEAD)


def nominal_rate(stream: av.VideoStream) -> float:
    """Average frames a second by the file's word."""
    rates = (float(rate or 0) for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate))
    return next((rate for rate in rates if 0 < rate <= FASTEST), 25.0)


def announced_frames(stream: av.VideoStream, container: av.container.InputContainer, fps: float) -> int:
    """Number of frames by the container's word and by its duration, whichever is less; 0 when it says neither."""
    lasts = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    lasts = lasts or (container.duration or 0) / av.time_base
    return min(filter(None, (stream.frames, round(lasts * fps))), default=0)


def shown_frames(footage: Footage, longest: int | None) -> Iterator[Frame]:
    """Decode the frames one by one in the calling thread.

    Raises:
        UserError: the file is damaged or ends early.
    """
    width, height = footage.size
    shrink = min(1.0, longest / max(width, height)) if longest else 1.0
    size = round(width * shrink), round(height * shrink)
    with closing(opened(footage.path)) as container:
        pictures = Pictures(footage.path, container, footage.stream, footage.sound)
        remarks = Remarks(pictures, footage)
        whole = deinterlaced(remarks.on(pictures.frames()), footage.fields)
        for frame, time in timed(whole, 1 / footage.fps):
            yield Frame(upright(frame, pictures.aspect, size), time, remarks.news())


def timed(frames: Iterable[av.VideoFrame], step: float) -> Iterator[tuple[av.VideoFrame, float]]:
    """Yield frames with their seconds since the first; `step` is what lies between two of them until it is known.

    Where stamps go back, the frames follow at the usual step until the stamps have caught up.
    """
    steps = deque([step], RECENT)
    start, last = 0.0, None
    for frame in frames:
        usual = median(steps)
        if last is None:
            start, time = frame.time or 0.0, 0.0
        else:
            time = last + usual if frame.time is None else frame.time - start
            if time > last:
                steps.append(time - last)
            else:
                time = last + (usual / 2 if time == last else usual)
        last = time
        yield frame, time


class Remarks:
    """What a user should know of the pictures of a file, each thing once, when it is first met."""

    def __init__(self, pictures: Pictures, footage: Footage) -> None:
        self._pictures = pictures
        self._size = f"{footage.size[0]} x {footage.size[1]} pixels"
        self._sentences: dict[str, str] = {"fields": INTERLACED} if footage.fields else {}
        self._told = set(self._sentences)
        self._start: float | None = None

    def on(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yield the frames, as they are stored, and look at them."""
        size = None
        for frame in frames:
            self._start = frame.time if self._start is None else self._start
            if size not in (None, (frame.width, frame.height)):
                self._note("size", f"The size of the pictures changes on the way; all are brought to {self._size}.")
            if frame.interlaced_frame:
                self._note("fields", INTERLACED)
            size = frame.width, frame.height
            yield frame

    def news(self) -> str:
        """What has not been told yet."""
        start = self._start or 0.0
        for time in self._pictures.seams[:1]:
            self._note("seam", f"Time starts anew at {time - start:.1f} s, as where recordings are joined; it goes on.")
        for time in self._pictures.lost[:1]:
            self._note("lost", f"The file is damaged at {time - start:.1f} s; what cannot be decoded is left out.")
        told = [name for name in self._sentences if name not in self._told]
        self._told.update(told)
        return " ".join(self._sentences[name] for name in told)

    def _note(self, name: str, sentence: str) -> None:
        self._sentences.setdefault(name, sentence)
