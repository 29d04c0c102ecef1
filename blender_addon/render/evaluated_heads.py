# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the heads of an evaluated scene: shape keys, armature and modifiers applied, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...common.errors import UserError
from ...protocol.look import CONTROLS, Look
from ...tracking.heads.mouth_light import PAIRS, MouthLight
from ...tracking.performances.maps import MapVertices, map_vertices
from ..access import mesh_of, values_of
from ..properties import SemblanceObject, head_settings
from ..scene.attributes import COLOUR, MASK, MOUTH, UV
from ..scene.axes import world_to_camera
from ..scene.camera import SENSOR, Lens, pinhole_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...tracking.heads.arrays import Doubles, Floats, Integers
    from ...tracking.heads.camera import PinholeCamera


@dataclass(frozen=True)
class EvaluatedHead:
    """A head as the scene shows it now.

    Attributes:
        name: the object's name.
        avatar: the avatar's id in the engine; empty when the head has none yet.
        look: what its frames are made with besides maps.
        vertices: `[V, 3]` world space, metres.
        triangles: `[T, 3]`; uvs: `[V, 2]`; uv_mask: `[V]`; colours: `[V, 3]` sRGB 0 to 1.
        mouth_light: what darkens the inside of the mouth; None for a head that has none.
    """

    name: str
    avatar: str
    look: Look
    vertices: Floats
    triangles: Integers
    uvs: Floats
    uv_mask: Floats
    colours: Floats
    mouth_light: MouthLight | None

    def map_vertices(self, camera_world: Doubles, camera: PinholeCamera) -> MapVertices:
        """Project and light the head for a Blender camera's world matrix `[4, 4]` and the intrinsics of its window."""
        vertices = world_to_camera(self.vertices, camera_world)
        surface = vertices, self.triangles, self.uvs, self.uv_mask, self.colours
        return map_vertices(*surface, camera, self.mouth_light)

    def distance(self, camera_world: Doubles) -> float:
        """Metres from a camera with the world matrix `[4, 4]` to the middle of the head, along the view."""
        return float(world_to_camera(self.vertices.mean(0, keepdims=True), camera_world)[0, 2])


def evaluated_heads(depsgraph: bpy.types.Depsgraph) -> list[EvaluatedHead]:
    """Return the visible heads of an evaluated scene.

    Raises:
        UserError: a head has lost what the maps are drawn from.
    """
    return [read_head(instance) for instance in visible_heads(depsgraph)]


def visible_heads(depsgraph: bpy.types.Depsgraph) -> Iterator[bpy.types.DepsgraphObjectInstance]:
    """Yield the head objects; each is valid only until the next one is asked for."""
    for instance in depsgraph.object_instances:
        shown = instance.object
        if instance.show_self and shown and shown.type == "MESH" and head_settings(shown).is_head:
            yield instance


def read_head(instance: bpy.types.DepsgraphObjectInstance) -> EvaluatedHead:
    """Copy what the maps need out of an evaluated object.

    Raises:
        UserError: the head has lost what the maps are drawn from.
    """
    head = instance.object
    assert head is not None
    mesh, settings = mesh_of(head), head_settings(head)
    count = len(mesh.vertices)
    if not count or not len(mesh.polygons):
        raise UserError(f"{head.name} has no faces left; undo, or make the head again with New Avatar.")
    missing = [name for name in (UV, MASK, COLOUR) if name not in mesh.attributes]
    if missing:
        raise UserError(f"{head.name} has lost its attribute {missing[0]}; make the head again with New Avatar.")
    local = point_values(mesh, "position", "vector", (count, 3))
    world = np.array(instance.matrix_world, np.float64)
    return EvaluatedHead(
        name=head.name,
        avatar=settings.avatar,
        look=look_of(settings),
        vertices=local @ world[:3, :3].T + world[:3, 3],
        triangles=triangles_of(mesh),
        uvs=point_values(mesh, UV, "vector", (count, 2)),
        uv_mask=point_values(mesh, MASK, "value", (count,)),
        colours=point_values(mesh, COLOUR, "color", (count, 4))[:, :3],
        mouth_light=mouth_light_of(settings, mesh),
    )


def mouth_light_of(settings: SemblanceObject, mesh: bpy.types.Mesh) -> MouthLight | None:
    """The light in its mouth, as `head_object` wrote it down; None for a head that has none."""
    if MOUTH not in mesh.attributes:
        return None
    places = point_values(mesh, MOUTH, "value", (len(mesh.vertices),))
    return MouthLight(places, np.array(settings.lip_rims, np.int32).reshape(2, PAIRS))


def look_of(settings: SemblanceObject) -> Look:
    """What a head's frames are made with besides its maps."""
    values: dict[str, Any] = {}
    for name, control in CONTROLS.items():
        value = getattr(settings, name)
        values[name] = value if control.numbers == 1 else tuple(value)
    return Look(**values)


def point_values(mesh: bpy.types.Mesh, attribute: str, field: str, shape: tuple[int, ...]) -> Floats:
    """Return a float attribute of the vertices as an array of `shape`: `[V]` or `[V, N]`.

    Raises:
        UserError: the attribute is of another kind or lies elsewhere than on the vertices.
    """
    values = np.empty(int(np.prod(shape)), np.float32)
    try:
        values_of(mesh.attributes[attribute]).foreach_get(field, values)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise UserError(f"The attribute {attribute} of {mesh.name} was changed; make the head again.") from error
    return values.reshape(shape)


def triangles_of(mesh: bpy.types.Mesh) -> Integers:
    """Return `[T, 3]`. A mesh of triangles keeps their order, on which depth ties in the maps depend."""
    corners = len(mesh.loops)
    if corners == 3 * len(mesh.polygons):
        triangles = np.empty(corners, np.int32)
        values_of(mesh.attributes[".corner_vert"]).foreach_get("value", triangles)
    else:
        mesh.calc_loop_triangles()
        triangles = np.empty(3 * len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("vertices", triangles)
    return triangles.reshape(-1, 3)


def window_camera(camera: bpy.types.Camera, size: int) -> PinholeCamera:
    """Return the intrinsics of the avatar's window (see `pixels.avatar_window`) on `size` x `size` pixels."""
    sensor = camera.sensor_height if camera.sensor_fit == "VERTICAL" else camera.sensor_width
    return pinhole_of(Lens(camera.lens * SENSOR / sensor, camera.shift_x, camera.shift_y, size, size))
