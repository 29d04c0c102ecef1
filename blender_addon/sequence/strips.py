# SPDX-License-Identifier: GPL-3.0-or-later
"""The strips of a sequence, made as planned, and made anew without losing what the artist has changed about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from .. import compat
from .sequencer import FRAMES

if TYPE_CHECKING:
    from .sequencer import SequencePlan, StripPlan

OURS = "semblance"
"""Custom property of the strips that were made here: what they show."""
PLANNED = "semblance_planned"
"""Custom property of strips and scenes: the values that were planned for them when they were last made."""
MADE = "semblance_made"
"""Custom property of the scene: what strips it has had."""
ALIKE = 1e-4
"""How far apart, in parts, a planned number and the one that Blender keeps of it may be."""


def make_strips(sequence: bpy.types.Scene, plan: SequencePlan) -> None:
    """Make the planned strips, or bring those that were made before up to date.

    A strip that the artist has removed stays away; only the frames themselves come back.
    """
    strips = sequence.sequence_editor_create().strips
    had = set(json.loads(sequence.get(MADE, "[]")))
    wanted = {each.shows for each in plan.strips}
    ours = {strip[OURS]: strip for strip in strips if strip.get(OURS)}
    for shows in ours.keys() - wanted:
        strips.remove(ours[shows])
    for each in plan.strips:
        strip = ours.get(each.shows)
        if strip is not None and strip.type != each.kind:
            strips.remove(strip)
            strip = None
        elif strip is None and each.shows in had and each.shows != FRAMES:
            continue
        if strip is None:
            make_strip(strips, each)
        else:
            renew_strip(strip, each)
    sequence[MADE] = json.dumps(sorted(had & wanted | wanted))


def make_strip(strips: bpy.types.StripsTopLevel, plan: StripPlan) -> None:
    """Make one strip, its files' own pixels scaled and moved as planned, in its channel or the next that is free."""
    file, name = str(plan.files[0]), plan.files[0].stem if len(plan.files) == 1 else plan.shows.title()
    start, channel = plan.start - plan.skipped, free_channel(strips, plan)
    if plan.kind == "SOUND":
        strip: bpy.types.Strip = strips.new_sound(name, file, channel, start)
    else:
        new = strips.new_movie if plan.kind == "MOVIE" else strips.new_image
        strip = new(name, file, channel, start, fit_method="ORIGINAL")
        fill(strip, plan)
    strip[OURS] = plan.shows
    for value in planned(plan):
        give(strip, value, planned(plan)[value])
    strip[PLANNED] = json.dumps(planned(plan))


def renew_strip(strip: bpy.types.Strip, plan: StripPlan) -> None:
    """Give a strip new files, and those of its values that the artist has left as they were planned before."""
    before = json.loads(strip.get(PLANNED, "{}"))
    kept = {name for name, value in before.items() if not same(value_of(strip, name), value)}
    fill(strip, plan)
    for name, value in planned(plan).items():
        if name not in kept and (name in before or name == "range"):
            give(strip, name, value)
    strip[PLANNED] = json.dumps(planned(plan))


def planned(plan: StripPlan) -> dict[str, Any]:
    """The values of a strip that a plan chooses, by name; when its file begins comes before what is seen of it."""
    values: dict[str, Any] = {"begins": plan.start - plan.skipped, "range": [plan.start, plan.start + plan.length]}
    if plan.kind != "SOUND":
        values |= {"blend": plan.blend, "scale": [plan.scale, plan.scale], "offset": list(plan.offset)}
    return values


def value_of(strip: bpy.types.Strip, name: str) -> Any:
    """One of those values, as a strip has it now."""
    if name == "begins":
        return compat.content_start(strip)
    if name == "range":
        return list(compat.shown_between(strip))
    if name == "blend":
        return strip.blend_type
    transform = strip.transform  # type: ignore[attr-defined]  # of pictures and movies
    return [getattr(transform, f"{name}_{axis}") for axis in "xy"]


def give(strip: bpy.types.Strip, name: str, value: Any) -> None:
    """Give a strip one of those values."""
    if name == "begins":
        compat.begin_content(strip, value)
    elif name == "range":
        compat.show_between(strip, *value)
    elif name == "blend":
        strip.blend_type = value
    else:
        for axis, number in zip("xy", value, strict=True):
            setattr(strip.transform, f"{name}_{axis}", number)  # type: ignore[attr-defined]


def same(now: Any, before: Any) -> bool:
    """Tell whether a value is as it was planned."""
    if isinstance(before, str):
        return bool(now == before)
    return bool(np.allclose(now, before, rtol=ALIKE, atol=ALIKE))


def fill(strip: bpy.types.Strip, plan: StripPlan) -> None:
    """Have a strip show the planned files as they are on disk now."""
    if isinstance(strip, bpy.types.ImageStrip):
        strip.directory = str(plan.files[0].parent)
        while len(strip.elements) > len(plan.files):
            strip.elements.pop(len(strip.elements) - 1)
        for element, file in zip(strip.elements, plan.files, strict=False):
            element.filename = file.name
        for file in plan.files[len(strip.elements) :]:
            strip.elements.append(file.name)
        strip.invalidate_cache("RAW")
    elif isinstance(strip, bpy.types.MovieStrip):
        if on_disk(strip.filepath) != plan.files[0]:
            strip.filepath = str(plan.files[0])
        strip.invalidate_cache("RAW")
    elif isinstance(strip, bpy.types.SoundStrip) and (
        not strip.sound or on_disk(strip.sound.filepath) != plan.files[0]
    ):
        strip.sound = bpy.data.sounds.load(str(plan.files[0]), check_existing=True)


def on_disk(path: str) -> Path:
    """The file that a path of Blender's means."""
    return Path(bpy.path.abspath(path))


def free_channel(strips: bpy.types.StripsTopLevel, plan: StripPlan) -> int:
    """Return the planned channel, or the next one in which nothing lies while the strip is there."""
    begin = min(plan.start, plan.start - plan.skipped)
    taken = {
        strip.channel
        for strip, (start, stop) in ((strip, compat.shown_between(strip)) for strip in strips)
        if start < plan.start + plan.length and stop > begin
    }
    return next(channel for channel in range(plan.channel, 129) if channel not in taken)
