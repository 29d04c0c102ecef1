# SPDX-License-Identifier: GPL-3.0-or-later
"""What draws with Blender's `gpu` module, made when it is first wanted."""

from __future__ import annotations

from functools import cached_property

from ...tracking.performances.maps import MAP_SIZE
from .gpu_maps import MapPainter
from .gpu_meshes import MeshPainter


class Painters:
    """Keeps what draws between frames; belongs to the GPU context in which it is used."""

    @cached_property
    def maps(self) -> MapPainter:
        """Draws the maps of portraits."""
        return MapPainter(MAP_SIZE, MAP_SIZE)

    @cached_property
    def meshes(self) -> MeshPainter:
        """Draws the objects about a head."""
        return MeshPainter()

    def surfaces(self, width: int, height: int) -> MapPainter:
        """Draws heads over a whole frame of this size."""
        return MapPainter(width, height)
