# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face (Epic Games' app) over the network: a phone's face as UDP packets, one a frame.

A packet, big-endian: a byte of version (6), the device's and the subject's name (each an int32 of bytes, then UTF-8),
the frame's time (int32 frame, float32 part of a frame, int32 frames and int32 seconds of the rate), a byte that counts,
and as many float32: the 52 expressions and nine angles in the order of the app's CSV. Without a face it ends before the
count, or counts 0. Source: the reader of PyLiveLinkFace (https://github.com/JimWest/PyLiveLinkFace), which takes the
version and the first name's length for one number; no packet of a real phone was at hand.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ..heads.head import ARKIT_NAMES
from ..heads.rotations import from_angles
from ..performances.captures.capture import Capture, performed
from ..performances.captures.live_link import ANGLES, HEAD, LEFT_EYE, NAMES, RIGHT_EYE
from .motion import Motion, State

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..heads.arrays import Doubles
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance
    from .source import Clock

VERSION = 6
LARGEST = 4096
"""Bytes; a packet has about 350."""
LONGEST_NAME = 512
MOST_AT_ONCE = 100
"""Packets that are read before the newest of them is given, however fast others come."""
SILENCE = 0.1
"""Seconds without a packet after which the phone shows no face."""
OUT_OF_ORDER = 1.0
"""Seconds by which a packet that the network delayed may lie back; more is a clock that was set anew."""
TIME, RATE_OF_APP = ">ifii", 60.0
KEYS = tuple(name[0].lower() + name[1:] for name in NAMES)
ORDER = [KEYS.index(name) for name in ARKIT_NAMES]


@dataclass(frozen=True)
class Packet:
    """One frame of a phone.

    Attributes:
        subject: the phone's name. moment: seconds by the phone's timecode.
        values: `[61]` as in the app's CSV; None where the phone sees no face.
    """

    subject: str
    moment: float
    values: Doubles | None


class LiveLinkPhone:
    """What a phone with Live Link Face sends to a port of this machine; close it after use."""

    fps = RATE_OF_APP

    def __init__(self, port: int, head: MorphableHead, host: str = "", clock: Clock = time.monotonic) -> None:
        """Listen at a port (0: any) on all of this machine's addresses, or at that of `host`.

        Raises:
            UserError: the port cannot be used.
        """
        self._head, self._clock = head, clock
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise UserError(
                f"Port {port} cannot be listened at ({error.strerror}); close the program that uses it, or choose "
                "another port here and in Live Link Face."
            ) from error
        self._socket.settimeout(SILENCE)
        self.port: int = self._socket.getsockname()[1]
        self.name = f"Live Link Face at port {self.port}"

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def motions(self, dropped: Callable[[], None]) -> Generator[Motion, None, None]:
        """Yield the newest packet as a motion, and one without a face whenever none comes for a while.

        What is no packet of the app is passed over; of several that wait only the newest counts.
        """
        start, last, newest = self._clock(), None, -np.inf
        while True:
            packet = self._newest(dropped)
            captured = self._clock()
            if packet is not None and 0 <= newest - packet.moment < OUT_OF_ORDER:
                dropped()
                continue
            if packet is not None:
                newest = packet.moment
            face = None if packet is None or packet.values is None else packet.values
            if face is not None:
                last = performance_of(face, captured - start, self._head)
            state: State = "following" if face is not None else "lost" if last is not None else "looking"
            yield Motion(captured - start, captured, state, last)

    def _newest(self, dropped: Callable[[], None]) -> Packet | None:
        """The newest packet that has come; None when none comes for `SILENCE`."""
        found = None
        self._socket.settimeout(SILENCE)
        for _ in range(MOST_AT_ONCE):
            try:
                data = self._socket.recv(LARGEST)
            except (TimeoutError, BlockingIOError):
                break
            except OSError:  # Windows: a packet was too large, or one of ours found nobody
                continue
            packet = packet_of(data)
            if packet is not None:
                if found is not None:
                    dropped()
                found = packet
                self._socket.settimeout(0)
        return found


def packet_of(data: bytes) -> Packet | None:
    """Read a packet; None for bytes that are none."""
    try:
        (version,) = struct.unpack_from(">B", data)
        _device, place = name_at(data, 1)
        subject, place = name_at(data, place)
        frame, part, frames, seconds = struct.unpack_from(TIME, data, place)
        place += struct.calcsize(TIME)
        count = data[place] if place < len(data) else 0
        values = np.array(struct.unpack_from(f">{count}f", data, place + 1) if count else (), np.float64)
    except (struct.error, UnicodeDecodeError, ValueError):
        return None
    if version != VERSION or count not in (0, len(NAMES) + len(ANGLES)) or min(frames, seconds) <= 0:
        return None
    if not (np.isfinite(values).all() and np.isfinite(part)):
        return None
    return Packet(subject, (frame + part) * seconds / frames, values if count else None)


def name_at(data: bytes, place: int) -> tuple[str, int]:
    """Return the name at a place, and the place behind it.

    Raises:
        ValueError: there is none.
        struct.error: the data ends before.
    """
    (length,) = struct.unpack_from(">i", data, place)
    place += 4
    if not 0 <= length <= min(LONGEST_NAME, len(data) - place):
        raise ValueError("no name")
    return data[place : place + length].decode(), place + length


def performance_of(values: Doubles, time: float, head: MorphableHead) -> Performance:
    """Return the values of a packet, `[61]`, as one frame of the head's average person."""
    angles = dict(zip(ANGLES, values[len(NAMES) :], strict=True))
    eyes = np.array([[[angles[name] for name in eye] for eye in (LEFT_EYE, RIGHT_EYE)]])
    capture = Capture(
        times=np.array([time]),
        fps=RATE_OF_APP,
        expression=np.clip(values[None, : len(NAMES)][:, ORDER], 0, 1),
        rotation=from_angles(np.array([[angles[name] for name in HEAD]])),
        gaze=eyes,
    )
    return performed(capture, head)
