# SPDX-License-Identifier: GPL-3.0-or-later
"""Who drives an avatar live: the face before a camera, a file that plays at its own pace, a phone."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...neural.rendering.reenact import is_same_person, open_driver, sound_of
from ...tracking.live.live_link import LiveLinkPhone
from ...tracking.live.live_retarget import LiveRetarget
from ...tracking.live.motion import PlayedPerformance, TrackedFace
from ...tracking.live.source import Camera, played
from ...tracking.media.sound import Sound
from ...tracking.performances.captures.registry import is_performance_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...tracking.heads.head import MorphableHead
    from ...tracking.live.motion import MotionSource
    from ...tracking.performances.performance import Performance


@dataclass(frozen=True)
class Driver:
    """Who drives an avatar.

    Attributes:
        source: of the motions. whole: the performance, where it is known beforehand. sound: what is heard with it.
    """

    source: MotionSource
    whole: Performance | None = None
    sound: Sound | None = None


@contextmanager
def driver_of(head: MorphableHead, camera: int | None, stream: Path | None, live_link: int | None) -> Iterator[Driver]:
    """Open what drives the avatar whose head is given: the first camera, unless another source is.

    Raises:
        UserError: there is no such camera or file, it is damaged, or the port cannot be used.
    """
    if stream is not None:
        if stream.is_dir() or is_performance_name(stream):
            yield played_performance(stream, head)
        else:
            yield Driver(TrackedFace(played(stream), head), sound=Sound(stream))
    elif live_link is not None:
        with closing(LiveLinkPhone(live_link, head)) as phone:
            print(f"Waiting for {phone.name}: in the app's settings, add this machine as a target.", file=sys.stderr)
            yield Driver(phone)
    else:
        with closing(Camera(camera or 0)) as opened:
            yield Driver(TrackedFace(opened, head))


def played_performance(path: Path, head: MorphableHead) -> Driver:
    """Return a performance file or a dataset's performance as a driver.

    Raises:
        UserError: it is absent or damaged, or has no frames.
    """
    performance = open_driver(path, head)
    sound = sound_of(path, performance)
    heard = sound if sound is not None and sound.path.is_file() else None
    return Driver(PlayedPerformance(performance, str(path)), performance, heard)


def retarget_to(own: Performance, driver: Performance | None = None) -> LiveRetarget:
    """Return what makes a driver's motions those of the person `own`, one frame at rest.

    Args:
        driver: the driver's whole performance where it is known beforehand: its rest counts then, and the person's own
            performance is taken as it is.
    """
    return LiveRetarget(own, own if driver is not None and is_same_person(driver, own) else driver)
