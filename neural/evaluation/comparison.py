# SPDX-License-Identifier: GPL-3.0-or-later
"""Several rows of pictures, frame by frame beside the footage that they should show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...common.clock import Clock
from ...common.progress import Listener, silent
from ...tracking.datasets.pictures import read_window
from ...tracking.performances.turns import turns_aside
from .footage import face_of
from .observer import Row
from .regions import regions
from .yaw_bins import YawBin, by_yaw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...protocol.choices import RegionName
    from ...tracking.datasets.dataset import Dataset
    from ...tracking.heads.arrays import Image
    from ...tracking.heads.head import MorphableHead
    from .figures import Figures
    from .footage import Covered
    from .observer import Observer

SHEET_ROWS = 6


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        rows: figures of each row of pictures.
        bins: the same by how far the head is turned, of bins with enough frames.
        frames: at some frames, RGB uint8 `[R, R, 3]` by name: "footage", then the rows.
    """

    rows: dict[str, Figures]
    bins: dict[str, YawBin]
    frames: tuple[dict[str, Image], ...]


def compare(
    dataset: Dataset,
    frames: Sequence[int],
    pictures: Mapping[str, Callable[[int], Covered]],
    region: RegionName,
    side: int,
    observer: Observer,
    head: MorphableHead | None,
    listener: Listener = silent,
) -> Comparison:
    """Compare rows of pictures with a dataset's footage; frames are gone through once, and only figures are kept.

    Args:
        dataset, frames: the footage, and which of its frames, in order.
        pictures: makes a picture `side` pixels square of a frame, for each row.
        region: what of the footage counts; the rest is black, and so is what a picture leaves empty.
        side: pixels.
        observer: looks at the pictures.
        head: whose expressions are compared; None where it is not there.
        listener: hears of the progress and may cancel.

    Raises:
        UserError: a file of the dataset is missing or damaged, or the region cannot be known.
        Cancelled: the listener asked for it.
    """
    rows = {name: Row(observer) for name in pictures}
    shown = set(spread(frames, SHEET_ROWS))
    sheet: list[dict[str, Image]] = []
    clock = Clock("Evaluating", len(frames), listener)
    for done, (index, within) in enumerate(zip(frames, regions(dataset, frames, region, side), strict=True)):
        clock.tell(done)
        footage, face = read_window(dataset, index, side), face_of(dataset, index, side)
        truth = observer.look(within.alone(footage), within.matte)
        line = {"footage": footage}
        for name, make in pictures.items():
            picture = make(index)
            colour = within.alone(picture.colour) if picture.fills else picture.colour
            own = observer.look(colour, np.minimum(within.matte, picture.alpha))
            rows[name].add(index, own, truth, within.matte, face, within.counted)
            line[name] = picture.over_black
        if index in shown:
            sheet.append(line)
    performance = dataset.performance()
    camera = performance.camera.resized(side, side)
    bins = by_yaw(rows, turns_aside(performance)[list(frames)], head, camera)
    return Comparison({name: row.figures(head, camera) for name, row in rows.items()}, bins, tuple(sheet))


def spread(frames: Sequence[int], count: int) -> list[int]:
    """Return `count` of the frames, evenly apart, neither the first nor the last."""
    return [frames[int((number + 0.5) / count * len(frames))] for number in range(count)]
