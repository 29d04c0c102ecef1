# SPDX-License-Identifier: GPL-3.0-or-later
"""Neural pictures in a viewport, brought by a timer, never waited for: portraits in the camera's frame, heads in 3D
wherever the view looks from. Of several portraits the nearest is shown; portraits stand behind all heads in 3D.
"""

from __future__ import annotations

import time
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

import blf
import bpy
import gpu
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from gpu_extras.presets import draw_texture_2d

from ...common.errors import UserError
from ...tracking.performances.maps import MAP_SIZE
from ..access import camera_of, preferences_of, scene_of, windows
from ..engine.picture_feed import Answer, PictureFeed, Wanted, Wish
from ..scene.camera import window_camera
from ..words import translated
from .gpu_views import ViewPainter, texture_of
from .kinds import evaluated_heads
from .other_objects import Triangles, other_objects
from .own_camera import frame_camera
from .painters import Painters
from .portraits import PortraitHead
from .sight import Sight, part_of, part_with, sight_of_view
from .viewport_pictures import Moment, Shown, advanced, shown_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..engine.process import EnginePlace
    from .evaluated_heads import EvaluatedHead
    from .layers import Layer

SECONDS_BETWEEN_LOOKS = 0.02
SECONDS_WHILE_ASKING = 0.005
LOOK_THROUGH_CAMERA = "Look through the camera (numpad 0) to see the avatar"
NO_AVATAR = "No head in this scene has an avatar yet"
NO_PERSPECTIVE = "Switch the view to perspective (numpad 5) to see the avatar"
MOVING, STILL = 256, 1024
"""Most pixels of the longer side of what heads in 3D are painted on, while something moves and after."""
SECONDS_TO_STILL = 0.3

_viewports: weakref.WeakSet[Viewport] = weakref.WeakSet()


class Viewport:
    """What one rendered viewport shows. The timer works for it as long as it lives.

    Attributes:
        changed: True when the scene is another than it was.
    """

    def __init__(self, place: EnginePlace) -> None:
        self.changed = True
        self.feed: PictureFeed[Moment] = PictureFeed(place)
        self._painters = Painters()
        self._view_painter: ViewPainter | None = None
        self._heads: list[EvaluatedHead] = []
        self._objects = Triangles.joined([])
        self._view: tuple[float, ...] = ()
        self._moved_at, self._asked_for, self._why_nothing = 0.0, 0, ""
        self._taken: Answer[Moment] | None = None
        self._making: Generator[None, None, Shown] | None = None
        self._made: Shown | None = None
        self._shown: Answer[Moment] | None = None
        self._portrait: gpu.types.GPUTexture | None = None
        self._layer: Layer | None = None
        _viewports.add(self)
        if not bpy.app.timers.is_registered(look_after_viewports):
            bpy.app.timers.register(look_after_viewports)

    def __del__(self) -> None:
        self.feed.close()

    @property
    def wants_finer(self) -> bool:
        """True when nothing moves any more, and what is shown or awaited is coarse."""
        return self._asked_for == MOVING and self.feed.idle and time.monotonic() - self._moved_at > SECONDS_TO_STILL

    def draw(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Draw what there is; wish for new pictures when the scene or the view has changed."""
        self._notice_view(context)
        try:
            # what is asked for while a picture is being made would be old before it, or never shown
            if not self.feed.wanting and not self._making and (self.changed or self._asked_for == 0):
                self._wish(context, depsgraph, MOVING)
            elif self.wants_finer:
                self._wish(context, depsgraph, STILL)
            self._show_made()
        except UserError as error:
            self._why_nothing = str(error)
        self._draw_portrait(context, depsgraph)
        self._draw_heads(context)
        if text := self.feed.text or self._why_nothing:
            draw_text(context, text)

    def _notice_view(self, context: bpy.types.Context) -> None:
        """Note that the view has moved, or the region has another size."""
        region, view = context.region, context.region_data
        assert region is not None
        assert view is not None
        now = (region.width, region.height, *np.array(view.perspective_matrix).ravel().tolist())
        if now != self._view or self.changed:
            self._view, self._moved_at, self._asked_for = now, time.monotonic(), 0

    def _wish(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph, most: int) -> None:
        """Wish for pictures of the heads that have avatars, as the view sees them.

        Raises:
            UserError: a head cannot be shown.
        """
        self._asked_for = most
        if self.changed:
            self.changed = False
            self._heads = [head for head in evaluated_heads(depsgraph) if head.avatar]
            in_space = any(head.in_space for head in self._heads)
            self._objects = other_objects(depsgraph) if in_space else Triangles.joined([])
        moment, self._why_nothing = self._moment(context, depsgraph, most)
        if moment.part is None or max(moment.part.width, moment.part.height) <= most:
            self._asked_for = STILL
        wanted = []
        if moment.portrait:
            head, sight = moment.portrait
            wanted.append(Wanted(head.avatar, head.inputs(sight, self._painters), head.look))
        if moment.sight:
            inputs = [head.inputs(moment.sight, self._painters) for head in moment.heads]
            wanted += [Wanted(head.avatar, each, head.look) for head, each in zip(moment.heads, inputs, strict=True)]
        if wanted:
            self.feed.want(Wish(tuple(wanted), moment))
        else:
            self.feed.answer = None

    def _moment(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph, most: int) -> tuple[Moment, str]:
        """Return what the view sees, and why it sees less than there is; empty when it does not."""
        heads = tuple(head for head in self._heads if head.in_space)
        portraits = [head for head in self._heads if isinstance(head, PortraitHead)]
        camera, sight = viewport_camera(context), view_sight(context)
        portrait = None
        if camera and portraits and camera_of(camera).type == "PERSP":
            through = camera_sight(camera.evaluated_get(depsgraph))
            portrait = min(portraits, key=lambda head: head.distance(through.world)), through
        part = part_with(np.concatenate([head.vertices for head in heads]), sight) if heads and sight else None
        seen = part_of(sight, part, most) if part and sight else None
        why = NO_PERSPECTIVE if heads and not sight else ""
        if not heads and not portrait:
            why = LOOK_THROUGH_CAMERA if portraits else NO_AVATAR
        return Moment(portrait, heads, part, seen, scene_of(depsgraph).render.film_transparent), why

    def step(self) -> bool:
        """Bring pictures and make of them what is drawn, in short steps; tell whether there is something new."""
        stepped = self.feed.step()
        if self._making is None and self.feed.answer is not self._taken:  # an engine may be quicker than this is
            self._taken = self.feed.answer
            self._making = shown_of(self._taken)
        if self._making:
            try:
                self._made = advanced(self._making)
            except UserError as error:
                self._why_nothing, self._made = str(error), Shown(self._taken)
            if self._made:
                self._making, stepped = None, True
        return stepped

    @property
    def idle(self) -> bool:
        """True when a step would do nothing."""
        return self.feed.idle and self._making is None and self.feed.answer is self._taken

    def _show_made(self) -> None:
        """Bring what is newly made onto the GPU."""
        if self._made is None:
            return
        made, self._made = self._made, None
        self._shown, self._layer = made.answer, made.layer
        self._portrait = None if made.portrait is None else texture_of(made.portrait)

    def _draw_portrait(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Draw the newest portrait where the final render will have it."""
        camera = viewport_camera(context)
        if self._portrait is None or camera is None or self._shown is None or self._shown.moment.portrait is None:
            return
        seen = camera.evaluated_get(depsgraph)
        left, bottom, width, height = camera_frame(context, seen, scene_of(depsgraph))
        whole = frame_sight(seen, max(1, round(width)), max(1, round(height)))
        _, window = self._shown.moment.portrait[0].window(whole)
        across, down = width / whole.camera.width, height / whole.camera.height
        gpu.state.blend_set("ALPHA_PREMULT")
        draw_texture_2d(
            self._portrait,
            (left + window.left * across, bottom + height - (window.top + window.height) * down),
            window.width * across,
            window.height * down,
        )
        gpu.state.blend_set("NONE")

    def _draw_heads(self, context: bpy.types.Context) -> None:
        """Draw the newest heads in 3D, and the objects as they are seen now."""
        sight = view_sight(context)
        if self._layer is None or self._shown is None or self._shown.moment.part is None or sight is None:
            return
        size = sight.camera.width, sight.camera.height
        objects = self._painters.meshes.draw(self._objects, sight, *size)
        self._view_painter = self._view_painter or ViewPainter()
        self._view_painter.draw(self._layer, self._shown.moment.part, size, objects)


def look_after_viewports() -> float | None:
    """Step every viewport's feed, and have the viewports drawn that have something new; ends when there are none."""
    if not _viewports:
        return None
    stepped = [viewport.step() or viewport.wants_finer for viewport in _viewports]
    if any(stepped):
        for window in windows():
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()
    return SECONDS_BETWEEN_LOOKS if all(viewport.idle for viewport in _viewports) else SECONDS_WHILE_ASKING


def view_sight(context: bpy.types.Context) -> Sight | None:
    """Return how a viewport sees the scene; None without perspective."""
    region, view = context.region, context.region_data
    assert region is not None
    assert view is not None
    return sight_of_view(view, region.width, region.height)


def camera_sight(camera: bpy.types.Object) -> Sight:
    """Return how an evaluated camera sees the window of a portrait, for which the frame's size does not count."""
    lens = camera_of(camera)
    return Sight(np.array(camera.matrix_world.normalized(), np.float64), window_camera(lens, MAP_SIZE), lens)


def frame_sight(camera: bpy.types.Object, width: int, height: int) -> Sight:
    """Return how an evaluated camera sees its frame, which is `width` x `height` pixels of a viewport."""
    return replace(camera_sight(camera), camera=frame_camera(camera_of(camera), width, height))


def viewport_camera(context: bpy.types.Context) -> bpy.types.Object | None:
    """Return the camera that a viewport looks through; None when it looks from elsewhere."""
    space = context.space_data
    if not isinstance(space, bpy.types.SpaceView3D) or context.region_data is None:
        return None
    if context.region_data.view_perspective != "CAMERA":
        return None
    camera = space.camera if space.use_local_camera else scene_of(context).camera
    return camera if camera is not None and camera.type == "CAMERA" else None


def camera_frame(
    context: bpy.types.Context, camera: bpy.types.Object, scene: bpy.types.Scene
) -> tuple[float, float, float, float]:
    """Return left, bottom, width, height of the camera's frame in the viewport, in pixels of its region."""
    corners = [camera.matrix_world @ corner for corner in camera_of(camera).view_frame(scene=scene)]
    region, view = context.region, context.region_data
    assert region is not None
    assert view is not None
    places = np.array([location_3d_to_region_2d(region, view, corner) for corner in corners])
    (left, bottom), (right, top) = places.min(0), places.max(0)
    return left, bottom, right - left, top - bottom


DARK = 0.02, 0.02, 0.02, 0.8


def draw_text(
    context: bpy.types.Context, text: str, place: float = 0.0, ground: tuple[float, float, float, float] = DARK
) -> None:
    """Write a line near the bottom of a viewport, or at this share of its height, on a ground (a colour) that keeps it
    readable before any picture.
    """
    assert context.region is not None
    text, scale = translated(text), preferences_of(context).system.ui_scale
    blf.size(0, 14 * scale)
    width, height = blf.dimensions(0, text)
    left, bottom = (context.region.width - width) / 2, max(48 * scale, place * context.region.height)
    margin = 10 * scale
    corners = [(left - margin, bottom - margin), (left + width + margin, bottom - margin)]
    corners += [(x, bottom + height + margin) for x, _ in corners]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", ground)
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, "TRI_STRIP", {"pos": corners}).draw(shader)
    blf.color(0, 1.0, 1.0, 1.0, 1.0)
    blf.position(0, left, bottom, 0)
    blf.draw(0, text)
    gpu.state.blend_set("NONE")
