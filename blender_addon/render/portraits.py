# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads whose avatar is a portrait: maps go out, a square picture of the camera's frame comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...common.errors import UserError
from ...protocol.foreground import person_alone
from ...protocol.look import CONTROLS, Look
from ...tracking.heads.mouth_light import PAIRS, MouthLight
from ...tracking.performances.maps import MAP_SIZE, MapVertices, map_vertices
from ..access import mesh_of, values_of
from ..properties import SemblanceObject, head_settings
from ..scene.attributes import COLOUR, MASK, MOUTH, UV
from ..scene.axes import world_to_camera
from ..scene.camera import window_camera
from ..words import translated
from . import pixels
from .evaluated_heads import EvaluatedHead, point_values, world_vertices
from .layers import Layer
from .own_camera import OwnCamera, part_seen, same_lens

if TYPE_CHECKING:
    import bpy

    from ...protocol.inputs import Maps
    from ...protocol.pictures import Pictures
    from ...tracking.heads.arrays import Doubles, Floats, Integers
    from ...tracking.heads.camera import PinholeCamera
    from .painters import Painters
    from .sight import Sight


@dataclass(frozen=True, eq=False)
class PortraitHead(EvaluatedHead):
    """A head that becomes maps; its person is one plane in the depth of the scene, at the middle of the head.

    Attributes:
        triangles: `[T, 3]`; uvs: `[V, 2]`; uv_mask: `[V]`; colours: `[V, 3]` sRGB 0 to 1.
        mouth_light: what darkens the inside of the mouth; None for a head that has none.
        own: the camera that sees the head as its footage does; None when that is gone.
    """

    in_space = False
    no_look = ""

    triangles: Integers
    uvs: Floats
    uv_mask: Floats
    colours: Floats
    mouth_light: MouthLight | None
    own: OwnCamera | None

    @classmethod
    def read(cls, instance: bpy.types.DepsgraphObjectInstance) -> Self:
        """See `EvaluatedHead.read`."""
        head = instance.object
        assert head is not None
        vertices = world_vertices(instance)
        mesh, settings = mesh_of(head), head_settings(head)
        assert head.original is not None
        if len(vertices) < len(mesh_of(head.original).vertices):
            raise UserError(
                translated(
                    "{head} has a modifier that removes vertices, such as Mask; turn it off to render.", head=head.name
                )
            )
        missing = [name for name in (UV, MASK, COLOUR) if name not in mesh.attributes]
        if missing:
            raise UserError(
                translated(
                    "{head} has lost its attribute {attribute}; make the head again with New Avatar.",
                    head=head.name,
                    attribute=missing[0],
                )
            )
        return cls(
            name=head.name,
            avatar=settings.avatar,
            look=look_of(settings),
            vertices=vertices,
            triangles=triangles_of(mesh),
            uvs=point_values(mesh, UV, "vector", (len(vertices), 2)),
            uv_mask=point_values(mesh, MASK, "value", (len(vertices),)),
            colours=point_values(mesh, COLOUR, "color", (len(vertices), 4))[:, :3],
            mouth_light=mouth_light_of(settings, mesh),
            own=OwnCamera.read(settings.camera),
        )

    def inputs(self, sight: Sight, painters: Painters) -> Maps:
        """See `EvaluatedHead.inputs`; portraits are seen through a camera only."""
        window, _ = self.window(sight)
        return painters.maps.draw(self.map_vertices(sight.world, window), self.triangles)

    def window(self, sight: Sight) -> tuple[PinholeCamera, pixels.Window]:
        """Return the square that the network paints: intrinsics on `MAP_SIZE` pixels, and where it lies in the frame.

        Seen from where the head's own camera is, that is the window of the footage that the network has learned,
        whatever the lens: through the plate's, it lies in its place in the plate. From elsewhere it is the frame's.
        """
        assert sight.lens is not None
        square = window_camera(sight.lens, MAP_SIZE, sight.lens_shift)
        if self.own is not None and self.own.is_beside(sight.world) and not same_lens(self.own.window, square):
            return self.own.window, part_seen(self.own.window, sight.camera)
        width, height = sight.camera.width, sight.camera.height
        return square, pixels.avatar_window(width, height, sight.lens.sensor_fit, sight.pixel_aspect)

    def map_vertices(self, camera_world: Doubles, camera: PinholeCamera) -> MapVertices:
        """Project and light the head for a Blender camera's world matrix `[4, 4]` and the intrinsics of its window."""
        vertices = world_to_camera(self.vertices, camera_world)
        surface = vertices, self.triangles, self.uvs, self.uv_mask, self.colours
        return map_vertices(*surface, camera, self.mouth_light)

    def layer(self, pictures: Pictures, sight: Sight, from_rec709: Floats) -> Layer:
        """See `EvaluatedHead.layer`. Over the backdrop the person's layer is the portrait as it was painted."""
        width, height = sight.camera.width, sight.camera.height
        _, window = self.window(sight)
        alone = person_alone(pictures.rgba[0])
        person = pixels.in_frame(alone, window, width, height, from_rec709, transparent=True)
        depth = np.broadcast_to(np.float32(self.distance(sight.world)), (height, width))

        def backdrop() -> Floats:
            painted = pictures.rgba[0]
            whole = pixels.in_frame(painted, window, width, height, from_rec709, transparent=False)
            return pixels.behind(person, whole)

        return Layer(person, depth, backdrop)


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
