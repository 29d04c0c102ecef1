# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate: the footage behind the head, as the matched camera's background, placed by the crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from ...tracking.performances.plates import CLEAN, footage_of
from .. import compat
from ..access import camera_of
from ..words import translated
from .movies import movie_facts

if TYPE_CHECKING:
    from pathlib import Path

    from ...tracking.performances.performance import Crop, Performance


class NoPlateError(UserError):
    """The footage cannot be shown behind a head that is in place otherwise."""


@dataclass(frozen=True)
class PlatePlace:
    """Where a picture lies behind a square camera window: what `CameraBackgroundImage` takes with frame method 'FIT'.

    `scale` 1 is a picture whose longer side fills the window. Offsets go right and up: `offset_x` in windows,
    `offset_y` in windows times width over height of the picture (measured in Blender 5.2; its manual does not say).
    """

    scale: float
    offset_x: float
    offset_y: float


def place_of(crop: Crop, width: int, height: int) -> PlatePlace:
    """Return where to put a picture of `width` x `height` pixels so that its window `crop` fills the camera's view."""
    return PlatePlace(
        scale=max(width, height) / crop.side,
        offset_x=(width / 2 - crop.x - crop.side / 2) / crop.side,
        offset_y=(crop.y + crop.side / 2 - height / 2) / crop.side * width / height,
    )


def show_plate(camera: bpy.types.Object, performance: Performance, *, fps: float, start: int) -> bpy.types.Image | None:
    """Put the performance's footage behind what `camera` sees, its first frame at frame `start` of a scene with `fps`
    frames a second; return the image, or None when there is no footage.

    Raises:
        NoPlateError: Blender cannot read the footage.
    """
    source = footage_of(performance)
    if performance.crop is None or not performance.source or not source.is_file():
        return None
    image = bpy.data.images.load(str(source), check_existing=True)
    width, height = image.size
    if width == 0 or height == 0:
        bpy.data.images.remove(image)
        raise NoPlateError(
            translated("Blender cannot read {source}; the head is there, without the plate behind it.", source=source)
        )
    place = place_of(performance.crop, width, height)
    lens = camera_of(camera)
    background = lens.background_images.new()
    background.image, background.frame_method, background.alpha = image, "FIT", 1.0
    background.scale, background.offset = place.scale, (place.offset_x, place.offset_y)
    lens.show_background_images = True
    if image.source == "MOVIE":
        footage_fps = movie_facts(source).fps
        time_movie(lens, background, image, float(performance.times[0]), footage_fps=footage_fps, fps=fps, start=start)
    return image


def lay_behind(camera: bpy.types.Object, performance: Performance, clean: Path | None) -> None:
    """Have a clean plate behind what `camera` sees, without what the avatar brings; else the footage, as it was.

    Nothing happens where the footage has no clean plate.
    """
    shown = clean or footage_of(performance)
    if (clean or CLEAN in performance.extra) and shown.is_file():
        for background in camera_of(camera).background_images:
            background.image = bpy.data.images.load(str(shown), check_existing=True)


def time_movie(
    camera: bpy.types.Camera,
    background: bpy.types.CameraBackgroundImage,
    image: bpy.types.Image,
    begins: float,
    *,
    footage_fps: float,
    fps: float,
    start: int,
) -> None:
    """Let the movie run at its own speed: its picture at `begins` seconds is seen at frame `start` of the scene.

    `footage_fps` is the rate at which Blender counts the movie's pictures, `fps` the scene's.
    """
    user = background.image_user
    user.frame_start, user.frame_duration = start, image.frame_duration
    user.use_auto_refresh = True
    first = round(begins * footage_fps)
    user.frame_offset = first
    if abs(footage_fps - fps) < 0.01:
        return
    index = list(camera.background_images).index(background)
    curve = compat.channel(camera, f"background_images[{index}].image_user.frame_offset", group="Plate")
    offsets = frame_offsets(first, image.frame_duration, footage_fps, fps)
    curve.keyframe_points.add(len(offsets))
    curve.keyframe_points.foreach_set("co", [number for frame, offset in offsets for number in (start + frame, offset)])
    for point in curve.keyframe_points:
        point.interpolation = "CONSTANT"
    curve.update()


def frame_offsets(first: int, count: int, footage_fps: float, scene_fps: float) -> list[tuple[int, int]]:
    """Return (scene frame after the start, offset to add to it) wherever the offset changes, so that the scene shows
    the footage's frame of that time: Blender itself plays one picture a frame.
    """
    wanted, last = [], None
    for frame in range(int((count - first) * scene_fps / footage_fps) + 1):
        offset = min(count - 1, first + int(frame * footage_fps / scene_fps + 0.5)) - frame
        if offset != last:
            wanted.append((frame, offset))
            last = offset
    return wanted
