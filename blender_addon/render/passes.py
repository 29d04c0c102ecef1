# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of a frame beside its picture: depth, the head's UVs and texture, and the person's matte.

UV and texture are drawn from the head's mesh as the frame's camera sees it, not taken from what the network painted:
they are what an artist lays something onto the face with. The matte is the network's own alpha.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import bpy
import numpy as np
from bpy.props import BoolProperty, PointerProperty

from ...tracking.heads.srgb import linear_light
from ..properties import head_settings
from .evaluated_heads import visible_heads
from .layers import Layer, composite
from .portraits import PortraitHead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...tracking.heads.arrays import Floats
    from .painters import Painters
    from .sight import Sight


class Pass(NamedTuple):
    """A pass as Blender knows it: its name, channels, their letters and kind, and what a view layer asks for it by."""

    name: str
    channels: int
    letters: str
    kind: Literal["VALUE", "VECTOR", "COLOR"]
    wanted_by: str


DEPTH = Pass("Depth", 1, "Z", "VALUE", "use_pass_z")
"""Of distances."""
UV = Pass("UV", 3, "UVA", "VECTOR", "use_pass_uv")
"""Where a pixel lies on the head's UV layer, and 1 where it lies on it at all."""
TEXTURE = Pass("Texture", 4, "RGBA", "COLOR", "semblance.texture")
"""What the head itself looks like under a plain light."""
MATTE = Pass("Matte", 1, "X", "VALUE", "semblance.matte")
"""How much of a pixel heads cover that nothing hides."""
PASSES = DEPTH, UV, TEXTURE, MATTE


def passes_changed(_settings: object, context: bpy.types.Context) -> None:
    """Let compositor nodes show the passes that there are now."""
    if context.view_layer:
        context.view_layer.update_render_passes()


class SemblancePasses(bpy.types.PropertyGroup):
    """The passes of a view layer that Blender itself does not know."""

    if TYPE_CHECKING:
        texture: bool
        matte: bool
    else:
        texture: BoolProperty(
            name="Texture Pass",
            description="What the head itself looks like under a plain light",
            update=passes_changed,
        )
        matte: BoolProperty(
            name="Matte Pass", description="How much of each pixel the person covers", update=passes_changed
        )


def wanted_passes(layer: bpy.types.ViewLayer) -> list[Pass]:
    """The passes that a view layer asks for."""
    return [each for each in PASSES if layer.path_resolve(each.wanted_by)]


def values_of_passes(
    wanted: Sequence[Pass],
    layers: Sequence[Layer],
    objects: Layer | None,
    surfaces: Surfaces | None,
    shape: tuple[int, int],
) -> Iterator[tuple[str, Floats]]:
    """Yield the name and the values `[H, W]` or `[H, W, C]` of each pass that is wanted beside the picture and its
    depth, row 0 on top.

    `layers` are the heads of a frame of `shape`, `objects` what stands about them, `surfaces` are needed for UV and
    texture only.
    """
    for each in wanted:
        if each == MATTE:
            yield each.name, matte_of(layers, objects, shape)
        elif surfaces and each != DEPTH:
            yield each.name, surfaces.uv if each == UV else surfaces.texture


def matte_of(heads: Sequence[Layer], objects: Layer | None, shape: tuple[int, ...]) -> Floats:
    """Return `[H, W]`: what heads cover where objects do not hide them."""
    white = [Layer(np.repeat(each.colour[..., 3:], 4, -1), each.depth) for each in heads]
    if not white:
        return np.zeros(shape, np.float32)
    black = [Layer(objects.colour * np.array([0, 0, 0, 1], np.float32), objects.depth)] if objects else []
    matte: Floats = composite([*white, *black]).colour[..., 0]
    return matte


class Surfaces:
    """The meshes of a scene's heads as a frame's camera sees them.

    Attributes:
        uv: `[H, W, 3]`: u, v as in the head's UV layer (v upward), and 1 on the head's texture, else 0.
        texture: `[H, W, 4]` scene-linear, premultiplied.
    """

    def __init__(self, depsgraph: bpy.types.Depsgraph, sight: Sight, painters: Painters, from_rec709: Floats) -> None:
        width, height = sight.camera.width, sight.camera.height
        self.uv = np.zeros((height, width, 3), np.float32)
        self.texture = np.zeros((height, width, 4), np.float32)
        heads = [
            PortraitHead.read(each)
            for each in visible_heads(depsgraph)
            if each.object and head_settings(each.object).avatar
        ]
        painter = painters.surfaces(width, height)
        for head in sorted(heads, key=lambda head: -head.distance(sight.world)):
            uv, texture = painter.drawn(head.map_vertices(sight.world, sight.camera), head.triangles)
            there = texture[..., 3] > 0
            on_face = uv[..., 2:3]
            self.uv[there] = (np.stack([uv[..., 0], 1 - uv[..., 1], uv[..., 2]], -1) * on_face)[there]
            self.texture[there, :3] = linear_light(texture[there, :3]) @ from_rec709.T
            self.texture[there, 3] = 1


def register() -> None:
    """Add the settings to view layers."""
    bpy.utils.register_class(SemblancePasses)
    place: Any = bpy.types.ViewLayer
    place.semblance = PointerProperty(type=SemblancePasses)  # type: ignore[func-returns-value]  # its stub is wrong


def unregister() -> None:
    """Undo `register`."""
    place: Any = bpy.types.ViewLayer
    del place.semblance
    bpy.utils.unregister_class(SemblancePasses)
