# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene for the sequence: what was rendered, laid over its plate as `sequencer` plans it, and made into a movie."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...common.errors import UserError
from ...tracking.performances.plates import footage_of, plate_behind
from .. import compat
from ..properties import head_settings
from ..render import scene_colours
from ..render.kinds import kind_of
from ..scene import driving
from ..scene.avatar_scene import scene_fps
from ..scene.movies import movie_facts
from ..scene.paths import path_of
from .sequencer import PLATE, Frames, Plate, SequencePlan, Sound, StripPlan, plan_sequence, whole_rate

OURS = "semblance"
"""Custom property of the strips and scenes that were made here, so that they can be made again."""
AVATAR = "semblance_avatar"
"""Custom property of those scenes: the name of the avatar that is seen, for the movie's Content Credentials."""
DRIVER, FILMED = "semblance_driver", "semblance_filmed"
"""Custom properties beside it: the file that drove the avatar, empty for none, and whether a plate is seen too."""


def send_to_sequencer(scene: bpy.types.Scene, head: bpy.types.Object, frames: Frames) -> bpy.types.Scene:
    """Lay neural frames of `head` over its plate, with its driver's sound, in a scene made for it; return that scene.

    Sending again replaces what was sent before and leaves other strips alone.

    Raises:
        UserError: there are no frames, or a file cannot be read.
    """
    plan = plan_sequence(frames, plate_of(head), sound_of(scene, head))
    sequence = sequence_of(scene)
    driver = path_of(head, "driver")
    sequence[AVATAR], sequence[DRIVER] = head_settings(head).avatar, str(driver) if driver and driver.is_file() else ""
    sequence[FILMED] = any(each.shows == PLATE for each in plan.strips)
    render = sequence.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = plan.width, plan.height, 100
    render.fps, render.fps_base = whole_rate(plan.fps)
    sequence.frame_start, sequence.frame_end = plan.first, plan.last
    sequence.frame_set(plan.first)
    scene_colours.keep_colours(sequence)
    make_strips(sequence, plan)
    movie_output(sequence, frames.files[0].parent / f"{scene.name}.mp4")
    return sequence


def rendered_frames(scene: bpy.types.Scene) -> Frames:
    """Return what the scene's render has left in its output folder: the frames from the first that is there on.

    Raises:
        UserError: there are none.
    """
    if scene.render.is_movie_format:
        return movie_frames(Path(scene.render.frame_path(frame=scene.frame_start)))
    numbers = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    paths = {number: Path(scene.render.frame_path(frame=number)) for number in numbers}
    first = next((number for number in numbers if paths[number].is_file()), None)
    if first is None:
        raise UserError(f"There are no frames at {paths[scene.frame_start]}; render the animation first.")
    files = []
    for number in range(first, scene.frame_end + 1, scene.frame_step):
        if not paths[number].is_file():
            break
        files.append(paths[number])
    fps = scene_fps(scene)
    return Frames(tuple(files), picture_size(files[0]), fps / scene.frame_step, (first - scene.frame_start) / fps)


def movie_frames(movie: Path) -> Frames:
    """Return a movie of neural frames. Raises UserError when it is missing or Blender cannot read it."""
    if not movie.is_file():
        raise UserError(f"There is no movie at {movie}; render the animation first.")
    facts = movie_facts(movie)
    return Frames((movie,), facts.size, facts.fps, movie=facts.count)


def plate_of(head: bpy.types.Object) -> Plate | None:
    """Return the clean plate that lies behind a head's neural frames, else the footage that it was tracked in; None
    when that is gone or there never was any.

    Raises:
        UserError: Blender cannot read it.
    """
    own = driving.own_performance(head)
    if not own or own.crop is None or not own.source:
        return None
    source = plate_behind(own, head_alone=kind_of(head).in_space) or footage_of(own)
    if not source.is_file():
        return None
    if is_picture(source):
        return Plate(source, picture_size(source), own.fps, 1, own.crop)
    facts = movie_facts(source)
    return Plate(source, facts.size, facts.fps, facts.count, own.crop, -float(own.times[0]))


def sound_of(scene: bpy.types.Scene, head: bpy.types.Object) -> Sound | None:
    """Return the sound that belongs to a head's motion: that of the footage that drives it; None when it has none."""
    settings, file = head_settings(head), path_of(head, "driver")
    if file is None or not file.is_file() or is_picture(file) or not has_sound(file):
        return None
    starts = (settings.driver_start - scene.frame_start) / scene_fps(scene)
    return Sound(file, starts - settings.driver_time)


def sequence_of(scene: bpy.types.Scene) -> bpy.types.Scene:
    """Return the scene that holds a scene's sequence, made when it is missing.

    It is a scene of its own because a scene with strips renders these instead of its objects.
    """
    name = f"{scene.name} Sequence"
    found = next((each for each in bpy.data.scenes if each.get(OURS) == scene.name), None)
    if found is None:
        found = bpy.data.scenes.new(name)
        found[OURS] = scene.name
    return found


def make_strips(sequence: bpy.types.Scene, plan: SequencePlan) -> None:
    """Make the planned strips in place of those that were made here before."""
    strips = sequence.sequence_editor_create().strips
    for strip in [strip for strip in strips if strip.get(OURS)]:
        strips.remove(strip)
    for each in plan.strips:
        strip = make_strip(strips, each)
        strip[OURS] = each.shows
        compat.show_between(strip, each.start, each.start + each.length)


def make_strip(strips: bpy.types.StripsTopLevel, plan: StripPlan) -> bpy.types.Strip:
    """Make one strip, its files' own pixels scaled and moved as planned."""
    file, name = str(plan.files[0]), plan.files[0].stem if len(plan.files) == 1 else plan.shows.title()
    start = plan.start - plan.skipped
    if plan.kind == "SOUND":
        return strips.new_sound(name, file, plan.channel, start)
    new = strips.new_movie if plan.kind == "MOVIE" else strips.new_image
    strip = new(name, file, plan.channel, start, fit_method="ORIGINAL")
    assert isinstance(strip, bpy.types.ImageStrip | bpy.types.MovieStrip)
    if isinstance(strip, bpy.types.ImageStrip):
        for each in plan.files[1:]:
            strip.elements.append(each.name)
    strip.blend_type = plan.blend
    assert strip.transform is not None
    strip.transform.scale_x = strip.transform.scale_y = plan.scale
    strip.transform.offset_x, strip.transform.offset_y = plan.offset
    return strip


def movie_output(scene: bpy.types.Scene, path: Path) -> None:
    """Let a scene render into an MP4 (H.264 and AAC) that plays everywhere."""
    render = scene.render
    compat.make_movies(render.image_settings)
    movie = render.ffmpeg
    assert movie is not None
    movie.format, movie.codec = "MPEG4", "H264"
    movie.constant_rate_factor, movie.gopsize = "HIGH", 12
    movie.audio_codec, movie.audio_bitrate = "AAC", 192
    render.filepath, render.use_file_extension = str(path), True


def render_sequence(sequence: bpy.types.Scene, path: Path) -> None:
    """Render a scene's sequence into the movie `path` (.mp4) and wait for it.

    Raises:
        UserError: Blender could not write it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    movie_output(sequence, path)
    try:
        bpy.ops.render.render(animation=True, scene=sequence.name)
    except RuntimeError as error:
        raise UserError(f"Blender could not render {path}: {str(error).strip()}") from error


def render_frames(scene: bpy.types.Scene, folder: Path) -> Frames:
    """Render a scene's animation into numbered PNG pictures and wait for it; return them.

    Raises:
        UserError: the render failed; the sentence is the render engine's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    compat.make_pictures(scene.render.image_settings)
    scene.render.filepath = str(folder / "frame_")
    try:
        bpy.ops.render.render(animation=True, scene=scene.name)
    except RuntimeError as error:
        raise UserError(str(error).strip().removeprefix("Error: ")) from error
    return rendered_frames(scene)


def is_picture(file: Path) -> bool:
    """Tell by its name whether a file is a still picture."""
    return file.suffix.lower() in bpy.path.extensions_image  # type: ignore[attr-defined]  # its stub leaves it out


def picture_size(file: Path) -> tuple[int, int]:
    """Return width and height of a picture. Raises UserError when Blender cannot read it."""
    image = bpy.data.images.load(str(file))
    width, height = image.size
    bpy.data.images.remove(image)
    if not width or not height:
        raise UserError(f"Blender cannot read the picture {file}; render it again.")
    return width, height


def has_sound(file: Path) -> bool:
    """Tell whether Blender hears anything in a file."""
    probe = bpy.data.scenes.new("Semblance probe")
    try:
        strip = probe.sequence_editor_create().strips.new_sound("probe", str(file), 1, 1)
        return compat.content_length(strip) > 1
    finally:
        bpy.data.scenes.remove(probe)
