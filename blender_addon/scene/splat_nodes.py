# SPDX-License-Identifier: GPL-3.0-or-later
"""The Geometry Nodes group that keeps splats on the triangles of a posed head, as `SplatCloud.placed` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...protocol.splats import FACING_AWAY, LEAST_GROWTH, MOST_GROWTH
from . import splat_points as points
from .rig import HEAD_BONE

if TYPE_CHECKING:
    from bpy.types import NodeSocket

GROUP = "Semblance Splats"
HEAD_INPUT, RIG_INPUT = "Head", "Rig"
COLUMN = 180
"""Width of a column of nodes."""


class NodeGroup:
    """A group under construction: nodes are added to the right of each other, and linked as they are added."""

    def __init__(self, name: str) -> None:
        tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
        assert isinstance(tree, bpy.types.GeometryNodeTree)
        self.tree, self._placed = tree, 0

    def add(self, kind: str, inputs: dict[str, Any] | None = None, **settings: Any) -> Any:
        """Add a node with these settings; an input is a socket to link from, or a value."""
        node: Any = self.tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            socket = next(each for each in node.inputs if each.identifier == name)
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = value
        column, row = divmod(self._placed, 4)
        node.location, self._placed = (COLUMN * column, -200 * row), self._placed + 1
        return node

    def named(self, name: str, kind: str) -> NodeSocket:
        """Read an attribute of the points."""
        node = self.add("GeometryNodeInputNamedAttribute", {"Name": name}, data_type=kind)
        return enabled(node.outputs)

    def vector(self, operation: str, *inputs: Any) -> Any:
        """Compute with vectors: the node, whose outputs are `Vector` and `Value`."""
        names = ("Vector", "Vector_001", "Vector_002")
        return self.add("ShaderNodeVectorMath", dict(zip(names, inputs, strict=False)), operation=operation)

    def scaled(self, vector: Any, factor: Any) -> NodeSocket:
        """Multiply a vector by a number."""
        inputs = {"Vector": vector, "Scale": factor}
        return output(self.add("ShaderNodeVectorMath", inputs, operation="SCALE"), "Vector")

    def number(self, operation: str, *inputs: Any) -> NodeSocket:
        """Compute with numbers."""
        names = ("Value", "Value_001", "Value_002")
        return output(self.add("ShaderNodeMath", dict(zip(names, inputs, strict=False)), operation=operation), "Value")

    def store(self, geometry: Any, name: str, kind: str, value: Any) -> NodeSocket:
        """Write an attribute of the points."""
        node = self.add("GeometryNodeStoreNamedAttribute", {"Geometry": geometry, "Name": name}, data_type=kind)
        self.tree.links.new(value, node.inputs["Value"])
        return output(node, "Geometry")


def make_group() -> bpy.types.GeometryNodeTree:
    """Return a new group for a modifier of splats: the head and its rig are its inputs."""
    group = NodeGroup(GROUP)
    sockets = group.tree.interface
    assert sockets is not None
    for name, kind in (("Geometry", "Geometry"), (HEAD_INPUT, "Object"), (RIG_INPUT, "Object")):
        sockets.new_socket(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
    sockets.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    given = group.add("NodeGroupInput").outputs
    head = displaced_head(group, given[HEAD_INPUT], given[RIG_INPUT])
    a, b, c = (corner_of(group, head, name) for name in points.CORNERS)
    along = output(group.vector("SUBTRACT", b, a), "Vector")
    across = output(group.vector("CROSS_PRODUCT", along, output(group.vector("SUBTRACT", c, a), "Vector")), "Vector")
    axes = {"Primary Axis": along, "Secondary Axis": across}
    frame = output(
        group.add("FunctionNodeAxesToRotation", axes, primary_axis="X", secondary_axis="Z"),
        "Rotation",
    )
    geometry = with_place(group, given["Geometry"], place_of(group, (a, b, c), frame))
    geometry = group.store(geometry, points.ROTATION, "QUATERNION", rotation_of(group, frame))
    scale = group.scaled(group.named(points.REST_SCALE, "FLOAT_VECTOR"), growth_of(group, across))
    geometry = group.store(geometry, points.SCALE, "FLOAT_VECTOR", scale)
    group.add("NodeGroupOutput", {"Socket_3": what_faces_the_camera(group, geometry, across)})
    return group.tree


def with_place(group: NodeGroup, geometry: Any, place: Any) -> NodeSocket:
    """The points, moved."""
    moved = {"Geometry": geometry, "Position": place}
    return output(group.add("GeometryNodeSetPosition", moved), "Geometry")


def rotation_of(group: NodeGroup, frame: Any) -> NodeSocket:
    """A splat's rotation, from its own in its triangle's frame."""
    own = {"Rotation": frame, "Rotate By": group.named(points.TURN, "QUATERNION")}
    return output(group.add("FunctionNodeRotateRotation", own, rotation_space="LOCAL"), "Rotation")


def what_faces_the_camera(group: NodeGroup, geometry: Any, normal: Any) -> NodeSocket:
    """The points without those that training never saw from the scene's camera; in viewports, which look from anywhere,
    and without a camera, all of them."""
    camera = output(group.add("GeometryNodeInputActiveCamera"), "Active Camera")
    place = output(group.add("GeometryNodeObjectInfo", {"Object": camera}, transform_space="RELATIVE"), "Location")
    there = output(group.vector("LENGTH", place), "Value")
    position = output(group.add("GeometryNodeInputPosition"), "Position")
    sight = output(group.vector("NORMALIZE", output(group.vector("SUBTRACT", position, place), "Vector")), "Vector")
    cosine = output(group.vector("DOT_PRODUCT", sight, output(group.vector("NORMALIZE", normal), "Vector")), "Value")
    away = group.number("MULTIPLY", group.number("GREATER_THAN", cosine, FACING_AWAY), group.number("SIGN", there))
    looking = output(group.add("GeometryNodeIsViewport"), "Is Viewport")
    unseen = group.number("GREATER_THAN", away, looking)
    return output(
        group.add("GeometryNodeDeleteGeometry", {"Geometry": geometry, "Selection": unseen}, domain="POINT"), "Geometry"
    )


def displaced_head(group: NodeGroup, head: Any, rig: Any) -> NodeSocket:
    """The evaluated head in the splats' own space, its vertices displaced as the head turns."""
    shape = group.add("GeometryNodeObjectInfo", {"Object": head}, transform_space="RELATIVE")
    bone = group.add("GeometryNodeBoneInfo", {"Armature": rig, "Bone Name": HEAD_BONE}, transform_space="RELATIVE")
    from_rest = output(group.add("FunctionNodeInvertMatrix", {"Matrix": output(bone, "Rest Pose")}), "Matrix")
    move = group.add("FunctionNodeMatrixMultiply", {"Matrix": output(bone, "Pose"), "Matrix_001": from_rest})
    turned = group.add(
        "FunctionNodeTransformDirection",
        {"Direction": group.named(points.DISPLACEMENT, "FLOAT_VECTOR"), "Transform": output(move, "Matrix")},
    )
    moved = {"Geometry": output(shape, "Geometry"), "Offset": output(turned, "Direction")}
    return output(group.add("GeometryNodeSetPosition", moved), "Geometry")


def corner_of(group: NodeGroup, head: Any, name: str) -> NodeSocket:
    """Where the head's vertex is whose number is the attribute `name`."""
    position = output(group.add("GeometryNodeInputPosition"), "Position")
    sample = group.add("GeometryNodeSampleIndex", {"Geometry": head}, data_type="FLOAT_VECTOR", domain="POINT")
    group.tree.links.new(position, sample.inputs["Value"])
    group.tree.links.new(group.named(name, "INT"), sample.inputs["Index"])
    return enabled(sample.outputs)


def place_of(group: NodeGroup, corners: tuple[Any, Any, Any], frame: Any) -> NodeSocket:
    """Where a splat is: its corners weighted, and its offset in their frame."""
    weights = group.add("ShaderNodeSeparateXYZ", {"Vector": group.named(points.WEIGHTS, "FLOAT_VECTOR")})
    offset = {"Vector": group.named(points.OFFSET, "FLOAT_VECTOR"), "Rotation": frame}
    place = output(group.add("FunctionNodeRotateVector", offset), "Vector")
    for corner, weight in zip(corners, weights.outputs, strict=True):
        place = output(group.vector("ADD", place, group.scaled(corner, weight)), "Vector")
    return place


def growth_of(group: NodeGroup, across: Any) -> NodeSocket:
    """How much a triangle has grown, whose edges have the cross product `across`."""
    doubled = output(group.vector("LENGTH", across), "Value")
    size = group.number("SQRT", group.number("MULTIPLY", doubled, 0.5))
    grown = group.number("DIVIDE", size, group.named(points.REST_SIZE, "FLOAT"))
    limits = {"Value": grown, "Min": LEAST_GROWTH, "Max": MOST_GROWTH}
    return output(group.add("ShaderNodeClamp", limits), "Result")


def output(node: Any, name: str) -> NodeSocket:
    """A node's output."""
    found: NodeSocket = node.outputs[name]
    return found


def enabled(sockets: Any) -> NodeSocket:
    """The first socket in use; nodes of older Blenders have one for each type."""
    found: NodeSocket = next(each for each in sockets if each.enabled)
    return found
