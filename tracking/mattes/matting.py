# SPDX-License-Identifier: GPL-3.0-or-later
"""What mattes are made by: foreground alpha, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..heads.head import MorphableHead
from ..performances.performance import Performance

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image


class Matting(Protocol):
    """Mattes for the frames of one video, in order; make a new one for another video or a photo."""

    def __call__(self, rgb: Image, /) -> Floats:
        """Return the matte `[H, W]`, 0 background to 1 foreground, of a picture `[H, W, 3]`."""

    def close(self) -> None:
        """Free what it holds."""


MattingMaker = Callable[[MorphableHead, Performance], Matting]
"""Makes the matting of a take, which will see a picture for each frame of the performance."""
