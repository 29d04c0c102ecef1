# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the objects about a head with Blender's `gpu` module: colour and depth.

Simple studio shading: the viewport colour of each material under one soft light that goes with the camera. No
textures, shadows, reflections or lamps, and everything is opaque: enough to hold a cup before a face. For more, render
the objects with another engine and lay the pictures together by their depth passes.

Needs a GPU context, as `gpu_maps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gpu
import numpy as np
from mathutils import Matrix

from ..scene.axes import camera_from_world

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Doubles
    from .other_objects import Triangles
    from .sight import Sight

INPUTS = "position", "normal", "colour"
LIGHT = np.array([-0.35, -0.6, -0.72])
"""Where the light comes from, in camera space: from the upper left, behind the camera."""
NEAR_AND_FAR = 0.01, 1000.0
"""Distances between which objects are drawn where the camera has no clipping of its own."""
VERTEX = """
void main() {
    gl_Position = clip_from_world * vec4(position, 1.0);
    surface_normal = normal;
    surface_colour = colour;
}
"""
FRAGMENT = """
void main() {
    vec3 towards = normalize(gl_FrontFacing ? surface_normal : -surface_normal);
    float lit = 0.35 + 0.65 * max(dot(towards, light.xyz), 0.0);
    surface = vec4(surface_colour * lit, 1.0 / gl_FragCoord.w);
}
"""


class MeshPainter:
    """Draws triangles; keeps its shader and, while they are the same, the triangles on the GPU.

    Belongs to the GPU context in which it was made.
    """

    def __init__(self) -> None:
        self._shader = mesh_shader()
        self._drawn: Triangles | None = None
        self._batch: gpu.types.GPUBatch | None = None
        self._target: gpu.types.GPUTexture | None = None
        self._depth: gpu.types.GPUTexture | None = None  # the frame buffer itself does not keep it alive
        self._framebuffer: gpu.types.GPUFrameBuffer | None = None

    def draw(self, triangles: Triangles, sight: Sight, width: int, height: int) -> gpu.types.GPUTexture:
        """Draw the whole picture of `sight` on a grid of `width` x `height` pixels, its first row at the bottom.

        The texture, which the next call draws over, has scene-linear colours and, as the fourth value, the distance
        along the view: 0 where nothing is.
        """
        if self._target is None or (self._target.width, self._target.height) != (width, height):
            self._target = gpu.types.GPUTexture((width, height), format="RGBA32F")
            self._depth = gpu.types.GPUTexture((width, height), format="DEPTH_COMPONENT32F")
            self._framebuffer = gpu.types.GPUFrameBuffer(depth_slot=self._depth, color_slots=[self._target])
        assert self._framebuffer is not None
        with self._framebuffer.bind():
            gpu.state.viewport_set(0, 0, width, height)
            gpu.state.blend_set("NONE")
            gpu.state.face_culling_set("NONE")
            gpu.state.depth_mask_set(True)
            gpu.state.depth_test_set("LESS")
            self._framebuffer.clear(color=(0.0, 0.0, 0.0, 0.0), depth=1.0)
            self._draw_into(triangles, sight)
            gpu.state.depth_test_set("NONE")
            gpu.state.depth_mask_set(False)
        return self._target

    def _draw_into(self, triangles: Triangles, sight: Sight) -> None:
        if not len(triangles.positions):
            return
        if triangles is not self._drawn or self._batch is None:
            self._batch, self._drawn = batch_of(triangles), triangles
        light = np.linalg.inv(camera_from_world(sight.world)[:3, :3]) @ (LIGHT / np.linalg.norm(LIGHT))
        self._shader.bind()
        self._shader.uniform_float("clip_from_world", Matrix(clip_from_world(sight).tolist()))
        self._shader.uniform_float("light", (*light.tolist(), 0.0))
        self._batch.draw(self._shader)


def clip_from_world(sight: Sight) -> Doubles:
    """Return `[4, 4]`: the world to OpenGL's clip coordinates, of which the last is the distance along the view."""
    near, far = (sight.lens.clip_start, sight.lens.clip_end) if sight.lens else NEAR_AND_FAR
    camera, clip = sight.camera, np.zeros((4, 4))
    clip[0, 0], clip[0, 2] = 2 * camera.fx / camera.width, 2 * camera.cx / camera.width - 1
    clip[1, 1], clip[1, 2] = -2 * camera.fy / camera.height, 1 - 2 * camera.cy / camera.height
    clip[2, 2], clip[2, 3] = (far + near) / (far - near), -2 * far * near / (far - near)
    clip[3, 2] = 1
    matrix: Doubles = clip @ camera_from_world(sight.world)
    return matrix


def batch_of(triangles: Triangles) -> gpu.types.GPUBatch:
    """Return the triangles on the GPU."""
    layout = gpu.types.GPUVertFormat()
    for name in INPUTS:
        layout.attr_add(id=name, comp_type="F32", len=3, fetch_mode="FLOAT")
    buffer = gpu.types.GPUVertBuf(format=layout, len=len(triangles.positions))
    for name in INPUTS:
        buffer.attr_fill(name, np.ascontiguousarray(getattr(triangles, f"{name}s"), np.float32))
    return gpu.types.GPUBatch(type="TRIS", buf=buffer)


def mesh_shader() -> gpu.types.GPUShader:
    """The shader of plain surfaces."""
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("MAT4", "clip_from_world")
    info.push_constant("VEC4", "light")
    for slot, name in enumerate(INPUTS):
        info.vertex_in(slot, "VEC3", name)
    surface = gpu.types.GPUStageInterfaceInfo("semblance_object")
    surface.smooth("VEC3", "surface_normal")
    surface.smooth("VEC3", "surface_colour")
    info.vertex_out(surface)
    info.fragment_out(0, "VEC4", "surface")
    info.vertex_source(VERTEX)
    info.fragment_source(FRAGMENT)
    return gpu.shader.create_from_info(info)
