# SPDX-License-Identifier: GPL-3.0-or-later
"""How long Blender stands still at once while its timers and viewports work with an engine, and how many neural frames
a second a viewport shows: what `blender_overhead.py` runs in Blender.
"""

from __future__ import annotations

import time
from collections import defaultdict
from functools import partial
from math import pi, radians, sin
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bpy
import gpu
import numpy as np
from clocks import clocks
from mathutils import Matrix
from semblance.blender_addon.access import scene_of
from semblance.blender_addon.render import viewport
from semblance.blender_addon.ui import activity, beyond_watch, job_watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from mathutils import Vector
    from numpy.typing import NDArray
    from semblance.blender_addon.engine.process import EnginePlace

WINDOW = 960, 600
"""Pixels of the viewport."""
SECONDS_A_FRAME = 1 / 24
"""Of the animation that is played."""
TURNED, SECONDS_A_TURN = radians(30), 6.0
"""To either side of the camera, and for how long to one side and the other."""
WARM_UP_FRAMES, MOST = 3, 60
"""Frames that are not counted, while shaders are compiled, and the seconds that they may take."""


class InContext(bpy.types.RenderEngine):
    """Runs `work` where there is a GPU context."""

    bl_idname = "IN_CONTEXT"
    bl_label = "In Context"
    bl_use_gpu_context = True
    work: Callable[[], None]

    def render(self, _depsgraph: bpy.types.Depsgraph) -> None:  # type: ignore[override]
        type(self).work()


def watched(
    place: EnginePlace, seconds: float, around: Vector | None = None
) -> tuple[dict[str, NDArray[np.float64]], float, float]:
    """Play an animation for some seconds, or swing the view `around` a point; return the longest tick of each kind (as
    `clocks`), pictures shown a second, and seconds of Blender's own work in each.

    Timers run as often as in Blender, and only what has changed is drawn: a processor that draws has no time to paint.
    """
    longest: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(2))
    shown: list[float] = []
    worked: list[float] = []

    def work() -> None:
        view = viewport.Viewport(place)
        target = gpu.types.GPUTexture(WINDOW, format="RGBA16F")
        framebuffer = gpu.types.GPUFrameBuffer(color_slots=[target])
        looking, last, end, due = through_camera(), None, time.monotonic() + MOST, 0.0
        straight = looking.region_data.view_matrix
        while time.monotonic() < end:
            if moved := time.monotonic() >= due:
                due = time.monotonic() + SECONDS_A_FRAME
                if around is None:
                    view.changed = True
                else:
                    turn(looking.region_data, straight, around, TURNED * sin(2 * pi * due / SECONDS_A_TURN))
            counts, began = len(shown) >= WARM_UP_FRAMES, time.process_time()
            new = timed(longest, "viewport's timer", view.step, counts)
            if new or moved:
                graph = bpy.context.evaluated_depsgraph_get()
                with framebuffer.bind():
                    gpu.state.viewport_set(0, 0, *WINDOW)
                    timed(longest, "viewport's drawing", partial(view.draw, looking, graph), counts)
            if counts:
                worked.append(time.process_time() - began)
            timed(longest, "list of jobs", job_watch.look, counts)
            timed(longest, "warnings beyond training", beyond_watch.look, counts)
            timed(longest, "tasks", activity.step, counts)
            time.sleep(viewport.SECONDS_WHILE_ASKING)
            if view._shown is not last and view._shown is not None:
                last = view._shown
                shown.append(time.monotonic())
                if len(shown) == WARM_UP_FRAMES:
                    end = shown[-1] + seconds
        view.feed.close()

    InContext.work = staticmethod(work)
    bpy.utils.register_class(InContext)
    scene: Any = scene_of(bpy.context)
    before, scene.render.engine = scene.render.engine, "IN_CONTEXT"
    bpy.ops.render.render()
    scene.render.engine = before
    bpy.utils.unregister_class(InContext)
    rest = shown[WARM_UP_FRAMES - 1 :]
    count = max(1, len(rest) - 1)
    return dict(longest), count / (rest[-1] - rest[0]) if len(rest) > 1 else 0.0, sum(worked) / count


def timed(longest: dict[str, NDArray[np.float64]], kind: str, work: Callable[[], Any], counts: bool) -> Any:
    """Do some work, note how long it took when it is the longest of its kind yet, and return what it did."""
    began = clocks()
    done = work()
    if counts:
        longest[kind] = np.maximum(longest[kind], clocks() - began)
    return done


def through_camera() -> Any:
    """What a viewport that looks through the scene's camera is told of itself."""
    width, height = WINDOW
    scene = scene_of(bpy.context)
    camera: Any = scene.camera
    look = camera.matrix_world.inverted()
    window = camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=width, y=height, scale_x=1, scale_y=1)
    region_data = SimpleNamespace(
        view_matrix=look,
        window_matrix=window,
        perspective_matrix=window @ look,
        is_perspective=True,
        view_perspective="CAMERA",
    )
    place: Any = viewport
    place.viewport_camera = lambda _context: camera
    place.camera_frame = lambda *_: (180.0, 0.0, 600.0, 600.0)
    region = SimpleNamespace(width=width, height=height)
    return SimpleNamespace(
        region=region, region_data=region_data, space_data=None, scene=scene, preferences=bpy.context.preferences
    )


def turn(view: Any, straight: Matrix, around: Vector, angle: float) -> None:
    """Have a view look from the side of a point: `straight` is its matrix without that."""
    turned = Matrix.Translation(around) @ Matrix.Rotation(angle, 4, "Z") @ Matrix.Translation(-around)
    view.view_matrix = straight @ turned
    view.perspective_matrix = view.window_matrix @ view.view_matrix
