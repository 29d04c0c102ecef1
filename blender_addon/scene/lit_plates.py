# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean plates in the light that an avatar learnt, as `reenact` lays it over them: files beside the clean plates."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import bpy
import numpy as np

from ...common.files import written_whole
from ...tracking.performances.plate_light import gains_over
from ...tracking.performances.plates import plate_behind
from ..properties import head_settings

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats
    from ...tracking.performances.performance import Performance

SAME = 0.003
"""A gain as near to 1 changes less than a level of 255."""


def clean_plate(head: bpy.types.Object, performance: Performance, *, head_is_apart: bool) -> Path | None:
    """Return the file of the clean plate to lie behind a head's avatar, in the avatar's light where it differs from
    the plate's; None where there is no clean plate.

    It is made when it is missing, or older than the clean plate, which artists may retouch. In a folder that cannot be
    written to, the plate stays as it is. `head_is_apart` where the avatar is a head alone.
    """
    clean, light = plate_behind(performance, head_alone=head_is_apart), light_of(head)
    if clean is None or performance.crop is None or light is None or np.abs(light - 1).max() < SAME:
        return clean
    lit = clean.with_name(f"{clean.stem}_{crc32(light.tobytes()):08x}.png")
    with suppress(OSError):
        if not lit.is_file() or lit.stat().st_mtime < clean.stat().st_mtime:
            image = bpy.data.images.load(str(clean))
            try:
                write_lit(image, gains_over(light, performance.crop, *image.size), lit)
            finally:
                bpy.data.images.remove(image)
            show_anew(lit)
    return lit if lit.is_file() else clean


def show_anew(path: Path) -> None:
    """Have Blender show a file that was written while it may have been shown."""
    for each in bpy.data.images:
        if each.filepath and Path(bpy.path.abspath(each.filepath)) == path:
            each.reload()


def light_of(head: bpy.types.Object) -> Floats | None:
    """Return the gains `[N, N, 3]` in the window of a head's avatar; None where its file does not say them."""
    said = json.loads(head_settings(head).light or "[]")
    side = round(len(said) ** 0.5)
    return np.array(said, np.float32).reshape(side, side, 3) if said else None


def write_lit(image: bpy.types.Image, gains: Floats, path: Path) -> None:
    """Write a picture of the same size as `gains [H, W, 3]`, multiplied by them, as PNG.

    Raises:
        OSError, UserError: it cannot be written.
    """
    height, width = gains.shape[:2]
    pixels = np.empty(height * width * 4, np.float32)
    read: Any = image.pixels  # their stub is wrong
    read.foreach_get(pixels)
    pixels.reshape(height, width, 4)[..., :3] *= gains[::-1]  # Blender's first row is the lowest
    made = bpy.data.images.new(path.stem, width, height)
    try:
        written: Any = made.pixels
        written.foreach_set(np.clip(pixels, 0, 1))
        with written_whole(path) as partial:
            made.filepath_raw, made.file_format = str(partial), "PNG"
            made.save()
    except RuntimeError as error:  # Blender's own word for what cannot be written
        raise OSError(str(error)) from error
    finally:
        bpy.data.images.remove(made)
