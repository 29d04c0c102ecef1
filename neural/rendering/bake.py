# SPDX-License-Identifier: GPL-3.0-or-later
"""Bake to Portrait: a head in 3D performs before a plate; what it shows is a dataset to build a portrait on."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING

import numpy as np

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.progress import Listener, silent
from ...protocol.foreground import over
from ...protocol.inputs import PosedMesh
from ...tracking.datasets.dataset import ENLARGED, Dataset
from ...tracking.datasets.writer import DatasetWriter
from ...tracking.media.crop import cut
from ...tracking.performances.maps import frame_vertices
from ...tracking.performances.performance import Crop
from ...tracking.performances.plates import CLEAN, HEADLESS
from ...tracking.photos.calibration import FRAMES, calibration_performance
from ...tracking.photos.photo_file import read_photo
from ..avatar import Avatar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...tracking.heads.arrays import Image
    from ...tracking.heads.head import MorphableHead
    from ...tracking.performances.performance import Performance

GREY = 96
"""Of 255: the backdrop where no plate is given."""


def bake(
    avatar: Path,
    folder: Path,
    *,
    plate: Path | None = None,
    size: int = 256,
    frames: int = FRAMES,
    head_path: Path | None = None,
    listener: Listener = silent,
) -> Dataset:
    """Write a dataset of `frames` pictures of a head in 3D that goes through all it can do.

    Args:
        avatar: the avatar file.
        folder: where the dataset goes; an earlier one there is replaced.
        plate: a picture to lie behind the head, as large as the avatar's footage (a photo's clean plate); grey when not
            given.
        size: side of the central window in pixels.
        frames: length of the calibration performance.
        head_path: file of the avatar's head, where it is not where it was.
        listener: hears of the progress and may cancel.

    Raises:
        UserError: a file is missing or damaged, the avatar is a portrait, or the folder cannot be written.
    """
    subject = Avatar.load(avatar)
    if subject.kind.inputs is not PosedMesh:
        raise UserError(f"{avatar} is a portrait already; choose a head in 3D.")
    head = subject.open_head(head_path)
    rest = subject.metadata.rest_performance()
    crop = rest.crop or Crop(0.0, 0.0, float(size))
    rest = replace(rest, crop=crop, camera=rest.camera.resized(size, size), source=str(plate or ""))
    performance = calibration_performance(head, rest, frames)
    behind_it = {} if plate is None else {CLEAN: str(plate), HEADLESS: str(plate)}
    performance = replace(performance, extra={**performance.extra, "baked": avatar.name, **behind_it})
    behind = backdrop(plate, crop, size)
    clock = Clock("Baking", frames, listener)
    with DatasetWriter(folder, size) as writer:
        for index, inputs in enumerate(enlarged_frames(head, performance)):
            rgba = subject.render(inputs).rgba[0]
            writer.add_picture(index, over(rgba, behind), rgba[..., 3])
            clock.tell_finished(index + 1)
        writer.draw_maps(head, performance, listener)
        return writer.finish(performance)


def enlarged_frames(head: MorphableHead, performance: Performance) -> Iterator[PosedMesh]:
    """Give a performance's frames as the camera of the enlarged window sees them."""
    neutral = head.neutral(performance.identity)
    margin = (round(performance.camera.width * ENLARGED) - performance.camera.width) // 2
    camera = np.array([astuple(performance.camera.padded(margin, margin, margin, margin))], np.float32)
    here = np.eye(3, dtype=np.float32)[None]
    for index in range(len(performance)):
        yield PosedMesh(
            frame_vertices(head, performance, index, neutral)[None],
            performance.expression[index][None],
            performance.rotation[index][None],
            here,
            camera,
        )


def backdrop(plate: Path | None, crop: Crop, size: int) -> Image:
    """Return the plate in the enlarged window of `crop`, `[S, S, 3]` for a central window of `size` pixels.

    Raises:
        UserError: the plate is missing or no picture.
    """
    if plate is None:
        side = round(size * ENLARGED)
        return np.full((side, side, 3), GREY, np.uint8)
    return cut(read_photo(plate), crop, size)
