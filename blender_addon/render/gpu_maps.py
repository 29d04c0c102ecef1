# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the maps with Blender's `gpu` module: the same picture as the engine's rasteriser makes.

Needs a GPU context: a window, or the inside of a render by an engine with `bl_use_gpu_context`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gpu
import numpy as np

from ...protocol.inputs import Maps
from ...tracking.performances.maps import FRAGMENT_BODY, VERTEX_BODY, MapVertices

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats, Integers

INPUTS = (("VEC4", "clip"), ("VEC3", "uv"), ("VEC3", "colour"))
OUTPUTS = ("uv_map", "texture_map")


class MapPainter:
    """Draws maps of `width` x `height` pixels; keeps its shader, textures and index buffer between frames.

    Belongs to the GPU context in which it was made.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self._shader = map_shader()
        self._format = vertex_format()
        self._targets = [gpu.types.GPUTexture(self.size, format="RGBA32F") for _ in OUTPUTS]
        self._depth = gpu.types.GPUTexture(self.size, format="DEPTH_COMPONENT32F")
        self._framebuffer = gpu.types.GPUFrameBuffer(depth_slot=self._depth, color_slots=self._targets)
        self._triangles: Integers = np.empty((0, 3), np.int32)
        self._indices: gpu.types.GPUIndexBuf | None = None

    def draw(self, vertices: MapVertices, triangles: Integers) -> Maps:
        """Draw the maps of one frame: a posed head with `triangles [T, 3]` int32."""
        uv, texture = (np.ascontiguousarray(each[..., :3]) for each in self.drawn(vertices, triangles))
        return Maps(uv[None], texture[None])

    def drawn(self, vertices: MapVertices, triangles: Integers) -> tuple[Floats, Floats]:
        """Draw the UV map and the texture map, `[height, width, 4]` each; the fourth value is 1 where the head is."""
        batch = gpu.types.GPUBatch(type="TRIS", buf=self._vertex_buffer(vertices), elem=self._index_buffer(triangles))
        with self._framebuffer.bind():
            gpu.state.viewport_set(0, 0, *self.size)
            gpu.state.blend_set("NONE")
            gpu.state.face_culling_set("NONE")
            gpu.state.depth_mask_set(True)
            gpu.state.depth_test_set("LESS")
            self._framebuffer.clear(color=(0.0, 0.0, 0.0, 0.0), depth=1.0)
            batch.draw(self._shader)
            uv, texture = (self._read(slot) for slot in range(len(OUTPUTS)))
            gpu.state.depth_test_set("NONE")
            gpu.state.depth_mask_set(False)
        return uv, texture

    def _vertex_buffer(self, vertices: MapVertices) -> gpu.types.GPUVertBuf:
        buffer = gpu.types.GPUVertBuf(format=self._format, len=len(vertices.clip))
        for _, name in INPUTS:
            buffer.attr_fill(name, np.ascontiguousarray(getattr(vertices, name), np.float32))
        return buffer

    def _index_buffer(self, triangles: Integers) -> gpu.types.GPUIndexBuf:
        if self._indices is None or not np.array_equal(triangles, self._triangles):
            self._triangles = np.array(triangles, np.int32)
            self._indices = gpu.types.GPUIndexBuf(type="TRIS", seq=self._triangles)
        return self._indices

    def _read(self, slot: int) -> Floats:
        """Return a colour attachment as `[height, width, 4]`; OpenGL's row 0 is at the bottom."""
        width, height = self.size
        pixels = self._framebuffer.read_color(0, 0, width, height, 4, slot, "FLOAT")
        pixels.dimensions = width * height * 4
        return np.array(pixels, np.float32).reshape(height, width, 4)[::-1]


def vertex_format() -> gpu.types.GPUVertFormat:
    """The layout of the shader's inputs (`GPUShader.format_calc` names them otherwise in some Blender versions)."""
    layout = gpu.types.GPUVertFormat()
    for kind, name in INPUTS:
        layout.attr_add(id=name, comp_type="F32", len=int(kind[-1]), fetch_mode="FLOAT")
    return layout


def map_shader() -> gpu.types.GPUShader:
    """The maps' shader, from the GLSL that every renderer shares."""
    info = gpu.types.GPUShaderCreateInfo()
    for slot, (kind, name) in enumerate(INPUTS):
        info.vertex_in(slot, kind, name)
    surface = gpu.types.GPUStageInterfaceInfo("semblance_surface")
    surface.smooth("VEC3", "surface_uv")
    surface.smooth("VEC3", "surface_colour")
    info.vertex_out(surface)
    for slot, name in enumerate(OUTPUTS):
        info.fragment_out(slot, "VEC4", name)
    info.vertex_source(f"void main() {{{VERTEX_BODY}}}")
    info.fragment_source(f"void main() {{{FRAGMENT_BODY}}}")
    return gpu.shader.create_from_info(info)
