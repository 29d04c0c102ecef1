# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendered frames on disk: which are there, and whether they show the head as the scene has it now."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...common.errors import UserError
from .. import compat, ids
from ..access import camera_of, windows
from ..properties import head_settings
from ..render.frame_record import FIELD, FrameRecord, record_in, record_of
from ..render.own_camera import OwnCamera, frame_camera, part_seen
from ..scene.avatar_scene import scene_fps
from ..scene.plate_camera import why_no_plate
from ..words import translated
from .picture_text import text_in
from .sequencer import Frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..render.pixels import Window

KEEPS_ALPHA = ("PNG", "OPEN_EXR")
"""Blender's file formats that keep transparency and say of which frame they are."""
STEADY = 0.5
"""Pixels that the place of the plate in the frames may move by."""


@dataclass(frozen=True)
class Expected:
    """How the scene would render a frame now: its record, and where the head's window of its footage lies in it, None
    where the scene's camera is not where the footage was taken from.
    """

    record: FrameRecord
    window: Window | None


def why_not_transparent(scene: bpy.types.Scene) -> str:
    """Why the frames that a scene renders cannot lie over a plate, as a sentence; empty when they can."""
    settings = scene.render.image_settings
    if scene.render.is_movie_format or settings.file_format not in KEEPS_ALPHA:
        if scene.render.is_movie_format:
            return "A movie has no transparency to lie over the plate with: choose PNG or OpenEXR pictures with RGBA."
        return translated(
            "{format} pictures have no transparency to lie over the plate with: choose PNG or OpenEXR pictures with "
            "RGBA.",
            format=settings.file_format,
        )
    if settings.color_mode != "RGBA":
        return translated(
            "The color mode {color_mode} leaves out what is transparent: choose RGBA.", color_mode=settings.color_mode
        )
    if not scene.render.film_transparent:
        return "The frames' own background would hide the plate: choose Transparent Background."
    if scene.render.use_border and scene.render.use_crop_to_border:
        return "The frames are cropped, so that their place in the plate is lost: turn off Crop to Render Region."
    return ""


def make_transparent(scene: bpy.types.Scene) -> None:
    """Have a scene render whole frames with transparency: PNG pictures, unless they are OpenEXR already."""
    if scene.render.is_movie_format or scene.render.image_settings.file_format not in KEEPS_ALPHA:
        compat.make_pictures(scene.render.image_settings)
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.film_transparent, scene.render.use_crop_to_border = True, False


def rendered_frames(scene: bpy.types.Scene, head: bpy.types.Object) -> Frames:
    """Return what the scene's animation has left in its output folder, where each frame shows the head as it is now.

    Raises:
        UserError: frames are missing, older than the scene, or of something else; the sentence has their numbers.
    """
    if reason := why_not_transparent(scene):
        raise UserError(reason)
    numbers = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    paths = {number: Path(scene.render.frame_path(frame=number)) for number in numbers}
    if not any(path.is_file() for path in paths.values()):
        raise UserError(
            translated("There are no frames at {path}; render the animation first.", path=paths[scene.frame_start])
        )
    expected = expected_frames(scene, head, numbers)
    faults = {number: fault_of(paths[number], head, expected[number]) for number in numbers}
    if any(faults.values()):
        raise UserError(translated("{faults}: render the animation again.", faults=sentence_of(faults)))
    files = tuple(paths.values())
    fps = scene_fps(scene)
    return Frames(files, picture_size(files[0]), fps / scene.frame_step, window=steady_window(scene, head, expected))


def fault_of(file: Path, head: bpy.types.Object, expected: Expected) -> str:
    """What is wrong with a frame's file, as the end of "frames 1-3 …"; empty when nothing is."""
    if not file.is_file():
        return translated("missing")
    record, now = record_in(text_in(file, FIELD)), expected.record
    if record is None:
        return "not rendered with Semblance, or with an older one"
    if record.scene != now.scene:
        return "of another scene"
    if record.frame != now.frame:
        return "of another moment"
    if ids.id_of(head) not in record.states:
        return translated("without {head}", head=head.name)
    if record.camera != now.camera:
        return translated("seen by {camera}", camera=record.camera)
    return "" if record.looks_like(now) else "older than the scene's motion or settings"


def sentence_of(faults: dict[int, str]) -> str:
    """Say what is wrong with which frames: "Frames 3, 5-7 are missing, frame 9 is of another scene"."""
    kinds: dict[str, list[int]] = {}
    for number, fault in faults.items():
        if fault:
            kinds.setdefault(fault, []).append(number)
    order = list(faults)
    place = {number: at for at, number in enumerate(order)}
    said = []
    for fault, numbers in kinds.items():
        places = [place[number] for number in numbers]
        text = "frames {frames} are {fault}" if len(numbers) > 1 else "frame {frames} is {fault}"
        said.append(translated(text, frames=spans(order, places), fault=translated(fault)))
    text = ", ".join(said)
    return text[:1].upper() + text[1:]


def spans(order: list[int], places: Iterable[int]) -> str:
    """Write the numbers at places of an order: neighbours as first-last."""
    runs = [[place for _, place in run] for _, run in groupby(enumerate(places), lambda each: each[1] - each[0])]
    return ", ".join(str(order[run[0]]) + (f"-{order[run[-1]]}" if len(run) > 1 else "") for run in runs)


def expected_frames(scene: bpy.types.Scene, head: bpy.types.Object, numbers: Sequence[int]) -> dict[int, Expected]:
    """Return how the scene would render frames now, by their numbers.

    Raises:
        UserError: the scene has no camera.
    """
    if scene.camera is None:
        raise UserError("The scene has no camera; add one, or press Use Its Camera.")
    ids.see_all()
    found = {}
    with apart(scene, head) as probe:
        for number in shown_progress(numbers):
            probe.frame_set(number)
            depsgraph = probe.view_layers[0].depsgraph
            assert depsgraph is not None  # as it has just been evaluated
            found[number] = Expected(record_of(scene, depsgraph, number), window_of(scene, head, depsgraph))
    return found


def shown_progress(numbers: Sequence[int]) -> Iterator[int]:
    """Yield the numbers, and show at the mouse how far they are: many frames take some seconds."""
    manager = bpy.context.window_manager
    if manager is None or not windows():
        yield from numbers
        return
    manager.progress_begin(0, len(numbers))
    try:
        for done, number in enumerate(numbers):
            manager.progress_update(done)
            yield number
    finally:
        manager.progress_end()


@contextmanager
def apart(scene: bpy.types.Scene, head: bpy.types.Object) -> Iterator[bpy.types.Scene]:
    """Give a scene with the heads and cameras of another, in which frames can be evaluated.

    The artist's own stays at its frame, what is not keyed yet stays as it is, and what else is there costs nothing.
    """
    probe = bpy.data.scenes.new("Semblance probe")
    try:
        own = head_settings(head).camera
        heads = [each for each in scene.objects if each.type == "MESH" and head_settings(each).is_head]
        for each in {*heads, scene.camera, *([own] if own else [])}:
            if each is not None:
                probe.collection.objects.link(each)
        for name in ("frame_map_old", "frame_map_new"):
            setattr(probe.render, name, getattr(scene.render, name))
        yield probe
    finally:
        bpy.data.scenes.remove(probe)


def window_of(scene: bpy.types.Scene, head: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Window | None:
    """Return where in an evaluated frame of the scene the window lies that the head's own camera sees."""
    own, camera, render = head_settings(head).camera, scene.camera, scene.render
    seen = OwnCamera.read(own.evaluated_get(depsgraph)) if own else None
    if seen is None or camera is None or camera.type != "CAMERA":
        return None
    through = camera.evaluated_get(depsgraph)
    if not seen.is_beside(np.array(through.matrix_world.normalized(), np.float64)):
        return None
    width, height = (size * render.resolution_percentage // 100 for size in (render.resolution_x, render.resolution_y))
    aspect = render.pixel_aspect_y / render.pixel_aspect_x
    return part_seen(seen.window, frame_camera(camera_of(through), width, height, aspect))


def steady_window(scene: bpy.types.Scene, head: bpy.types.Object, expected: dict[int, Expected]) -> Window | None:
    """Return where the head's window lies in all frames; None where it has no plate, and the camera is anywhere.

    Raises:
        UserError: the frames have no place in the plate, or not all the same.
    """
    if why_no_plate(head):
        return None
    windows = [each.window for each in expected.values()]
    known = [each for each in windows if each is not None]
    assert scene.camera is not None  # else there is nothing expected
    if len(known) < len(windows):
        raise UserError(
            translated(
                "{camera} is not where the footage of {head} was taken from, so that the frames have no place in the "
                "plate: press Use Its Camera, and render the animation again.",
                camera=scene.camera.name,
                head=head.name,
            )
        )
    places = np.array([(each.left, each.top, each.width, each.height) for each in known])
    if np.ptp(places, 0).max() > STEADY:
        raise UserError(
            translated(
                "{camera} zooms or pans, but the plate does not: remove the keyframes of its lens.",
                camera=scene.camera.name,
            )
        )
    return known[0]


def picture_size(file: Path) -> tuple[int, int]:
    """Return width and height of a picture. Raises UserError when Blender cannot read it."""
    image = bpy.data.images.load(str(file))
    width, height = image.size
    bpy.data.images.remove(image)
    if not width or not height:
        raise UserError(translated("Blender cannot read the picture {file}; render it again.", file=file))
    return width, height
