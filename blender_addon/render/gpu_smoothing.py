# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings objects that were drawn at twice the size of a frame to its size, with smooth outlines.

Needs a GPU context, as `gpu_maps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from .gpu_views import CORNERS, VERTEX
from .layers import Layer

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats

FRAGMENT = """
void main() {
    ivec2 corner = 2 * ivec2(place * vec2(textureSize(objects, 0) / 2));
    vec4 sum = vec4(0.0);
    float nearest = 1e10;
    for (int number = 0; number < 4; number++) {
        vec4 object = texelFetch(objects, corner + ivec2(number % 2, number / 2), 0);
        if (object.a > 0.0) {
            sum += vec4(object.rgb, 1.0);
            nearest = min(nearest, object.a);
        }
    }
    colour = 0.25 * sum;
    depth = nearest;
}
"""


def smooth_layer(objects: gpu.types.GPUTexture) -> Layer:
    """Return `[H, W]` of what `MeshPainter.draw` has drawn on `2 H` x `2 W` pixels: the mean of the colours and what is
    covered of a pixel, and the nearest of its depths.
    """
    width, height = objects.width // 2, objects.height // 2
    targets = [gpu.types.GPUTexture((width, height), format=kind) for kind in ("RGBA32F", "R32F")]
    framebuffer = gpu.types.GPUFrameBuffer(color_slots=targets)
    shader = smoothing_shader()
    batch = batch_for_shader(shader, "TRI_STRIP", {"corner": CORNERS})
    with framebuffer.bind():
        gpu.state.viewport_set(0, 0, width, height)
        gpu.state.blend_set("NONE")
        shader.bind()
        shader.uniform_sampler("objects", objects)
        batch.draw(shader)
    colour, depth = (pixels_of(target) for target in targets)
    return Layer(colour, depth[..., 0])


def pixels_of(texture: gpu.types.GPUTexture) -> Floats:
    """Return a texture's floats, `[H, W, C]`, row 0 on top."""
    pixels = texture.read()
    flat = np.prod(pixels.dimensions)
    pixels.dimensions = int(flat)
    return np.array(pixels, np.float32).reshape(texture.height, texture.width, -1)[::-1]


def smoothing_shader() -> gpu.types.GPUShader:
    """The shader that takes four pixels together."""
    info = gpu.types.GPUShaderCreateInfo()
    info.sampler(0, "FLOAT_2D", "objects")
    info.vertex_in(0, "VEC2", "corner")
    passed = gpu.types.GPUStageInterfaceInfo("semblance_smoothing")
    passed.smooth("VEC2", "place")
    info.vertex_out(passed)
    info.fragment_out(0, "VEC4", "colour")
    info.fragment_out(1, "FLOAT", "depth")
    info.vertex_source(VERTEX)
    info.fragment_source(FRAGMENT)
    return gpu.shader.create_from_info(info)
