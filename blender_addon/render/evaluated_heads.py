# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads of an evaluated scene: shape keys, armature and modifiers applied, as plain arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from ...common.errors import UserError
from ..access import mesh_of, values_of
from ..properties import head_settings
from ..scene.axes import world_to_camera
from ..words import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy

    from ...protocol.inputs import Inputs
    from ...protocol.look import Look
    from ...protocol.pictures import Pictures
    from ...tracking.heads.arrays import Doubles, Floats
    from .layers import Layer
    from .painters import Painters
    from .sight import Sight


@dataclass(frozen=True, eq=False)
class EvaluatedHead(ABC):
    """A head as the scene shows it now; each kind of avatar has a class of its own (`kinds`).

    Attributes:
        in_space: True when it is seen from anywhere, among other objects; else only in its camera's frame.
        no_look: why the controls of the look mean nothing to it, as a sentence; empty when they do.
        name: the object's name.
        avatar: the avatar's id in the engine; empty when the head has none yet.
        look: what its frames are made with besides the inputs.
        vertices: `[V, 3]` world space, in the scene's units.
    """

    in_space: ClassVar[bool]
    no_look: ClassVar[str]

    name: str
    avatar: str
    look: Look
    vertices: Doubles

    @classmethod
    @abstractmethod
    def read(cls, instance: bpy.types.DepsgraphObjectInstance) -> Self:
        """Copy what its frames need out of an evaluated object.

        Raises:
            UserError: the head has lost it.
        """

    @abstractmethod
    def inputs(self, sight: Sight, painters: Painters) -> Inputs:
        """What the engine paints one frame from."""

    @abstractmethod
    def layer(self, pictures: Pictures, sight: Sight, from_rec709: Floats) -> Layer:
        """Put what the engine painted into the frame; `from_rec709 [3, 3]` as in `pixels.in_frame`."""

    def distance(self, camera_world: Doubles) -> float:
        """How far the middle of the head is, along the view, from a camera with the world matrix `[4, 4]`."""
        return float(world_to_camera(self.middle, camera_world)[0, 2])

    @cached_property
    def middle(self) -> Doubles:
        """The mean of its vertices, `[1, 3]`."""
        mean: Doubles = self.vertices.mean(0, keepdims=True)
        return mean


def visible_heads(depsgraph: bpy.types.Depsgraph) -> Iterator[bpy.types.DepsgraphObjectInstance]:
    """Yield the head objects; each is valid only until the next one is asked for."""
    for instance in depsgraph.object_instances:
        shown = instance.object
        if instance.show_self and shown and shown.type == "MESH" and head_settings(shown).is_head:
            yield instance


def world_vertices(instance: bpy.types.DepsgraphObjectInstance) -> Doubles:
    """Return `[V, 3]`. Raises UserError when the mesh has nothing left to show."""
    head = instance.object
    assert head is not None
    if head.mode == "EDIT":
        raise UserError(translated("{head} is being edited; leave Edit Mode (Tab) to render.", head=head.name))
    mesh = mesh_of(head)
    count = len(mesh.vertices)
    if not count or not len(mesh.polygons):
        raise UserError(
            translated("{head} has no faces left; undo, or make the head again with New Avatar.", head=head.name)
        )
    world = np.array(instance.matrix_world, np.float64)
    placed: Doubles = point_values(mesh, "position", "vector", (count, 3)) @ world[:3, :3].T + world[:3, 3]
    return placed


def point_values(mesh: bpy.types.Mesh, attribute: str, field: str, shape: tuple[int, ...]) -> Floats:
    """Return a float attribute of the vertices as an array of `shape`: `[V]` or `[V, N]`.

    Raises:
        UserError: the attribute is of another kind or lies elsewhere than on the vertices.
    """
    values = np.empty(int(np.prod(shape)), np.float32)
    try:
        values_of(mesh.attributes[attribute]).foreach_get(field, values)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise UserError(
            translated(
                "The attribute {attribute} of {mesh} was changed; make the head again.",
                attribute=attribute,
                mesh=mesh.name,
            )
        ) from error
    return values.reshape(shape)
