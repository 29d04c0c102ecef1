# SPDX-License-Identifier: GPL-3.0-or-later
"""One photo becomes a dataset: its head is solved, made to perform, and filmed (OPHAvatars in its simplest form).

More photos of the same person are solved with it and join the dataset as what they are.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...common.clock import Clock
from ...common.progress import Listener, Progress, silent
from ..datasets.writer import DatasetWriter
from ..mattes.selfie_matting import builtin_matting
from ..performances.performance import OVER_TIME
from .calibration import FRAMES, calibration_performance
from .coarse_video import CoarseVideo
from .portraits import found_portrait, solve_portraits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..datasets.dataset import Dataset
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..mattes.matting import MattingMaker
    from ..performances.performance import Performance
    from .portraits import Portrait


def photo_dataset(
    photo: str | Path,
    folder: str | Path,
    *,
    head: MorphableHead,
    more: Sequence[str | Path] = (),
    size: int = 512,
    frames: int = FRAMES,
    matting: MattingMaker = builtin_matting,
    listener: Listener = silent,
) -> Dataset:
    """Make a dataset from one photo of one person, or from several.

    Its first frames are the photos themselves; of the first photo it also has the coarse video. Its performance says
    in `extra["photographs"]` which frames are photos, in `extra["photo"]` the first one's name, and in `extra["notes"]`
    what will make the avatar worse.

    Args:
        photo: a picture file; its EXIF rotation is respected.
        folder: where the dataset goes; an earlier dataset there is replaced.
        head: the morphable head to solve for.
        more: other photos of the same person, in other views or with other expressions.
        size: side of the central window in pixels, a multiple of 4.
        frames: length of the calibration performance, whose first frame is the first photo.
        matting: makes what mattes a photo.
        listener: hears of the progress and of the notes, and may cancel.

    Raises:
        UserError: a photo is missing, unreadable, or does not show exactly one face that is large enough, not covered
            and not turned away; or the folder cannot be written.
    """
    portraits = look_at([Path(photo), *map(Path, more)], listener)
    stills = solve_portraits(head, portraits, size)
    for note in stills.extra.get("notes", ()):
        listener(Progress("Finding the face", len(portraits), len(portraits), note))
    first = stills.at(slice(0, 1))
    performance = with_photos(calibration_performance(head, first, frames), stills)
    with DatasetWriter(folder, size) as writer:
        shots = [matted(head, stills, index, each, size, matting) for index, each in enumerate(portraits)]
        for index, shot in enumerate(shots):
            writer.add_picture(index, *shot)
        window, matte = shots[0]
        with CoarseVideo(head, first, window, matte, portraits[0].marks(len(window))) as video:
            film(video, performance, head.neutral(performance.identity), writer, len(portraits), listener)
        writer.draw_maps(head, performance, listener)
        return writer.finish(performance)


def look_at(paths: Sequence[Path], listener: Listener) -> list[Portrait]:
    """Find the face in every photo.

    Raises:
        UserError: as `found_portrait`.
    """
    portraits = []
    for index, path in enumerate(paths):
        listener(Progress("Finding the face", index, len(paths), path.name))
        portraits.append(found_portrait(path))
    return portraits


def matted(
    head: MorphableHead, stills: Performance, index: int, portrait: Portrait, size: int, matting: MattingMaker
) -> tuple[Image, Floats]:
    """Return the window `[S, S, 3]` of a portrait, frame `index` of `stills`, and its matte `[S, S]`, 0 to 1."""
    window = portrait.window(size)
    with closing(matting(head, stills.at(slice(index, index + 1)))) as matting_of_photo:
        return window, matting_of_photo(window)


def with_photos(calibration: Performance, stills: Performance) -> Performance:
    """Return the performance of a dataset: the photos, whose first is frame 0 of `calibration`, then the rest of it."""
    frames = {name: np.concatenate([getattr(stills, name), getattr(calibration, name)[1:]]) for name in OVER_TIME}
    frames["times"] = np.arange(len(frames["times"])) / calibration.fps
    extra = {**stills.extra, "photo": Path(stills.source).name, "photographs": list(range(len(stills)))}
    return replace(calibration, **frames, extra=extra)


def film(
    video: CoarseVideo,
    performance: Performance,
    neutral: Floats,
    writer: DatasetWriter,
    start: int = 0,
    listener: Listener = silent,
) -> None:
    """Render the frames of a performance from `start` on and give them to the writer.

    `neutral [V, 3]` is the person's shape.
    """
    clock = Clock("Filming the photo", len(performance) - start, listener)
    for index in range(start, len(performance)):
        clock.tell(index - start)
        writer.add_picture(index, *video.frame(performance, index, neutral))
