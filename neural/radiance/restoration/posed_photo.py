# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo with the head that was solved from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....tracking.heads.arrays import Floats, Image
    from ....tracking.heads.camera import PinholeCamera
    from ....tracking.heads.head import MorphableHead


@dataclass(frozen=True)
class PosedPhoto:
    """A photo, and the head that was solved from it.

    Attributes:
        head: the head's triangles, regions and landmarks.
        vertices: `[V, 3]` of the photo, metres in camera space; camera: of the window, which is square.
        window: `[S, S, 3]` RGB uint8; matte: `[S, S]` 0 to 1.
        pixels: `[V, 2]` where the window shows the vertices, (0.5, 0.5) being the centre of the first pixel: the
            projected vertices, or `PhotoSurface.source`, which lies on the photo's landmarks.
    """

    head: MorphableHead
    vertices: Floats
    camera: PinholeCamera
    window: Image
    matte: Floats
    pixels: Floats
