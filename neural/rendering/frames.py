# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance to pictures: maps are drawn, and an avatar paints them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import astuple, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ...protocol.inputs import Inputs, Maps, PosedMesh
from ...protocol.look import USUAL_LOOK, Look
from ...tracking.datasets.rasteriser import MapRasteriser
from ...tracking.media.read_ahead import read_ahead
from ...tracking.performances.maps import frame_maps, frame_vertices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...tracking.heads.head import MorphableHead
    from ...tracking.performances.performance import Performance
    from ..avatar import Avatar

DRAWN_AHEAD = 2
"""Frames whose inputs are drawn while another is painted."""


@dataclass(frozen=True)
class RenderedFrame:
    """One frame of an avatar and what it was painted from.

    Attributes:
        index: of the performance's frame.
        inputs: of one frame.
        rgba: `[H, W, 4]` uint8, straight alpha (`Avatar.render`).
    """

    index: int
    inputs: Inputs
    rgba: NDArray[np.uint8]


def frames_of(
    avatar: Avatar,
    performance: Performance,
    indices: Sequence[int],
    *,
    head: MorphableHead | None = None,
    look: Look = USUAL_LOOK,
) -> Iterator[RenderedFrame]:
    """Render frames of a performance that is the avatar's own (tracked, retargeted or keyframed for it).

    The next ones are drawn meanwhile.

    `head` is `avatar.open_head()` when not given; `look` is the same throughout.

    Raises:
        UserError: the performance belongs to another head, the avatar cannot be moved, or there is no OpenGL.
    """
    head = head or avatar.open_head()
    if performance.head != head.name:
        raise UserError(
            f"The performance is for the head {performance.head}, the avatar's is {head.name}; retarget it."
        )
    with closing(read_ahead(drawn(avatar, head, performance, indices), DRAWN_AHEAD)) as ahead:
        for index, inputs in ahead:
            yield RenderedFrame(index, inputs, avatar.render(inputs, look).rgba[0])


def drawn(
    avatar: Avatar, head: MorphableHead, performance: Performance, indices: Iterable[int]
) -> Generator[tuple[int, Inputs], None, None]:
    """Give frames of a performance by index and, of what the avatar is painted from, their inputs; errors as above."""
    with DRAWING[avatar.kind.inputs](head, performance) as draw:
        for index in indices:
            yield index, draw(index)


Draw = Callable[[int], Inputs]
"""Gives the inputs of one frame of a performance, by its index."""
Pose = Callable[["Performance", int], Inputs]
"""The same of any performance of one person before one camera."""


@contextmanager
def maps_posed(head: MorphableHead, person: Performance) -> Iterator[Pose]:
    """Give what draws the maps of a person whom `person` tells of. Raises UserError when there is no OpenGL."""
    neutral, colours = head.neutral(person.identity), head.texture(person.texture)
    with MapRasteriser() as rasteriser:

        def pose(performance: Performance, index: int) -> Maps:
            vertices = frame_maps(head, performance, index, neutral, colours)
            uv, texture = rasteriser.draw(vertices, head.triangles)
            return Maps(uv[None], texture[None])

        yield pose


@contextmanager
def meshes_posed(head: MorphableHead, person: Performance) -> Iterator[Pose]:
    """Give what poses the mesh of a person whom `person` tells of."""
    neutral, camera = head.neutral(person.identity), np.array([astuple(person.camera)], np.float32)
    here = np.eye(3, dtype=np.float32)[None]

    def pose(performance: Performance, index: int) -> PosedMesh:
        vertices = frame_vertices(head, performance, index, neutral)[None]
        expression, rotation = performance.expression[index][None], performance.rotation[index][None]
        return PosedMesh(vertices, expression, rotation, here, camera)

    yield pose


@contextmanager
def drawn_of(
    posing: Callable[[MorphableHead, Performance], AbstractContextManager[Pose]],
    head: MorphableHead,
    performance: Performance,
) -> Iterator[Draw]:
    """Give what draws the frames of one performance. Raises UserError when there is no OpenGL."""
    with posing(head, performance) as pose:
        yield partial(pose, performance)


POSING = {Maps: maps_posed, PosedMesh: meshes_posed}
DRAWING = {inputs: partial(drawn_of, posing) for inputs, posing in POSING.items()}
