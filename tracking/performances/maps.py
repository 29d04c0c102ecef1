# SPDX-License-Identifier: GPL-3.0-or-later
"""What the maps show, said once for every renderer: the engine's (OpenGL) and Blender's (`gpu`).

Projection and light are computed here, a vertex at a time; a renderer only interpolates between vertices
(perspective-correct), keeps the nearest surface, culls nothing and does not anti-alias. Every triangle is drawn into
both maps; where the face region ends the UV map is black, because what lies there still hides what is behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..heads.shading import shade, vertex_normals

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Integers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead
    from ..heads.mouth_light import MouthLight
    from .performance import Performance

MAP_SIZE = 256
"""Pixels a side of the maps in datasets and of those that networks take."""

VERTEX_BODY = """
    gl_Position = clip;
    surface_uv = uv;
    surface_colour = colour;
"""
"""GLSL of the vertex stage. In: `vec4 clip`, `vec3 uv`, `vec3 colour`. Out: `vec3 surface_uv, surface_colour`."""

FRAGMENT_BODY = """
    uv_map = surface_uv.z > 0.5 ? vec4(surface_uv.xy, 1.0, 1.0) : vec4(0.0, 0.0, 0.0, 1.0);
    texture_map = vec4(surface_colour, 1.0);
"""
"""GLSL of the fragment stage. Out: `vec4 uv_map` (location 0), `vec4 texture_map` (location 1); background zero."""


@dataclass(frozen=True)
class MapVertices:
    """A posed head, ready to be drawn as maps.

    Attributes:
        clip: `[V, 4]` OpenGL clip coordinates: x right, y up, depth -1 to 1 after division by w.
        uv: `[V, 3]`: u, v and the mask, 0 to 1. A pixel belongs to the face region where its mask is above 0.5.
        colour: `[V, 3]` lit sRGB colour, 0 to 1.
    """

    clip: Floats
    uv: Floats
    colour: Floats


def map_vertices(
    camera_space_vertices: Floats,
    triangles: Integers,
    uvs: Floats,
    uv_mask: Floats,
    colours: Floats,
    camera: PinholeCamera,
    mouth_light: MouthLight | None,
) -> MapVertices:
    """Project and light a head.

    Arguments: vertices `[V, 3]` in camera space (metres), `triangles [T, 3]` wound outward, `uvs [V, 2]`,
    `uv_mask [V]` 0 or 1, unlit sRGB `colours [V, 3]` 0 to 1, the camera of the window that the maps show, and the
    head's `mouth_light`.
    """
    vertices = np.asarray(camera_space_vertices, np.float32)
    normals = vertex_normals(vertices, triangles)
    uv = np.concatenate([uvs, np.asarray(uv_mask)[:, None]], -1, dtype=np.float32)
    lit = shade(colours, normals)
    if mouth_light is not None:
        lit, uv = mouth_light.dimmed(lit, vertices), mouth_light.behind_closed_lips(uv, vertices)
    return MapVertices(camera.clip(vertices), uv, lit)


def frame_vertices(head: MorphableHead, performance: Performance, index: int, neutral: Floats | None = None) -> Floats:
    """Return `[V, 3]`, in camera space (metres), of one frame of a performance.

    `neutral [V, 3]` is `head.neutral(performance.identity)`; give it when drawing many frames.
    """
    if neutral is None:
        neutral = head.neutral(performance.identity)
    vertices = head.posed(neutral, performance.expression[index], performance.gaze[index])
    placed: Floats = vertices @ performance.rotation[index].T + performance.translation[index]
    return placed


def frame_maps(
    head: MorphableHead,
    performance: Performance,
    index: int,
    neutral: Floats | None = None,
    colours: Floats | None = None,
) -> MapVertices:
    """Return what the maps of one frame of a performance show.

    `neutral [V, 3]` and `colours [V, 3]` (`head.texture(performance.texture)`) are worth giving to draw many frames.
    """
    if colours is None:
        colours = head.texture(performance.texture)
    vertices = frame_vertices(head, performance, index, neutral)
    surface = vertices, head.triangles, head.uvs, head.uv_mask, colours
    return map_vertices(*surface, performance.camera, head.mouth_light)
