# SPDX-License-Identifier: GPL-3.0-or-later
"""What avatars are painted from: maps, or a posed mesh and its camera, by the kind of avatar."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Inputs:
    """What an avatar's frames are painted from; every array has the frames first.

    Attributes:
        title: what to call it in a sentence.
    """

    title: ClassVar[str]

    def __len__(self) -> int:
        return len(next(iter(self.arrays().values())))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays `[N, ...]` by name, frames first, as the frames endpoint takes them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def frame(self, index: int) -> Self:
        """One frame, as inputs of one frame."""
        return type(self)(**{name: array[index : index + 1] for name, array in self.arrays().items()})


@dataclass(frozen=True, eq=False)
class Maps(Inputs):
    """The maps of a head (`tracking.performances.maps`).

    Attributes:
        uv, texture: `[N, 256, 256, 3]` floats, 0 to 1, row 0 on top.
    """

    title = "maps (uv and texture)"
    uv: NDArray[Any]
    texture: NDArray[Any]


@dataclass(frozen=True, eq=False)
class PosedMesh(Inputs):
    """The vertices of a head, what is known of its expression, and the camera that sees it.

    The light that fell on the footage stays where it was: it goes with the footage's camera, whoever looks.

    Attributes:
        vertices: `[N, V, 3]` floats in the space of the camera that sees: x right, y down, z forward, metres.
        expression: `[N, E]` floats, 0 to 1: what shaped the vertices.
        rotation: `[N, 3, 3]` floats: head space to that of the footage's camera.
        view: `[N, 3, 3]` floats: the space of the footage's camera to that of the one that sees, directions only.
        camera: `[N, 6]` floats: fx, fy, cx, cy, width, height, in pixels of the picture.
    """

    title = "a posed mesh (vertices, expression, rotation, view and camera)"
    vertices: NDArray[Any]
    expression: NDArray[Any]
    rotation: NDArray[Any]
    view: NDArray[Any]
    camera: NDArray[Any]
