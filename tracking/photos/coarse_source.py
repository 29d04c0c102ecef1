# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the coarse video of a photo: the one interface of the mesh warp and of the networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .coarse_video import CoarseVideo

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance
    from .driver import Driver


@dataclass(frozen=True)
class SolvedPhoto:
    """A photo whose head is known.

    Attributes:
        head, still: the head and the one frame solved from the photo.
        window: `[S, S, 3]`, the photo cut to the enlarged window of `still.crop`.
        matte: `[S, S]`, 0 to 1.
        landmarks: `[478, 2]` in pixels of the window.
    """

    head: MorphableHead
    still: Performance
    window: Image
    matte: Floats
    landmarks: Floats


class CoarseSource(Protocol):
    """Renders frames of one photo, in order; used in a `with` statement."""

    def __enter__(self) -> CoarseSource: ...

    def __exit__(self, *_error: object) -> None: ...

    def frame(self, performance: Performance, index: int, neutral: Floats | None = None) -> tuple[Image, Floats]:
        """Return the picture `[S, S, 3]` and its matte `[S, S]`, 0 to 1, of one frame of a performance.

        `neutral [V, 3]` is the person's shape, which is worked out anew where it is not given.
        """


class CoarseMaker(Protocol):
    """Makes the source of a photo's coarse video."""

    @property
    def exact(self) -> bool:
        """Whether the pictures show the performance that was asked for; else it is tracked anew from them."""

    @property
    def most_frames(self) -> int | None:
        """The most frames that can be afforded; None for as many as are wanted."""

    def __call__(self, photo: SolvedPhoto, driver: Driver | None, /) -> CoarseSource:
        """Make it; where there is a `driver`, the performance's last frames are its frames."""


class MeshWarp:
    """Makes mesh warps, which show any performance exactly; whether a driver gave it makes no difference."""

    exact = True
    most_frames = None

    def __call__(self, photo: SolvedPhoto, _driver: Driver | None = None, /) -> CoarseVideo:
        """Make the mesh warp of a photo."""
        return CoarseVideo(photo.head, photo.still, photo.window, photo.matte, photo.landmarks)
