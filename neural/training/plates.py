# SPDX-License-Identifier: GPL-3.0-or-later
"""What an avatar's file brings to be laid over: the clean plate in its window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...common.errors import UserError
from ...tracking.datasets.pictures import read_matte, read_picture, read_window
from ...tracking.performances.plate_light import LIGHT_SIDE
from ...tracking.performances.plates import entry_behind
from ...tracking.plates.light import gain, lit
from ...tracking.plates.windows import behind

if TYPE_CHECKING:
    from ...tracking.datasets.dataset import Dataset
    from ...tracking.heads.arrays import Floats, Image
    from ...tracking.performances.performance import Performance

AWAY = 1 / 32
"""Of the window's side: as far from the person the footage surely shows the background alone."""
HARDLY = 5
"""Of 255: a matte up to which a pixel is the background's."""


def plate_of(dataset: Dataset, performance: Performance, size: int, *, head_alone: bool) -> Image | None:
    """Return a dataset's clean plate in the central window, RGB `[size, size, 3]`; None where it has none.

    `head_alone` where the avatar leaves the shoulders to the plate.
    """
    picture = whole_plate(dataset, performance, head_alone=head_alone)
    return None if picture is None or performance.crop is None else behind(picture, performance.crop, size)


def whole_plate(dataset: Dataset, performance: Performance, *, head_alone: bool) -> Image | None:
    """Return a dataset's clean plate, RGB `[H, W, 3]`, of the footage's whole picture; None where it has none.

    A damaged one counts as none: it can be done without.
    """
    entry = entry_behind(performance, head_alone=head_alone)
    if not entry:
        return None
    here, noted = dataset.folder / f"{entry}.png", Path(performance.extra[entry])
    try:
        picture = read_picture(here if here.is_file() else noted, cv2.IMREAD_COLOR)
    except UserError:
        return None
    return np.ascontiguousarray(picture[..., ::-1])


def lit_plate_of(
    dataset: Dataset, performance: Performance, size: int, moment: float
) -> tuple[Image, Floats] | tuple[None, None]:
    """Return a dataset's plate without the person, as `plate_of`, in the light of a `moment` of its footage (0 to 1),
    and the gains that this takes (`light_of`); None for both where it has none.

    Raises:
        UserError: a picture of that frame is missing or damaged.
    """
    plate = plate_of(dataset, performance, size, head_alone=False)
    if plate is None:
        return None, None
    light = light_of(plate, dataset, round(moment * (len(performance) - 1)))
    return lit(plate, light), light


def lit_as(plate: Image, dataset: Dataset, index: int) -> Image:
    """Return a plate `[S, S, 3]` of the central window in the light of a dataset's frame.

    Raises:
        UserError: a picture of the frame is missing or damaged.
    """
    return lit(plate, light_of(plate, dataset, index))


def light_of(plate: Image, dataset: Dataset, index: int) -> Floats:
    """Return `[LIGHT_SIDE, LIGHT_SIDE, 3]`: by what such a plate is multiplied to be in that light.

    Raises:
        UserError: a picture of the frame is missing or damaged.
    """
    gains = gain(read_window(dataset, index, len(plate)), plate, background(dataset, index, len(plate)))
    small: Floats = cv2.resize(gains, (LIGHT_SIDE, LIGHT_SIDE), interpolation=cv2.INTER_AREA)
    return small


def background(dataset: Dataset, index: int, size: int) -> Floats:
    """Return `[size, size]`: 1 where a frame's central window surely shows the background alone.

    Raises:
        UserError: the matte is missing or damaged.
    """
    side = 2 * max(1, round(AWAY * size)) + 1
    person = cv2.dilate((read_matte(dataset, index, size) > HARDLY).astype(np.uint8), np.ones((side, side), np.uint8))
    free: Floats = (person == 0).astype(np.float32)
    return free
