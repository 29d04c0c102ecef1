# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads whose avatar is a head in 3D: the posed mesh and the camera go out, a picture with depth comes back."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from ...common.errors import UserError
from ...protocol.inputs import PosedMesh
from ...protocol.look import USUAL_LOOK
from ..access import mesh_of, pose_of
from ..properties import head_settings
from ..scene.axes import camera_from_world, head_rotation, world_to_camera
from ..scene.controls import expression_of
from ..scene.rig import HEAD_BONE
from ..words import translated
from . import pixels
from .evaluated_heads import EvaluatedHead, world_vertices
from .layers import NOTHING, Layer
from .sight import Part, part_of, part_with

if TYPE_CHECKING:
    import bpy

    from ...protocol.pictures import Pictures
    from ...tracking.heads.arrays import Doubles, Floats
    from .painters import Painters
    from .sight import Sight


@dataclass(frozen=True, eq=False)
class HeadInSpace(EvaluatedHead):
    """A head that is sent as it stands in the scene, at its natural size whatever size it has there.

    Attributes:
        expression: `[52]` values of the shape keys.
        placed: `[4, 4]` how the head's rest shape, in the armature's axes, comes into the world.
        footage: `[4, 4]` the world matrix of the camera that sees it as its footage does; None when that is gone, and
            the light goes with whoever looks.
    """

    in_space = True
    no_look = "A head in 3D has no moment of its footage and no layers to choose: move the head or the camera."

    expression: Floats
    placed: Doubles
    footage: Doubles | None

    @classmethod
    def read(cls, instance: bpy.types.DepsgraphObjectInstance) -> Self:
        """See `EvaluatedHead.read`."""
        head = instance.object
        assert head is not None
        vertices, settings = world_vertices(instance), head_settings(head)
        assert head.original is not None
        if len(vertices) != len(mesh_of(head.original).vertices):
            raise UserError(
                translated(
                    "{head} has a modifier that adds or removes vertices, which a head in 3D must keep; turn it off.",
                    head=head.name,
                )
            )
        footage = settings.camera
        return cls(
            name=head.name,
            avatar=settings.avatar,
            look=USUAL_LOOK,
            vertices=vertices,
            expression=expression_of(head),
            placed=placement_of(head, np.array(instance.matrix_world, np.float64)),
            footage=np.array(footage.matrix_world.normalized(), np.float64) if footage else None,
        )

    @property
    def size(self) -> float:
        """How many units of the scene its metre is."""
        return float(np.cbrt(abs(np.linalg.det(self.placed[:3, :3])))) or 1.0

    def inputs(self, sight: Sight, painters: Painters) -> PosedMesh:
        """See `EvaluatedHead.inputs`."""
        footage = sight.world if self.footage is None else self.footage
        view = camera_from_world(sight.world)[:3, :3] @ camera_from_world(footage)[:3, :3].T
        arrays = {
            "vertices": world_to_camera(self.vertices, sight.world) / self.size,
            "expression": self.expression,
            "rotation": head_rotation(self.placed, footage),
            "view": view,
            "camera": np.array(astuple(part_of(sight, self._part(sight)).camera)),
        }
        return PosedMesh(**{name: array[None].astype(np.float32) for name, array in arrays.items()})

    def layer(self, pictures: Pictures, sight: Sight, from_rec709: Floats) -> Layer:
        """See `EvaluatedHead.layer`."""
        if pictures.depth is None:
            raise UserError(translated("The engine sent {name} without its depth; update the engine.", name=self.name))
        painted, metres, part = pictures.rgba[0], pictures.depth[0], self._part(sight)
        colour = np.zeros((sight.camera.height, sight.camera.width, 4), np.float32)[::-1]  # from the bottom up
        depth = np.full(colour.shape[:2], NOTHING)[::-1]
        colour[part.rows, part.columns] = pixels.scene_linear(painted, from_rec709, transparent=True)
        depth[part.rows, part.columns] = np.where(metres > 0, metres * np.float32(self.size), NOTHING)
        return Layer(colour, depth)

    def _part(self, sight: Sight) -> Part:
        """The part of the picture that is sent for, which is all that can have something of the head."""
        return part_with(self.vertices, sight) or Part(0, 0, 1, 1)


def placement_of(head: bpy.types.Object, world: Doubles) -> Doubles:
    """Return `[4, 4]`: where the head bone, and the object with its own world matrix `[4, 4]`, bring the rest shape."""
    rig = head.parent
    if rig is None or rig.type != "ARMATURE" or HEAD_BONE not in pose_of(rig).bones:
        return world
    bone = pose_of(rig).bones[HEAD_BONE]
    moved = np.array(bone.matrix @ bone.bone.matrix_local.inverted(), np.float64)
    base = np.array(rig.matrix_world, np.float64)
    placed: Doubles = base @ moved @ np.linalg.pinv(base) @ world
    return placed
