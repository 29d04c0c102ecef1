# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the UV map, the texture map and other surfaces with OpenGL, without a window (Mesa's llvmpipe will do)."""

from __future__ import annotations

import ctypes
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import cv2
import moderngl
import numpy as np

from ...common.errors import UserError
from ..performances.maps import FRAGMENT_BODY, MAP_SIZE, VERTEX_BODY, MapVertices

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..heads.arrays import Floats, Integers

MAP_VERTEX_SHADER = f"""
#version 330
in vec4 clip;
in vec3 uv;
in vec3 colour;
smooth out vec3 surface_uv;
smooth out vec3 surface_colour;
void main() {{{VERTEX_BODY}}}
"""
MAP_FRAGMENT_SHADER = f"""
#version 330
smooth in vec3 surface_uv;
smooth in vec3 surface_colour;
layout(location = 0) out vec4 uv_map;
layout(location = 1) out vec4 texture_map;
void main() {{{FRAGMENT_BODY}}}
"""

PLAIN_VERTEX_SHADER = """
#version 330
in vec4 clip;
in vec4 first;
in vec4 second;
smooth out vec4 surface_first;
smooth out vec4 surface_second;
void main() { gl_Position = clip; surface_first = first; surface_second = second; }
"""
PLAIN_FRAGMENT_SHADER = """
#version 330
smooth in vec4 surface_first;
smooth in vec4 surface_second;
layout(location = 0) out vec4 first_target;
layout(location = 1) out vec4 second_target;
void main() { first_target = surface_first; second_target = surface_second; }
"""


class SurfaceRasteriser:
    """Draws a surface into two float pictures of `size` pixels square, with depth, both sides, without anti-aliasing.

    It owns an OpenGL context that is current only while it draws, so that any thread may use it, one at a time.
    Close it, or use it in a `with` statement.
    """

    def __init__(self, size: int, vertex_shader: str, fragment_shader: str, layout: dict[str, int]) -> None:
        """`layout` gives the names of the vertex shader's inputs, in order, with their numbers of components.

        Raises:
            UserError: this machine has no OpenGL 3.3 without a window.
        """
        self.size = size
        self._layout = layout
        self._lock = threading.Lock()
        self._context = create_context()
        self._wait_until_drawn = waiting(sys.platform)
        with self._context as context:
            self._program = context.program(vertex_shader=vertex_shader, fragment_shader=fragment_shader)
            targets = [context.texture((size, size), 4, dtype="f4") for _ in range(2)]
            self._framebuffer = context.framebuffer(targets, context.depth_renderbuffer((size, size)))
        self._uploaded: UploadedSurface | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the context back; the rasteriser cannot draw any more."""
        self._context.release()

    def rasterise(self, packed: Floats, triangles: Integers) -> tuple[Floats, Floats]:
        """Return two pictures `[size, size, 4]` float32; row 0 at the top, zero where nothing is.

        `packed [V, C]` holds the inputs of each vertex side by side. The sample of a pixel is its centre.
        """
        packed = np.ascontiguousarray(packed, np.float32)
        with self._lock, self._context as context:
            uploaded = self._upload(context, packed, triangles)
            context.enable_only(moderngl.DEPTH_TEST)
            self._framebuffer.use()
            self._framebuffer.clear()
            uploaded.surface.render()
            self._wait_until_drawn()
            return self._read(0), self._read(1)

    def _upload(self, context: moderngl.Context, packed: Floats, triangles: Integers) -> UploadedSurface:
        """Send the vertices, and the triangles if they are others than last time; the former surface is freed."""
        uploaded = self._uploaded
        if uploaded is None or not uploaded.fits(packed, triangles):
            if uploaded is not None:
                uploaded.release()
            triangles = np.array(triangles, np.int32)
            vertices = context.buffer(reserve=max(1, packed.nbytes), dynamic=True)
            indices = context.buffer(triangles.tobytes())
            formats = " ".join(f"{count}f" for count in self._layout.values())
            surface = context.vertex_array(self._program, [(vertices, formats, *self._layout)], indices)
            uploaded = self._uploaded = UploadedSurface(triangles, vertices, indices, surface)
        uploaded.vertices.write(packed)
        return uploaded

    def _read(self, attachment: int) -> Floats:
        """Return one target with row 0 at the top; OpenGL's lies at the bottom."""
        data = self._framebuffer.read(components=4, attachment=attachment, dtype="f4")
        picture: Floats = cv2.flip(np.frombuffer(data, np.float32).reshape(self.size, self.size, 4), 0)
        return picture


class MapRasteriser(SurfaceRasteriser):
    """Draws the UV map and the texture map."""

    def __init__(self, size: int = MAP_SIZE) -> None:
        """Raise `UserError` when this machine has no OpenGL 3.3 without a window."""
        super().__init__(size, MAP_VERTEX_SHADER, MAP_FRAGMENT_SHADER, {"clip": 4, "uv": 3, "colour": 3})

    def draw(self, vertices: MapVertices, triangles: Integers) -> tuple[Floats, Floats]:
        """Return the UV map (u, v, mask) and the texture map (RGB): `[size, size, 3]` float32 0 to 1, black outside."""
        packed = np.concatenate([vertices.clip, vertices.uv, vertices.colour], -1)
        uv_map, texture_map = self.rasterise(packed, triangles)
        return cv2.cvtColor(uv_map, cv2.COLOR_RGBA2RGB), cv2.cvtColor(texture_map, cv2.COLOR_RGBA2RGB)


class PlainRasteriser(SurfaceRasteriser):
    """Draws any eight numbers a vertex."""

    def __init__(self, size: int) -> None:
        """Raise `UserError` when this machine has no OpenGL 3.3 without a window."""
        super().__init__(size, PLAIN_VERTEX_SHADER, PLAIN_FRAGMENT_SHADER, {"clip": 4, "first": 4, "second": 4})

    def draw(self, clip: Floats, values: Floats, triangles: Integers) -> tuple[Floats, Floats]:
        """Return two pictures `[size, size, 4]`, zero outside: the first and the last four of `values [V, 8]`.

        `clip [V, 4]` are OpenGL's clip coordinates of the surface.
        """
        return self.rasterise(np.concatenate([clip, values], -1), triangles)


@dataclass(frozen=True)
class UploadedSurface:
    """A surface in OpenGL's buffers."""

    triangles: Integers
    vertices: moderngl.Buffer
    indices: moderngl.Buffer
    surface: moderngl.VertexArray

    def fits(self, packed: Floats, triangles: Integers) -> bool:
        """Tell whether of `packed [V, C]` and `triangles [T, 3]` only the vertices' values have to be sent again."""
        return self.vertices.size == packed.nbytes and np.array_equal(self.triangles, triangles)

    def release(self) -> None:
        """Free the buffers."""
        for part in (self.surface, self.vertices, self.indices):
            part.release()


def create_context() -> moderngl.Context:
    """Return an OpenGL context without a window, current in no thread.

    Raises:
        UserError: this machine's OpenGL is missing or older than 3.3.
    """
    backend, mend = opengl_of(sys.platform)
    try:
        context = moderngl.create_context(standalone=True, require=330, **backend)  # type: ignore[arg-type]
    except Exception as error:  # glcontext raises plain Exception, moderngl ValueError
        raise UserError(
            "Maps cannot be drawn because OpenGL 3.3 without a window is missing on this machine; "
            f"{mend}. The cause: {error}"
        ) from error
    context.gc_mode = None  # type: ignore[assignment]
    context.__exit__(None, None, None)
    return context


def waiting(system: str) -> Callable[[], object]:
    """Return what waits, on a system (`sys.platform`), until OpenGL has drawn, and lets other Python threads run.

    Reading waits too, but holds them up: for most of the time where a processor draws, as on a Linux without a GPU.
    """
    return ctypes.CDLL("libGL.so.1").glFinish if system == "linux" else lambda: None


def opengl_of(system: str) -> tuple[dict[str, str], str]:
    """How moderngl is to open OpenGL on a system (`sys.platform`), and what to do where it cannot.

    EGL is Linux's; Windows (WGL) and macOS (CGL) have one way only, which moderngl takes by itself.
    """
    if system == "win32":
        return {}, "install the graphics card's driver from its maker"
    if system == "darwin":
        return {}, "log in at the Mac itself and try again"
    return {"backend": "egl"}, "install EGL (Debian and Ubuntu: apt install libegl1 libgl1 libgl1-mesa-dri)"
