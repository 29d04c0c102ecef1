# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws heads in 3D and the objects about them into a viewport, the nearer over the farther.

Needs a GPU context, as `gpu_maps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats
    from .layers import Layer
    from .sight import Part

CORNERS = (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)
VERTEX = """
void main() {
    place = 0.5 * corner + 0.5;
    gl_Position = vec4(corner, 0.0, 1.0);
}
"""
FRAGMENT = """
void main() {
    vec4 object = texelFetch(objects, ivec2(place * vec2(textureSize(objects, 0))), 0);
    vec2 inside = (place - part.xy) / part.zw;
    vec4 head = vec4(0.0);
    float distance_to_head = 1e10;
    if (all(greaterThanEqual(inside, vec2(0.0))) && all(lessThan(inside, vec2(1.0)))) {
        head = texture(heads, inside);
        distance_to_head = texelFetch(depths, ivec2(inside * vec2(textureSize(depths, 0))), 0).r;
    }
    bool there = object.a > 0.0;
    vec4 solid = vec4(object.rgb, 1.0);
    if (there && object.a < distance_to_head)
        view = solid;
    else
        view = there ? head + solid * (1.0 - head.a) : head;
}
"""


class ViewPainter:
    """Draws over the whole of a viewport; belongs to the GPU context in which it was made."""

    def __init__(self) -> None:
        self._shader = view_shader()
        self._batch = batch_for_shader(self._shader, "TRI_STRIP", {"corner": CORNERS})
        self._layer: Layer | None = None
        self._textures: tuple[gpu.types.GPUTexture, gpu.types.GPUTexture] | None = None

    def draw(self, heads: Layer, part: Part, size: tuple[int, int], objects: gpu.types.GPUTexture) -> None:
        """Draw heads that lie in a part of a viewport of `size` pixels, and its objects (`MeshPainter.draw`)."""
        if heads is not self._layer or self._textures is None:
            self._textures = texture_of(heads.colour), depth_texture_of(heads.depth)
            self._layer = heads
        width, height = size
        bottom = height - part.top - part.height
        self._shader.bind()
        shares = part.left / width, bottom / height, part.width / width, part.height / height
        self._shader.uniform_float("part", shares)
        for name, texture in zip(("heads", "depths", "objects"), (*self._textures, objects), strict=True):
            self._shader.uniform_sampler(name, texture)
        gpu.state.blend_set("ALPHA_PREMULT")
        self._batch.draw(self._shader)
        gpu.state.blend_set("NONE")


def texture_of(colour: Floats) -> gpu.types.GPUTexture:
    """Return a texture of a picture `[H, W, 4]`, row 0 on top."""
    return uploaded(colour, "RGBA16F")


def depth_texture_of(depth: Floats) -> gpu.types.GPUTexture:
    """Return a texture of distances `[H, W]`, row 0 on top."""
    return uploaded(depth, "R32F")


def uploaded(values: Floats, kind: str) -> gpu.types.GPUTexture:
    """Return an array `[H, W, ...]`, row 0 on top, as a texture of this format."""
    height, width = values.shape[:2]
    data = gpu.types.Buffer("FLOAT", values.size, np.ascontiguousarray(values[::-1], np.float32).ravel())
    return gpu.types.GPUTexture((width, height), format=kind, data=data)


def view_shader() -> gpu.types.GPUShader:
    """The shader that lays heads and objects together."""
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("VEC4", "part")
    for slot, name in enumerate(("heads", "depths", "objects")):
        info.sampler(slot, "FLOAT_2D", name)
    info.vertex_in(0, "VEC2", "corner")
    passed = gpu.types.GPUStageInterfaceInfo("semblance_view")
    passed.smooth("VEC2", "place")
    info.vertex_out(passed)
    info.fragment_out(0, "VEC4", "view")
    info.vertex_source(VERTEX)
    info.fragment_source(FRAGMENT)
    return gpu.shader.create_from_info(info)
