# SPDX-License-Identifier: GPL-3.0-or-later
"""What the buttons ask the engine for: the jobs, with the scene's choices and names that are free."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...protocol.choices import PRESETS
from ...protocol.jobs import Bake, Build, NewDataset, Photo, Track
from ...protocol.messages import known_fields
from ...tracking.performances.plates import plate_behind
from .. import preferences
from ..engine import jobs
from ..properties import AUTOMATIC, choices, head_settings, scene_settings
from ..scene import driving
from ..scene.paths import path_of
from ..words import translated
from . import activity, job_watch

if TYPE_CHECKING:
    import bpy

DRIVER_SIZE = 256
"""Pixels of a driver's pictures, of which only the motion is used."""


def tracking_job(scene: bpy.types.Scene, source: Path) -> Track | Photo:
    """Return the job that tracks a file of the artist's with the scene's choices.

    Raises:
        UserError: the file is none that can be tracked, or the chosen head's file is not known.
    """
    chosen = scene_settings(scene)
    head_path = preferences.head_file(chosen.head_model)
    return jobs.new_avatar_job(
        source,
        choices(scene),
        dataset=free_dataset(source.stem),
        head=chosen.head_model,
        head_path=str(head_path) if head_path else None,
        size=PRESETS[chosen.preset].size,
    )


def free_dataset(stem: str) -> str:
    """Return a name for a dataset that the engine's home does not have yet, and that no job will make."""
    folder = preferences.home_folder() / "datasets"
    taken = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    asked = [request.dataset for request in activity.requests() if isinstance(request, NewDataset | Bake)]
    return jobs.free_name(stem, [*taken, *asked, *job_watch.datasets_to_come()])


def driver_job(head: bpy.types.Object, source: Path) -> Track:
    """Return the job that tracks a driving video with the driven head's own model."""
    own = head_settings(head)
    dataset = free_dataset(f"{source.stem}_driver")
    return Track(
        source=str(source), dataset=dataset, head=own.head_name, head_path=head_path_of(head), size=DRIVER_SIZE
    )


def head_path_of(head: bpy.types.Object) -> str | None:
    """The file of a head's model; None for a model that needs none."""
    path = path_of(head, "head_path")
    return str(path) if path else None


def build_job(scene: bpy.types.Scene, head: bpy.types.Object) -> Build:
    """Return the job that trains a head's avatar with the scene's choices.

    Raises:
        UserError: the dataset is gone, or was tracked at a lower quality than the scene's preset.
    """
    dataset = path_of(head, "dataset") or Path()
    try:
        size = int(json.loads((dataset / "dataset.json").read_text(encoding="utf-8"))["size"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            translated(
                "The tracked footage at {dataset} is gone; choose it with Relink, or make the head again.",
                dataset=dataset,
            )
        ) from None
    preset = scene_settings(scene).preset
    if size < PRESETS[preset].size:
        raise UserError(
            translated(
                "{head} was tracked at {size} pixels: choose a lower quality, or make it again with New Avatar.",
                head=head.name,
                size=size,
            )
        )
    given, name = known_fields(Build, choices(scene)), f"{dataset.name}_{preset}"
    if given["avatar_kind"] == AUTOMATIC:
        del given["avatar_kind"]
    else:
        name = f"{name}_{given['avatar_kind']}"
    return Build(dataset=str(dataset), avatar=name, consent=head_settings(head).consent.strip(), **given)


def bake_job(head: bpy.types.Object, size: int) -> Bake:
    """Return the job that films a head's avatar before its photo's clean plate, where it has one, at `size` pixels."""
    settings, own = head_settings(head), driving.own_performance(head)
    plate = plate_behind(own, head_alone=True) if own else None
    return Bake(
        avatar=settings.avatar,
        dataset=free_dataset(f"{settings.avatar}_baked"),
        plate=str(plate) if plate else None,
        size=size,
        head_path=head_path_of(head),
    )
