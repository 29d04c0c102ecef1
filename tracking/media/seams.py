# SPDX-License-Identifier: GPL-3.0-or-later
"""Time stamps that start anew on the way, as where recordings were joined, put on one line of time.

The pictures lead: a new recording's first picture follows the last one of the recording before, and its sound keeps its
place beside its pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av.packet import Packet

BACK = 0.3
"""Seconds: decoding times that go back by more start anew. Reordered pictures and edited films go back by less."""
LEAP = 10.0
"""Seconds: in streams that may be discontinuous (MPEG-TS), times that leap ahead by more start anew, too."""
HELD = 400
"""Packets of sound that wait, at most, for the pictures to start anew as well."""
USUAL_STEP = 0.04
"""Seconds from a picture to the next one, until it is known."""


class Stamp(NamedTuple):
    """A packet's times in seconds: when it is decoded, when it is shown or heard, and for how long (0: unknown)."""

    decoded: float
    shown: float
    lasts: float


class Stamps:
    """Where one stream's time stamps have come to.

    Attributes:
        last: the last packet's decoding time; None before the first.
        end: where the next recording begins if it follows this one.
    """

    def __init__(self) -> None:
        self.last: float | None = None
        self.end = 0.0
        self._step = USUAL_STEP

    def break_at(self, time: float, jumps: bool) -> bool:
        """Tell whether the decoding time `time` cannot be the next one of the same recording."""
        return self.last is not None and (time < self.last - BACK or (jumps and time > self.last + LEAP))

    def go_to(self, stamp: Stamp, anew: bool = False) -> None:
        """Take the next packet's times; `anew` where a recording begins with it."""
        step = stamp.lasts or (0.0 if self.last is None else stamp.decoded - self.last)
        self._step = step if 0 < step < LEAP else self._step
        end = stamp.shown + self._step
        self.end = end if anew or self.last is None else max(self.end, end)
        self.last = stamp.decoded


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

    def of_picture(self, stamp: Stamp) -> float:
        """The offset of a picture."""
        time, last = stamp.decoded, self._pictures.last
        anew = self._pictures.break_at(time, self._jumps) and not nearer(self._sound.last, time, last)
        if anew and last is not None:
            self._before = self._offset + self._sound_alone, last
            self._offset = self._offset + self._pictures.end - stamp.shown
            self._sound_alone = 0.0
            self.seams.append(stamp.shown + self._offset)
        self._pictures.go_to(stamp, anew)
        return self._offset

    def of_sound(self, stamp: Stamp) -> float | None:
        """The offset of a piece of sound; None while it is not known: the pictures have not come to its seam yet."""
        time = stamp.decoded
        if self._before is not None:
            offset, last = self._before
            if nearer(time, last, self._pictures.last):
                self._sound.go_to(stamp)
                return offset
            self._before = None
        elif self._sound.break_at(time, self._jumps) and not nearer(self._pictures.last, time, self._sound.last):
            return None
        self._sound.go_to(stamp, anew=self._sound.break_at(time, self._jumps))
        return self._offset + self._sound_alone

    def of_sound_alone(self, stamp: Stamp) -> float:
        """The offset of a piece of sound whose seam the pictures do not share: it follows the sound before."""
        anew = self._sound.break_at(stamp.decoded, self._jumps)
        if anew:
            self._sound_alone += self._sound.end - stamp.shown
        self._sound.go_to(stamp, anew)
        return self._offset + self._sound_alone


def nearer(time: float | None, one: float | None, other: float | None) -> bool:
    """Tell whether a time is nearer to one than to another; no where one of them is not known."""
    return time is not None and one is not None and other is not None and abs(time - one) < abs(time - other)


def on_one_line(packets: Iterable[Packet[Any]], line: Line) -> Iterator[Packet[Any]]:
    """Yield the packets of a stream of pictures and of one of sound, or of either, their time stamps on one line.

    Sound may come later in the order than it did.
    """
    held: list[Packet[Any]] = []
    for packet in packets:
        if not is_timed(packet):
            yield from (moved(each, line.of_sound_alone(times_of(each))) for each in held)
            held.clear()
            yield packet
            continue
        if packet.stream.type == "video":
            yield moved(packet, line.of_picture(times_of(packet)))
        else:
            held.append(packet)
        while held and (offset := line.of_sound(times_of(held[0]))) is not None:
            yield moved(held.pop(0), offset)
        while len(held) > HELD:
            yield moved(held[0], line.of_sound_alone(times_of(held.pop(0))))


def is_timed(packet: Packet[Any]) -> bool:
    """Tell whether a packet has its place in time; those that end a stream and those that are not shown have none."""
    return not (packet.dts is None and packet.pts is None) and not packet.is_discard


def times_of(packet: Packet[Any]) -> Stamp:
    """The times of a timed packet; either stands in for the other."""
    shown = packet.dts if packet.pts is None else packet.pts
    decoded = packet.pts if packet.dts is None else packet.dts
    return Stamp(*(float((ticks or 0) * packet.time_base) for ticks in (decoded, shown, packet.duration)))


def moved(packet: Packet[Any], offset: float) -> Packet[Any]:
    """The packet, its time stamps moved by `offset` seconds."""
    ticks = round(offset / packet.time_base)
    if ticks:
        packet.dts = None if packet.dts is None else packet.dts + ticks
        packet.pts = None if packet.pts is None else packet.pts + ticks
    return packet
