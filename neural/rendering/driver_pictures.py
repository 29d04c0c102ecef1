# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a driver, for showing them beside the avatar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from ...tracking.datasets.dataset import Dataset
from ...tracking.datasets.pictures import central_window, read_picture
from ...tracking.heads.arrays import Image
from ...tracking.media.crop import cut
from ...tracking.media.footage import Footage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...tracking.performances.performance import Performance

SIZE = 512
"""Side in pixels of the pictures."""

Timed = tuple[float, Image]


class Pictures:
    """Pictures with their times, asked for in order of time."""

    def __init__(self, pictures: Iterator[Timed]) -> None:
        self._pictures = pictures
        self._shown = self._next = next(pictures, None)

    def at(self, time: float) -> Image | None:
        """RGB uint8 `[H, W, 3]`: the last picture at `time` seconds or before; the first one before it."""
        while self._next is not None and self._next[0] <= time + 1e-3:
            self._shown, self._next = self._next, next(self._pictures, None)
        return self._shown[1] if self._shown else None


def pictures_of(driver: Path, performance: Performance) -> Pictures | None:
    """Pictures of the driver's central window, timed from the performance's first frame; None where there are none."""
    footage = Path(performance.source)
    if driver.is_dir():
        timed = dataset_pictures(Dataset.open(driver), performance)
    elif performance.source and footage.is_file():
        timed = footage_pictures(footage, performance)
    else:
        return None
    first = float(performance.times[0])
    return Pictures((time - first, picture) for time, picture in timed)


def dataset_pictures(dataset: Dataset, performance: Performance) -> Iterator[Timed]:
    """The central windows of a dataset's pictures."""
    for name, time in zip(dataset.names, performance.times, strict=True):
        enlarged = read_picture(dataset.image(name), cv2.IMREAD_COLOR)[..., ::-1]
        yield float(time), central_window(enlarged)


def footage_pictures(path: Path, performance: Performance) -> Iterator[Timed]:
    """A video's pictures, cut to the performance's window where it has one."""
    for frame in Footage.open(path):
        picture = cut(frame.image, performance.crop, SIZE, 1.0) if performance.crop else frame.image
        yield frame.time, picture
