# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance to pictures: maps are drawn, and an avatar paints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ...common.errors import UserError
from ...protocol.look import USUAL_LOOK, Look
from ...tracking.datasets.rasteriser import MapRasteriser
from ...tracking.heads.head import MorphableHead
from ...tracking.performances.maps import frame_maps
from ...tracking.performances.performance import Performance
from ..avatar import Avatar


@dataclass(frozen=True)
class RenderedFrame:
    """One frame of an avatar and the maps that it was made from.

    Attributes:
        index: of the performance's frame.
        uv_map, texture_map: `[256, 256, 3]` float32, 0 to 1.
        rgba: `[R, R, 4]` uint8: the portrait over its own background, and the foreground's straight alpha.
    """

    index: int
    uv_map: np.ndarray
    texture_map: np.ndarray
    rgba: np.ndarray


def frames_of(
    avatar: Avatar,
    performance: Performance,
    indices: Sequence[int],
    *,
    head: MorphableHead | None = None,
    look: Look = USUAL_LOOK,
) -> Iterator[RenderedFrame]:
    """Render frames of a performance that is the avatar's own (tracked, retargeted or keyframed for it).

    `head` is `avatar.open_head()` when not given; `look` is the same throughout.

    Raises:
        UserError: the performance belongs to another head, the avatar cannot be moved, or there is no OpenGL.
    """
    head = head or avatar.open_head()
    if performance.head != head.name:
        raise UserError(
            f"The performance is for the head {performance.head}, the avatar's is {head.name}; retarget it."
        )
    neutral, colours = head.neutral(performance.identity), head.texture(performance.texture)
    with MapRasteriser() as rasteriser:
        for index in indices:
            vertices = frame_maps(head, performance, index, neutral, colours)
            uv_map, texture_map = rasteriser.draw(vertices, head.triangles)
            rgba = avatar.render(uv_map[None], texture_map[None], **asdict(look))[0]
            yield RenderedFrame(index, uv_map, texture_map, rgba)
