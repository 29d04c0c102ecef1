# SPDX-License-Identifier: GPL-3.0-or-later
"""The avatar's edge and colour made to fit the plate: a compositor modifier on its strip, with a few plain values."""

from __future__ import annotations

from typing import Any

import bpy

from ...common.errors import UserError
from .. import compat
from ..words import translated
from .sequencer import FRAMES
from .strips import OURS

NAME = "Match Plate"
"""What the modifier and its nodes are called."""
VALUES = (
    ("Shrink Edge", "NodeSocketInt", 1, 0, 20),
    ("Soften Edge", "NodeSocketFloat", 1.0, 0.0, 20.0),
    ("Exposure", "NodeSocketFloat", 0.0, -5.0, 5.0),
    ("Saturation", "NodeSocketFloat", 1.0, 0.0, 2.0),
)
"""What an artist can turn: name, kind, default, least, greatest; of the edge in pixels of the frame."""


def match_plate(sequence: bpy.types.Scene) -> None:
    """Give the avatar's strip the modifier, unless it has it.

    Raises:
        UserError: this Blender has no such modifier, or the avatar's strip is gone.
    """
    if reason := compat.why_no_compositor_modifier():
        raise UserError(reason)
    editor = sequence.sequence_editor
    strip = next((each for each in editor.strips if each.get(OURS) == FRAMES), None) if editor else None
    if strip is None:
        raise UserError(
            translated(
                "The scene {sequence} has no frames of an avatar; press Send to Sequencer.", sequence=sequence.name
            )
        )
    if NAME not in strip.modifiers:
        made: Any = strip.modifiers.new(NAME, "COMPOSITOR")
        made.node_group = bpy.data.node_groups.get(NAME) or make_nodes()


def make_nodes() -> Any:
    """Return a node group that shrinks and softens what is opaque, and changes its light and colour."""
    tree: Any = bpy.data.node_groups.new(NAME, "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="INPUT", socket_type="NodeSocketColor")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    for name, kind, default, least, most in VALUES:
        socket = tree.interface.new_socket(name, in_out="INPUT", socket_type=kind)
        socket.default_value, socket.min_value, socket.max_value = default, least, most
    given, result = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    split, inwards = tree.nodes.new("CompositorNodeSeparateColor"), tree.nodes.new("ShaderNodeMath")
    shrunk, soft = tree.nodes.new("CompositorNodeDilateErode"), tree.nodes.new("CompositorNodeBlur")
    light, colour = tree.nodes.new("CompositorNodeExposure"), tree.nodes.new("CompositorNodeHueSat")
    cut = tree.nodes.new("CompositorNodeSetAlpha")
    inwards.operation, inwards.inputs[1].default_value = "MULTIPLY", -1.0
    cut.inputs["Type"].default_value = "Apply Mask"
    for source, output, target, entry in (
        (given, "Image", split, "Image"),
        (given, "Shrink Edge", inwards, 0),
        (split, "Alpha", shrunk, "Mask"),
        (inwards, 0, shrunk, "Size"),
        (shrunk, "Mask", soft, "Image"),
        (given, "Soften Edge", soft, "Size"),
        (given, "Image", light, "Image"),
        (given, "Exposure", light, "Exposure"),
        (light, "Image", colour, "Image"),
        (given, "Saturation", colour, "Saturation"),
        (colour, "Image", cut, "Image"),
        (soft, "Image", cut, "Alpha"),
        (cut, "Image", result, "Image"),
    ):
        tree.links.new(source.outputs[output], target.inputs[entry])
    for column, node in enumerate((given, split, inwards, shrunk, soft, light, colour, cut, result)):
        node.location.x = 180 * column
    return tree
