# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's other objects, before and behind a head in 3D: their triangles in the world, with plain colours."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..properties import head_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Doubles, Floats

WITH_FACES = {"MESH", "CURVE", "SURFACE", "META", "FONT"}
"""Types of objects that can have faces."""
BARE = (0.8, 0.8, 0.8)
"""Scene-linear colour of what has no material: Blender's own."""


@dataclass(frozen=True, eq=False)
class Triangles:
    """Corners of triangles, three in a row.

    Attributes:
        positions: `[3 T, 3]` world space.
        normals: `[3 T, 3]` world space, of any length.
        colours: `[3 T, 3]` scene-linear.
    """

    positions: Floats
    normals: Floats
    colours: Floats

    @classmethod
    def joined(cls, parts: list[Triangles]) -> Triangles:
        """All of them in one."""
        empty = np.zeros((0, 3), np.float32)
        stacks = [
            np.concatenate([empty, *(getattr(part, name) for part in parts)], dtype=np.float32)
            for name in ("positions", "normals", "colours")
        ]
        return cls(*stacks)


def other_objects(depsgraph: bpy.types.Depsgraph) -> Triangles:
    """Return everything with faces that a camera sees in an evaluated scene, but the heads."""
    parts = []
    for instance in depsgraph.object_instances:
        shown = instance.object
        if shown is None or not instance.show_self or shown.type not in WITH_FACES or not shown.visible_camera:
            continue
        if head_settings(shown).is_head:
            continue
        with mesh_to_draw(shown) as mesh:
            if mesh is not None and len(mesh.polygons):
                parts.append(triangles_of(shown, mesh, np.array(instance.matrix_world, np.float64)))
    return Triangles.joined(parts)


@contextmanager
def mesh_to_draw(shown: bpy.types.Object) -> Iterator[bpy.types.Mesh | None]:
    """Give an evaluated object's mesh, made for the moment where it is a curve or a text."""
    if isinstance(shown.data, bpy.types.Mesh):
        yield shown.data
        return
    try:
        yield shown.to_mesh()
    finally:
        shown.to_mesh_clear()


def triangles_of(shown: bpy.types.Object, mesh: bpy.types.Mesh, world: Doubles) -> Triangles:
    """Return the triangles of an evaluated mesh that the matrix `world [4, 4]` brings into the world."""
    mesh.calc_loop_triangles()
    vertices = taken(mesh.loop_triangles, "vertices", 3, np.int32).ravel()
    corners = taken(mesh.loop_triangles, "loops", 3, np.int32).ravel()
    materials = taken(mesh.loop_triangles, "material_index", 1, np.int32).ravel()
    positions = taken(mesh.vertices, "co", 3)[vertices] @ world[:3, :3].T + world[:3, 3]
    normals = taken(mesh.corner_normals, "vector", 3)[corners] @ np.linalg.pinv(world[:3, :3])
    colours = colours_of(shown)[np.minimum(materials, len(shown.material_slots))]
    return Triangles(positions, normals, np.repeat(colours, 3, axis=0))


def taken(
    items: bpy.types.bpy_prop_collection[Any], name: str, width: int, kind: type[Any] = np.float32
) -> NDArray[Any]:
    """Return one property of all items, `[N, width]`."""
    values: NDArray[Any] = np.empty(len(items) * width, kind)
    items.foreach_get(name, values)
    return values.reshape(-1, width)


def colours_of(shown: bpy.types.Object) -> Floats:
    """Return `[M + 1, 3]`: the viewport colour of each material slot, and the colour of what has none."""
    materials = [slot.material for slot in shown.material_slots]
    return np.array([each.diffuse_color[:3] if each else BARE for each in materials] + [BARE], np.float32)
