# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's splats as a point cloud that Blender itself draws, and that follows the head without this extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...common.errors import UserError
from .. import compat
from ..access import mesh_of, values_of
from ..words import translated
from . import axes
from .head_object import flat
from .splat_nodes import HEAD_INPUT, RIG_INPUT, make_group
from .splat_points import DISPLACEMENT, point_values

if TYPE_CHECKING:
    from ...protocol.splats import SplatCloud

SUFFIX = "Splats"
MODIFIER = "Semblance Splats"


def make_splats(head: bpy.types.Object, cloud: SplatCloud) -> bpy.types.Object:
    """Add a person's splats beside the head and return their object, a child of the head's rig.

    The head's mesh stays, as what the artist selects and moves, but is no longer drawn.

    Raises:
        UserError: this head has other vertices than the avatar's, or has lost its rig.
    """
    mesh, rig = mesh_of(head), head.parent
    if rig is None or rig.type != "ARMATURE":
        raise UserError(translated("{head} has lost its rig; undo, or add the avatar again.", head=head.name))
    if len(mesh.vertices) != len(cloud.rest):
        raise UserError(
            translated("{head} is another head than the avatar was built with; add the avatar again.", head=head.name)
        )
    write(mesh.attributes, DISPLACEMENT, "FLOAT_VECTOR", "vector", axes.points_to_blender(cloud.displacements))
    made = bpy.data.objects.new(f"{head.name} {SUFFIX}", point_cloud(cloud, f"{head.name} {SUFFIX}"))
    for collection in head.users_collection:
        collection.objects.link(made)
    made.parent = rig
    modifier = made.modifiers.new(MODIFIER, "NODES")
    assert isinstance(modifier, bpy.types.NodesModifier)
    modifier.node_group = make_group()
    compat.set_modifier_inputs(modifier, {HEAD_INPUT: head, RIG_INPUT: rig})
    head.hide_render, head.display_type = True, "BOUNDS"
    return made


def point_cloud(cloud: SplatCloud, name: str) -> bpy.types.PointCloud:
    """Return the splats of the head at rest."""
    made = compat.new_splats(name, len(cloud.corners))
    for attribute, (kind, field, values) in point_values(cloud).items():
        write(made.attributes, attribute, kind, field, values)
    return made


def write(attributes: Any, name: str, kind: str, field: str, values: Any) -> None:
    """Write an attribute of points, which is made when it is missing."""
    attribute = attributes.get(name) or attributes.new(name, kind, "POINT")
    row = np.ascontiguousarray(values).ravel() if kind == "INT" else flat(values)
    values_of(attribute).foreach_set(field, row)


def splats_of(head: bpy.types.Object) -> list[bpy.types.Object]:
    """Return the objects that draw a head's splats."""
    made = (each for each in (head.parent.children if head.parent else ()) if each.type == "POINTCLOUD")
    return [each for each in made if MODIFIER in each.modifiers]


def remove_splats(head: bpy.types.Object) -> None:
    """Remove a head's splats, if there are any."""
    for each in splats_of(head):
        modifier, data = each.modifiers[MODIFIER], each.data
        group = modifier.node_group if isinstance(modifier, bpy.types.NodesModifier) else None
        bpy.data.objects.remove(each)
        for left in (data, group):
            if left is not None and not left.users:
                bpy.data.batch_remove([left])
