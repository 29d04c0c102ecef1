# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene for the sequence: what was rendered, laid over its plate as `sequencer` plans it, and made into a movie."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from ...tracking.performances.plates import footage_of
from .. import compat, ids
from ..properties import head_settings, scene_settings
from ..render import scene_colours
from ..render.kinds import kind_of
from ..scene import driving
from ..scene.avatar_scene import scene_fps
from ..scene.lit_plates import clean_plate
from ..scene.movies import movie_facts
from ..scene.paths import path_of
from ..words import translated
from .frame_check import picture_size
from .sequencer import PLATE, Frames, Plate, SequencePlan, Sound, plan_sequence, whole_rate
from .strips import OURS, PLANNED, make_strips, same

if TYPE_CHECKING:
    from pathlib import Path

SEQUENCE_OF = "semblance_sequence_of"
"""Custom property of the scenes that were made here: the id of the scene whose sequence they hold."""
AVATAR = "semblance_avatar"
"""Another one: the name of the avatar that is seen, for the movie's Content Credentials."""
DRIVER, FILMED = "semblance_driver", "semblance_filmed"
"""Custom properties beside it: the file that drove the avatar, empty for none, and whether a plate is seen too."""


def send_to_sequencer(scene: bpy.types.Scene, head: bpy.types.Object, frames: Frames) -> bpy.types.Scene:
    """Lay neural frames of `head` over its plate, with its driver's sound, in a scene made for it; return that scene.

    Sending again brings what was sent before up to date. What the artist has changed about it since stays, and so do
    other strips.

    Raises:
        UserError: there are no frames, or a file cannot be read.
    """
    plan = plan_sequence(frames, plate_of(head), sound_of(scene, head))
    sequence = sequence_of(scene)
    driver = path_of(head, "driver")
    sequence[AVATAR], sequence[DRIVER] = head_settings(head).avatar, str(driver) if driver and driver.is_file() else ""
    sequence[FILMED] = any(each.shows == PLATE for each in plan.strips)
    set_up(sequence, plan, frames.files[0].parent / f"{scene.name}.mp4")
    make_strips(sequence, plan)
    return sequence


def set_up(sequence: bpy.types.Scene, plan: SequencePlan, movie: Path) -> None:
    """Give a sequence's scene the plan's size, rate and length, and, when it is new, colours and a movie to render."""
    before = json.loads(sequence.get(PLANNED, "{}"))
    fps, fps_base = whole_rate(plan.fps)
    wanted = {
        "render.resolution_x": plan.width,
        "render.resolution_y": plan.height,
        "render.resolution_percentage": 100,
        "render.fps": fps,
        "render.fps_base": fps_base,
        "frame_start": plan.first,
        "frame_end": plan.last,
    }
    for path, value in wanted.items():
        if path not in before or same(sequence.path_resolve(path), before[path]):
            holder = sequence.render if path.startswith("render.") else sequence
            setattr(holder, path.rpartition(".")[2], value)
    sequence[PLANNED] = json.dumps(wanted)
    if not before:
        sequence.frame_set(plan.first)
        scene_colours.keep_colours(sequence)
        movie_output(sequence, movie)


def plate_of(head: bpy.types.Object) -> Plate | None:
    """Return the clean plate that lies behind a head's neural frames, else the footage that it was tracked in; None
    when that is gone or there never was any.

    Raises:
        UserError: Blender cannot read it.
    """
    own = driving.own_performance(head)
    if not own or own.crop is None or not own.source:
        return None
    source = clean_plate(head, own, head_is_apart=kind_of(head).in_space) or footage_of(own)
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
    """Return the scene that holds a scene's sequence, by the scene's id, made when it is missing.

    It is a scene of its own because a scene with strips renders these instead of its objects.
    """
    wanted = ids.id_of(scene)
    found = found_sequence(scene) or bpy.data.scenes.new(f"{scene.name} Sequence")
    found[SEQUENCE_OF] = wanted
    return found


def found_sequence(scene: bpy.types.Scene) -> bpy.types.Scene | None:
    """Return the scene that holds a scene's sequence, or the scene itself where it is one; None where there is none."""
    if scene.get(SEQUENCE_OF):
        return scene
    wanted = scene_settings(scene).id
    found = next((each for each in bpy.data.scenes if wanted and each.get(SEQUENCE_OF) == wanted), None)
    return found or next((each for each in bpy.data.scenes if name_marked(each) == scene.name), None)


def name_marked(sequence: bpy.types.Scene) -> str:
    """Return the name of the scene of which an older Semblance made a sequence; empty for any other scene."""
    named = sequence.get(OURS) if not sequence.get(SEQUENCE_OF) else None
    return named if isinstance(named, str) else ""


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
        raise UserError(
            translated("Blender could not render {path}: {reason}", path=path, reason=str(error).strip())
        ) from error


def render_frames(scene: bpy.types.Scene, folder: Path) -> None:
    """Render a scene's animation into numbered PNG pictures and wait for it.

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


def is_picture(file: Path) -> bool:
    """Tell by its name whether a file is a still picture."""
    return file.suffix.lower() in bpy.path.extensions_image  # type: ignore[attr-defined]  # its stub leaves it out


def has_sound(file: Path) -> bool:
    """Tell whether Blender hears anything in a file."""
    probe = bpy.data.scenes.new("Semblance probe")
    try:
        strip = probe.sequence_editor_create().strips.new_sound("probe", str(file), 1, 1)
        return compat.content_length(strip) > 1
    finally:
        bpy.data.scenes.remove(probe)
