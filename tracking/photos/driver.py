# SPDX-License-Identifier: GPL-3.0-or-later
"""A video whose person drives a photo, in place of the calibration performance."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ...common.progress import Listener, silent
from ..detection.landmarks import DETECTION_SIDE
from ..media.footage import Footage
from ..performances.performance import OVER_TIME
from ..performances.retarget import retarget
from ..solving.agreement import mesh_landmarks
from ..track import track_performance
from .calibration import at_rest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance

LIKE_ONE = np.radians(40.0)
"""A turn that makes a frame as unlike the photo as one expression that is full on."""


@dataclass(frozen=True)
class Driver:
    """A driving video.

    Attributes:
        footage: the video.
        own: its person's performance, of the frames that are used.
        acted: the same for the photo's person; its first frame is the photo as it is, and has no picture in the video.
        initial: the number of the frame of `own` that is most like the photo, from which networks count the motion.
    """

    footage: Footage
    own: Performance
    acted: Performance
    initial: int

    @property
    def scale(self) -> float:
        """What the footage's pixels are shrunk by, 0 to 1, in `pictures`."""
        return min(1.0, DETECTION_SIDE / max(self.footage.size))

    def landmarks(self, head: MorphableHead) -> Landmarks:
        """Return `[T, 478, 3]`: where the tracked head has its landmarks in the pictures; `head` is that of `own`."""
        crop, camera = self.own.crop, self.own.camera
        assert crop is not None  # tracked footage has one
        in_window = mesh_landmarks(head, self.own, camera)
        corner = np.array([crop.x, crop.y, 0])
        placed: Landmarks = ((in_window * (crop.side / camera.width) + corner) * self.scale).astype(np.float32)
        return placed

    def pictures(self, first: int = 0) -> Generator[Image, None, None]:
        """Yield the footage's picture `[H, W, 3]` of each frame of `own`, from `first` on.

        Raises:
            UserError: the file is damaged.
        """
        wanted = set(self.own.times[first:].tolist())
        with closing(self.footage.frames(DETECTION_SIDE)) as frames:
            for frame in frames:
                if frame.time in wanted:
                    yield frame.image

    def initial_picture(self) -> Image:
        """Return the picture `[H, W, 3]` of the frame that is most like the photo.

        Raises:
            UserError: the file is damaged.
        """
        with closing(self.pictures(self.initial)) as pictures:
            return next(pictures)


def tracked_driver(
    path: str | Path, head: MorphableHead, still: Performance, frames: int, listener: Listener = silent
) -> Driver:
    """Track a driving video.

    Args:
        path: the video, of any one person.
        head: the morphable head of the photo.
        still: the one frame solved from the photo.
        frames: how many frames to use at most, those of the photo included: evenly spread over those in which the
            face is seen well.
        listener: hears of the progress and may cancel.

    Raises:
        UserError: as `track`; or the face is hardly seen.
    """
    whole = track_performance(path, head, listener)
    seen = np.flatnonzero(whole.trusted)
    if len(seen) < 2:
        raise UserError(f"The face in {path} is never seen well enough to drive a photo; choose another video.")
    chosen = seen[np.linspace(0, len(seen) - 1, max(1, min(frames - 1, len(seen)))).round().astype(int)]
    own = whole.at(chosen)
    acted = acted_by(own, still)
    return Driver(Footage.open(path), own, acted, most_like(still, acted.at(slice(1, None))))


def acted_by(driver: Performance, still: Performance) -> Performance:
    """Return what the photo's person does when driven: the photo as it is, then a frame for each of the driver's.

    The driver's rest becomes the photo's pose with a mouth at rest, as in the calibration performance.
    """
    driven = retarget(driver, replace(still, expression=at_rest(still.expression[0])[-1:].astype(np.float32)))
    joined = {name: np.concatenate([getattr(still, name), getattr(driven, name)]) for name in OVER_TIME}
    joined["times"] = np.concatenate([[0.0], driven.times - driven.times[0] + 1 / driven.fps])
    return replace(driven, **joined, source=still.source)


def most_like(still: Performance, performance: Performance) -> int:
    """Return the number of the frame whose expression and pose are nearest to those of `still`, of the same person."""
    expression = ((performance.expression - still.expression[0]) ** 2).sum(1)
    traces: Floats = np.einsum("tij,ij->t", performance.rotation, still.rotation[0])
    angles = np.arccos(np.clip((traces - 1) / 2, -1, 1))
    return int(np.argmin(expression + (angles / LIKE_ONE) ** 2))
