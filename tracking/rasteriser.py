# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the UV map and the texture map with OpenGL, without a window (EGL; Mesa's llvmpipe will do)."""

from __future__ import annotations

import threading

import moderngl
import numpy as np

from ..common.errors import UserError
from .dataset import MAP_SIZE
from .heads.head import Floats, Integers
from .heads.maps import FRAGMENT_BODY, VERTEX_BODY, MapVertices

VERTEX_SHADER = f"""
#version 330
in vec4 clip;
in vec3 uv;
in vec3 colour;
smooth out vec3 surface_uv;
smooth out vec3 surface_colour;
void main() {{{VERTEX_BODY}}}
"""
FRAGMENT_SHADER = f"""
#version 330
smooth in vec3 surface_uv;
smooth in vec3 surface_colour;
layout(location = 0) out vec4 uv_map;
layout(location = 1) out vec4 texture_map;
void main() {{{FRAGMENT_BODY}}}
"""
FLOATS_A_VERTEX = 10


class MapRasteriser:
    """Draws maps of `size` pixels square.

    It owns an OpenGL context that is current only while it draws, so that any thread may use it, one at a time.
    Close it, or use it in a `with` statement.
    """

    def __init__(self, size: int = MAP_SIZE) -> None:
        """Raise `UserError` when this machine has no OpenGL 3.3 without a window."""
        self.size = size
        self._lock = threading.Lock()
        self._context = create_context()
        with self._context as context:
            self._program = context.program(vertex_shader=VERTEX_SHADER, fragment_shader=FRAGMENT_SHADER)
            self._targets = [context.texture((size, size), 4, dtype="f4") for _ in range(2)]
            self._framebuffer = context.framebuffer(self._targets, context.depth_renderbuffer((size, size)))
            self._vertices = self._indices = self._surface = None
            self._triangles: Integers = np.empty((0, 3), np.int32)

    def __enter__(self) -> MapRasteriser:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the context back; the rasteriser cannot draw any more."""
        self._context.release()

    def draw(self, vertices: MapVertices, triangles: Integers) -> tuple[Floats, Floats]:
        """Return the UV map (u, v, mask) and the texture map (RGB): `[size, size, 3]` float32 0 to 1, black outside.

        Row 0 is at the top; the sample of a pixel is its centre.
        """
        packed = np.concatenate([vertices.clip, vertices.uv, vertices.colour], -1, dtype=np.float32)
        with self._lock, self._context as context:
            self._upload(context, packed, triangles)
            context.enable_only(moderngl.DEPTH_TEST)
            self._framebuffer.use()
            self._framebuffer.clear()
            self._surface.render()
            uv_map, texture_map = (self._read(attachment) for attachment in range(2))
        return uv_map, texture_map

    def _upload(self, context: moderngl.Context, packed: Floats, triangles: Integers) -> None:
        """Send the vertices, and the triangles when they are others than last time."""
        same = self._vertices is not None and self._vertices.size == packed.nbytes
        if not same or not np.array_equal(self._triangles, triangles):
            self._release_surface()
            self._triangles = np.array(triangles, np.int32)
            self._vertices = context.buffer(reserve=max(1, packed.nbytes), dynamic=True)
            self._indices = context.buffer(self._triangles.tobytes())
            content = [(self._vertices, "4f 3f 3f", "clip", "uv", "colour")]
            self._surface = context.vertex_array(self._program, content, self._indices)
        self._vertices.write(np.ascontiguousarray(packed))

    def _release_surface(self) -> None:
        for part in (self._surface, self._vertices, self._indices):
            if part is not None:
                part.release()

    def _read(self, attachment: int) -> Floats:
        """Return `[size, size, 3]` of one target, row 0 at the top (OpenGL's lies at the bottom)."""
        data = self._framebuffer.read(components=4, attachment=attachment, dtype="f4")
        picture = np.frombuffer(data, np.float32).reshape(self.size, self.size, 4)
        return np.ascontiguousarray(picture[::-1, :, :3])


def create_context() -> moderngl.Context:
    """Return an OpenGL context without a window, current in no thread.

    Raises:
        UserError: this machine's OpenGL is missing or older than 3.3.
    """
    try:
        context = moderngl.create_context(standalone=True, require=330, backend="egl")
    except Exception as error:  # glcontext raises plain Exception, moderngl ValueError
        raise UserError(
            "Maps cannot be drawn because OpenGL 3.3 without a window (EGL) is missing on this machine; "
            f"install it (Debian and Ubuntu: apt install libegl1 libgl1 libgl1-mesa-dri). The cause: {error}"
        ) from error
    context.gc_mode = None
    context.__exit__(None, None, None)
    return context
