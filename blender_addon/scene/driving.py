# SPDX-License-Identifier: GPL-3.0-or-later
"""Another performance on a head: relative to rest, or the head's own as it was tracked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import bpy

from ...common.errors import UserError
from ...tracking.performances.captures.registry import read_performance
from ...tracking.performances.performance import Performance
from ...tracking.performances.rest import rest_performance
from ...tracking.performances.retarget import retarget
from ...tracking.performances.shaping import Wish, shaped
from ..animation_properties import animation_settings
from ..properties import head_settings
from ..words import translated
from .avatar_scene import apply_performance, scene_fps
from .face_regions import REGION_OF
from .paths import keep_path, path_of


def drive(scene: bpy.types.Scene, head: bpy.types.Object, performance_file: Path, start: int) -> str:
    """Write a performance onto a head as a new take from frame `start` on; return what to say about it.

    The file may be of any kind that `captures.registry` reads. A performance of the same footage is taken as it is; any
    other is made relative to the head's own rest, so that the person stays the avatar's. Then it is made as strong,
    smooth and fast as the head's settings say. Takes that were there before stay as they are.

    Raises:
        UserError: a file is missing or damaged, or the head has lost what the keys are for.
    """
    driver = read_performance(performance_file)
    if not len(driver):
        raise UserError(
            translated("{performance_file} has no frames; track the footage again.", performance_file=performance_file)
        )
    notes = driver.extra.get("notes", ())
    own = own_performance(head)
    if own is None:
        raise UserError(
            translated(
                "{head} does not say whose head it is; make it again with New Avatar or Add Avatar.", head=head.name
            )
        )
    if not same_person(driver, own):
        driver = retarget(driver, replace(own, source=driver.source, extra=driver.extra))
    first = start + animation_settings(head).offset
    last = apply_performance(
        head, as_wished(head, driver, own), fps=scene_fps(scene), start=first, take=name_of(driver, performance_file)
    )
    keep_path(head, "motion", performance_file)
    scene.frame_end = max(scene.frame_end, last)
    scene.frame_set(first)
    return " ".join(
        [translated("{head} performs from frame {first} to {last}.", head=head.name, first=first, last=last), *notes]
    )


def as_wished(head: bpy.types.Object, driver: Performance, own: Performance) -> Performance:
    """Return a performance as strong, smooth and fast as a head's settings say, about the rest of the head's `own`."""
    settings = animation_settings(head)

    def wish(region: str) -> Wish:
        return Wish(getattr(settings, f"strength_{region}"), getattr(settings, f"smoothing_{region}"))

    expressions = {name: wish(region) for name, region in REGION_OF.items()}
    return shaped(driver, own, expressions, head=wish("head"), gaze=wish("gaze"), speed=settings.speed)


def name_of(driver: Performance, file: Path) -> str:
    """What a take is called: like the footage that was tracked, or like the file."""
    return Path(driver.source).stem or file.stem


def own_performance(head: bpy.types.Object) -> Performance | None:
    """The performance that a head was tracked with; where its file is gone, the person at rest, which lives with the
    head; None for a head of an older Semblance whose file is gone.
    """
    file, person = path_of(head, "performance"), head_settings(head).person
    if file and file.is_file():
        return Performance.load(file)
    try:
        return rest_performance(json.loads(person)) if person else None
    except (KeyError, TypeError, ValueError):
        return None


def same_person(first: Performance, second: Performance) -> bool:
    """Tell whether two performances are tracked from the same footage, so that their poses compare."""
    return first.source == second.source and first.camera == second.camera and first.crop == second.crop
