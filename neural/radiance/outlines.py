# SPDX-License-Identifier: GPL-3.0-or-later
"""The outline of a scene's head in its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...tracking.mattes.head_region import outline

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .scene import PosedHead, RadianceScene


def outline_of(
    scene: RadianceScene,
    head: PosedHead,
    *,
    shrunk: float = 0,
    grown: float = 0,
    only: NDArray[np.bool_] | None = None,
    neck: bool = False,
) -> NDArray[np.bool_]:
    """Return `[H, W]`: the pixels within the outline, made smaller or larger by some pixels.

    `only [T]` are the triangles that count; of the `neck`, most is left out unless wanted.
    """
    vertices, surface = head.vertices.cpu().numpy(), scene.surface
    return outline(
        vertices, surface.rest, surface.triangles, scene.camera, shrunk=shrunk, grown=grown, only=only, neck=neck
    )
