# SPDX-License-Identifier: GPL-3.0-or-later
"""Time stamps that start anew on the way, as where recordings were joined, put on one line of time.

The pictures lead: a new recording's first picture follows the last one of the recording before, and its sound keeps its
place beside its pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import av

BACK = 0.3
"""Seconds: decoding times that go back by more start anew. Reordered pictures and edited films go back by less."""
LEAP = 10.0
"""Seconds: in streams that may be discontinuous (MPEG-TS), times that leap ahead by more start anew, too."""
HELD = 400
"""Packets of sound that wait, at most, for the pictures to start anew as well."""
USUAL_STEP = 0.04
"""Seconds from a picture to the next one, until it is known."""


@dataclass
class Stamps:
    """Where one stream's time stamps have come to: `last` decoding time, and the `step` to the next; seconds."""

    last: float | None = None
    step: float = USUAL_STEP

    def break_at(self, time: float, jumps: bool) -> bool:
        """Tell whether `time` cannot be the next one of the same recording."""
        return self.last is not None and (time < self.last - BACK or (jumps and time > self.last + LEAP))

    def go_to(self, time: float, duration: float) -> None:
        """Take the next time; `duration` is 0 where it is unknown."""
        step = duration or (time - self.last if self.last is not None else 0.0)
        self.step = step if 0 < step < LEAP else self.step
        self.last = time

    @property
    def end(self) -> float:
        """Where the next time is expected."""
        return (self.last or 0.0) + self.step


class Line:
    """The one line of time: says by how many seconds each time stamp is moved. Ask it in the order of the file.

    Attributes:
        seams: the moments, in seconds on the line, at which the pictures start anew.
    """

    def __init__(self, jumps: bool) -> None:
        """`jumps`: whether the file's format may be discontinuous."""
        self.seams: list[float] = []
        self._jumps = jumps
        self._pictures, self._sound = Stamps(), Stamps()
        self._offset = self._sound_alone = 0.0
        self._before: tuple[float, float] | None = None
        """Offset and last time of the pictures before a seam that the sound has not reached yet."""

    def of_picture(self, time: float, duration: float) -> float:
        """The offset of a picture with this decoding time."""
        if self._pictures.break_at(time, self._jumps) and not nearer(self._sound.last, time, self._pictures.last):
            self._before = self._offset + self._sound_alone, self._pictures.last or 0.0
            self._offset += self._pictures.end - time
            self._sound_alone = 0.0
            self.seams.append(time + self._offset)
        self._pictures.go_to(time, duration)
        return self._offset

    def of_sound(self, time: float, duration: float) -> float | None:
        """The offset of a piece of sound; None while it is not known: the pictures have not come to its seam yet."""
        if self._before is not None:
            offset, last = self._before
            if nearer(time, last, self._pictures.last):
                self._sound.go_to(time, duration)
                return offset
            self._before = None
        elif self._sound.break_at(time, self._jumps) and not nearer(self._pictures.last, time, self._sound.last):
            return None
        self._sound.go_to(time, duration)
        return self._offset + self._sound_alone

    def of_sound_alone(self, time: float, duration: float) -> float:
        """The offset of a piece of sound whose seam the pictures do not share: it follows the sound before."""
        if self._sound.break_at(time, self._jumps):
            self._sound_alone += self._sound.end - time
        self._sound.go_to(time, duration)
        return self._offset + self._sound_alone


def nearer(time: float | None, one: float | None, other: float | None) -> bool:
    """Tell whether a time is nearer to one than to another; no where one of them is not known."""
    return time is not None and one is not None and other is not None and abs(time - one) < abs(time - other)


def on_one_line(packets: Iterable[av.Packet], line: Line) -> Iterator[av.Packet]:
    """Yield the packets of a stream of pictures and of one of sound, or of either, their time stamps on one line.

    Sound may come later in the order than it did.
    """
    held: list[av.Packet] = []
    for packet in packets:
        if not is_timed(packet):
            yield from (moved(each, line.of_sound_alone(*time_of(each))) for each in held)
            held.clear()
            yield packet
            continue
        if packet.stream.type == "video":
            yield moved(packet, line.of_picture(*time_of(packet)))
        else:
            held.append(packet)
        while held and (offset := line.of_sound(*time_of(held[0]))) is not None:
            yield moved(held.pop(0), offset)
        while len(held) > HELD:
            yield moved(held[0], line.of_sound_alone(*time_of(held.pop(0))))


def is_timed(packet: av.Packet) -> bool:
    """Tell whether a packet has its place in time; those that end a stream and those that are not shown have none."""
    return packet.dts is not None and not packet.is_discard


def time_of(packet: av.Packet) -> tuple[float, float]:
    """Decoding time and duration of a timed packet in seconds; a duration of 0 is unknown."""
    return float(packet.dts * packet.time_base), float((packet.duration or 0) * packet.time_base)


def moved(packet: av.Packet, offset: float) -> av.Packet:
    """The packet, its time stamps moved by `offset` seconds."""
    ticks = round(offset / packet.time_base)
    if ticks:
        packet.dts += ticks
        packet.pts = packet.pts if packet.pts is None else packet.pts + ticks
    return packet
