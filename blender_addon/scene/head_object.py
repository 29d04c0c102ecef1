# SPDX-License-Identifier: GPL-3.0-or-later
"""The head as a mesh: exactly the morphable head's vertices, 52 shape keys, and what the maps are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...tracking.heads.head import ARKIT_NAMES, MorphableHead
from ...tracking.heads.srgb import linear_light
from ..access import values_of
from ..properties import head_settings
from . import axes
from .attributes import COLOUR, MASK, MOUTH, UV

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import AttributeTypeItems

    from ...tracking.heads.arrays import Floats, Integers

DISPLAY_COLOUR = "Colour"
"""The same colours for the viewport: linear, and brightened against its studio light."""

STUDIO_GAIN = 1.6
"""Blender's default studio light returns some 60 percent of a colour; brightened so, the head looks like its maps."""


def make_head(head: MorphableHead, identity: Floats, texture: Floats, name: str) -> bpy.types.Object:
    """Return a new mesh object, not yet in any collection: `head` with a person's `identity [I]` and `texture [K]`.

    Vertex i of the mesh is vertex i of the head, in the armature's axes (see `axes`).
    """
    neutral = head.neutral(identity).astype(np.float32)
    colours = head.texture(texture)
    mesh = make_mesh(axes.points_to_blender(neutral), head.triangles, name)
    add_uv_layer(mesh, head.uvs, head.triangles)
    add_attribute(mesh, UV, "FLOAT2", "vector", head.uvs)
    add_attribute(mesh, MASK, "FLOAT", "value", head.uv_mask)
    add_attribute(mesh, COLOUR, "FLOAT_COLOR", "color", with_alpha(colours))
    add_attribute(mesh, DISPLAY_COLOUR, "FLOAT_COLOR", "color", with_alpha(linear_light(colours) * STUDIO_GAIN))
    mesh.color_attributes.active_color = mesh.color_attributes[DISPLAY_COLOUR]
    mesh.color_attributes.render_color_index = mesh.color_attributes.find(DISPLAY_COLOUR)
    mesh.materials.append(skin_material(colours))
    made = bpy.data.objects.new(name, mesh)
    add_shape_keys(made, neutral, head.expressions(neutral))
    settings = head_settings(made)
    settings.is_head, settings.head_name = True, head.name
    if head.mouth_light is not None:
        add_attribute(mesh, MOUTH, "FLOAT", "value", head.mouth_light.places)
        settings.lip_rims = head.mouth_light.rims.ravel().tolist()
    return made


def make_mesh(vertices: Floats, triangles: Integers, name: str) -> bpy.types.Mesh:
    """Return a smooth mesh of `[V, 3]` vertices and `[T, 3]` triangles."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", flat(vertices))
    mesh.loops.add(triangles.size)
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(triangles, np.int32).ravel())
    mesh.polygons.add(len(triangles))
    mesh.polygons.foreach_set("loop_start", np.arange(0, triangles.size, 3, dtype=np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(triangles), bool))
    mesh.update(calc_edges=True)
    return mesh


def add_shape_keys(made: bpy.types.Object, neutral: Floats, basis: Floats) -> None:
    """Add the neutral shape as the basis and the 52 expressions `[52, V, 3]`, whose sliders go from 0 to 1."""
    made.shape_key_add(name="Basis", from_mix=False)
    for name, offsets in zip(ARKIT_NAMES, basis, strict=True):
        key = made.shape_key_add(name=name, from_mix=False)
        key.points.foreach_set("co", flat(axes.points_to_blender(neutral + offsets)))
        key.slider_min, key.slider_max, key.value = 0.0, 1.0, 0.0


def add_uv_layer(mesh: bpy.types.Mesh, uvs: Floats, triangles: Integers) -> None:
    """Add the UV layer for artists, of `uvs [V, 2]` and `triangles [T, 3]`; Blender's (0, 0) is bottom left."""
    layer = mesh.uv_layers.new(name="UVMap")
    corners = np.stack([uvs[:, 0], 1 - uvs[:, 1]], -1)[triangles.ravel()]
    layer.uv.foreach_set("vector", flat(corners))


def add_attribute(mesh: bpy.types.Mesh, name: str, kind: AttributeTypeItems, field: str, values: Floats) -> None:
    """Add a value a vertex, `[V]` or `[V, N]`."""
    values_of(mesh.attributes.new(name, kind, "POINT")).foreach_set(field, flat(values))


def skin_material(colours: Floats) -> bpy.types.Material:
    """Return a plain material that shows the head's `colours [V, 3]`; solid view without colours shows their mean."""
    material = bpy.data.materials.new("Semblance Head")
    material.use_nodes = True
    material.diffuse_color = (*linear_light(colours.mean(0)), 1.0)
    assert material.node_tree is not None
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    set_input(shader, "Roughness", 0.55)
    attribute: Any = nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = COLOUR
    attribute.location = (-460, 220)
    to_linear = nodes.new("ShaderNodeGamma")
    set_input(to_linear, "Gamma", 2.2)
    to_linear.location = (-240, 220)
    links.new(attribute.outputs["Color"], to_linear.inputs["Color"])
    links.new(to_linear.outputs["Color"], shader.inputs["Base Color"])
    return material


def set_input(node: bpy.types.Node, name: str, value: float) -> None:
    """Set an input of a node; only the kinds of sockets that have a value are typed to have one."""
    socket: Any = node.inputs[name]
    socket.default_value = value


def with_alpha(colours: Floats) -> Floats:
    """Return `[V, 4]` opaque colours."""
    return np.concatenate([colours, np.ones((len(colours), 1), np.float32)], -1)


def flat(values: Floats) -> Floats:
    """Return the values as `foreach_set` takes them fastest: `[N]` float32 in a row."""
    return np.ascontiguousarray(values, np.float32).ravel()
