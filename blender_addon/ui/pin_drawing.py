# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the landmarks and pins of a head over its footage."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ...tracking.heads.pin_points import CLOSED, PIN_POINTS
from ..access import preferences_of, scene_of
from ..scene import pinning
from . import pin_session
from .pin_view import POINTS, CameraView, facing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...tracking.heads.arrays import Doubles
    from .pin_session import PinSession

Colour = tuple[float, float, float, float]
LINE: Colour = (0.35, 0.85, 1.0, 0.45)
POINT: Colour = (0.55, 0.92, 1.0, 1.0)
PIN: Colour = (1.0, 0.5, 0.1, 1.0)
HOVERED: Colour = (1.0, 1.0, 1.0, 1.0)
RIM: Colour = (0.0, 0.0, 0.0, 0.75)
POINT_RADIUS, PIN_RADIUS, RIM_WIDTH = 2.6, 5.0, 1.2
"""Pixels at scale 1."""
CORNERS = 16

_handles: list[Any] = []


def view_of(context: bpy.types.Context, session: PinSession) -> CameraView | None:
    """The region of a context, where it looks through the camera of a session's head; else None."""
    space, region, found = context.space_data, context.region, session.found()
    if found is None or not isinstance(space, bpy.types.SpaceView3D) or region is None or region.type != "WINDOW":
        return None
    return region_view(region, space.region_3d, session, found[1])


def region_view(
    region: bpy.types.Region, space: bpy.types.RegionView3D | None, session: PinSession, head: bpy.types.Object
) -> CameraView | None:
    """A region of a 3D view, where it looks through the head's camera or through the plate's; else None."""
    if space is None or space.view_perspective != "CAMERA" or not pinning.is_shot(scene_of(bpy.context), head):
        return None
    perspective, known = np.array(space.perspective_matrix, np.float64), session.known(head)
    return CameraView(perspective, region.width, region.height, known.to_world, known.camera)


def pixels_of(session: PinSession, view: CameraView) -> dict[int, Doubles]:
    """Return where in a region the landmarks `[2]` are, by their numbers: those that the camera sees, and all pins."""
    found = session.found()
    if found is None:
        return {}
    scene, head = found
    face, pins = session.face(head, scene.frame_current), session.pins(head, scene.frame_current)
    places = session.places(head, scene.frame_current)
    seen = facing(session.known(head).shape(face), face.rotation)
    shown = [each for each, visible in zip(POINTS.tolist(), seen, strict=True) if visible or each in pins]
    return dict(zip(shown, view.from_window(places[shown]), strict=True))


def draw_in_view() -> None:
    """Draw the landmarks into a 3D view."""
    context, session = bpy.context, pin_session.current()
    view = view_of(context, session) if session else None
    found = session.found() if session else None
    if session is None or view is None or found is None:
        return
    scene, head = found
    pixels, scale = pixels_of(session, view), preferences_of(context).system.ui_scale
    pins = session.pins(head, scene.frame_current)
    gpu.state.blend_set("ALPHA")
    draw("LINES", [tuple(end) for line in lines_of(pixels) for end in line], LINE)
    for radius, colour, landmarks in (
        (POINT_RADIUS, POINT, [each for each in pixels if each not in pins]),
        (PIN_RADIUS, PIN, [each for each in pixels if each in pins]),
        (PIN_RADIUS, HOVERED, [each for each in pixels if each in (session.hovered, session.dragged)]),
    ):
        for size, ink in ((radius + RIM_WIDTH, RIM), (radius, colour)):
            draw("TRIS", discs([pixels[each] for each in landmarks], size * scale), ink)
    gpu.state.blend_set("NONE")


def lines_of(pixels: dict[int, Doubles]) -> Iterable[tuple[Doubles, Doubles]]:
    """Yield the ends `[2]` of the lines along the parts of a face, between landmarks that are shown."""
    for part, points in PIN_POINTS.items():
        for first, second in pairwise((*points, points[0]) if part in CLOSED else points):
            if first in pixels and second in pixels and part != "Nose":
                yield pixels[first], pixels[second]


def discs(middles: Sequence[Doubles], radius: float) -> list[tuple[float, float]]:
    """Return the corners of triangles that make a disc about each middle `[2]`."""
    turn = np.linspace(0, 2 * np.pi, CORNERS + 1)
    rim = radius * np.stack([np.cos(turn), np.sin(turn)], -1)
    fan = np.stack([np.zeros((CORNERS, 2)), rim[:-1], rim[1:]], 1).reshape(-1, 2)
    return [(x, y) for middle in middles for x, y in (fan + middle).tolist()]


def draw(kind: str, corners: list[tuple[float, float]], colour: Colour) -> None:
    """Draw lines or triangles in one colour."""
    if not corners:
        return
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", colour)
    batch_for_shader(shader, kind, {"pos": corners}).draw(shader)


def region_at(context: bpy.types.Context, x: int, y: int) -> tuple[bpy.types.Region, bpy.types.RegionView3D] | None:
    """The 3D view of the context's window whose main region, not what lies over it, is at a pixel of the window."""
    window = context.window
    for area in window.screen.areas if window else ():
        space = area.spaces.active
        if not isinstance(space, bpy.types.SpaceView3D) or space.region_3d is None:
            continue
        hit = [each for each in area.regions if inside(each, x, y)]
        if hit and all(each.type == "WINDOW" for each in hit):
            return hit[0], space.region_3d
    return None


def inside(region: bpy.types.Region, x: int, y: int) -> bool:
    """Tell whether a pixel of a window is in a region."""
    return region.x <= x < region.x + region.width and region.y <= y < region.y + region.height


def register() -> None:
    """Draw landmarks while they are pinned."""
    if not bpy.app.background:
        space = bpy.types.SpaceView3D
        _handles.append(space.draw_handler_add(draw_in_view, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    """Undo `register`."""
    for handle in _handles:
        bpy.types.SpaceView3D.draw_handler_remove(handle, "WINDOW")
    _handles.clear()
