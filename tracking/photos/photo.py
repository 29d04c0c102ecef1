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
from ..plates.of_photo import plates_of_photo
from .calibration import FRAMES, calibration_performance
from .coarse_source import MeshWarp, SolvedPhoto
from .driver import tracked_driver
from .portraits import as_in, found_portrait, solve_portraits
from .retracking import Retracking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..datasets.dataset import Dataset
    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..mattes.matting import MattingMaker
    from ..performances.performance import Performance
    from .coarse_source import CoarseMaker, CoarseSource
    from .portraits import Portrait

MESH_WARP = MeshWarp()


def photo_dataset(
    photo: str | Path,
    folder: str | Path,
    *,
    head: MorphableHead,
    more: Sequence[str | Path] = (),
    size: int = 512,
    frames: int = FRAMES,
    matting: MattingMaker = builtin_matting,
    coarse: CoarseMaker = MESH_WARP,
    driver: str | Path | None = None,
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
        frames: length of the calibration performance, whose first frame is the first photo; it is shorter where
            `coarse` cannot afford as many.
        matting: makes what mattes a photo.
        coarse: makes what films the photo; what does so inexactly is tracked anew.
        driver: a video whose performance takes the place of the calibration performance, thinned out to `frames`.
        listener: hears of the progress and of the notes, and may cancel.

    Raises:
        UserError: a photo is missing, unreadable, or does not show exactly one face that is large enough, not covered
            and not turned away; the driver is no video of one face; `coarse` makes no faces; or the folder cannot be
            written.
    """
    portraits = look_at([Path(photo), *map(Path, more)], listener)
    stills = solve_portraits(head, portraits, size)
    for note in stills.extra.get("notes", ()):
        listener(Progress("Finding the face", len(portraits), len(portraits), note))
    first = stills.at(slice(0, 1))
    frames = min(frames, coarse.most_frames or frames)
    driven = tracked_driver(driver, head, first, frames, listener) if driver else None
    acted = (driven.acted if driven else calibration_performance(head, first, frames)).at(slice(1, None))
    with DatasetWriter(folder, size) as writer:
        shots = [matted(head, stills, index, each, size, matting) for index, each in enumerate(portraits)]
        for index, shot in enumerate(shots):
            writer.add_picture(index, *shot)
        window, matte = shots[0]
        solved = SolvedPhoto(head, first, window, matte, portraits[0].marks(len(window)))
        with coarse(solved, driven) as video:
            if coarse.exact:
                film(video, acted, head, writer, len(portraits), listener)
            else:
                acted = film_and_track(video, acted, solved, portraits, matting, writer, listener)
        performance = with_photos(stills, acted)
        performance = writer.with_plates(performance, plates_of_photo(portraits[0].picture, head, first, matte))
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


def in_central_window(first: Performance, portrait: Portrait) -> Landmarks:
    """Return the landmarks `[478, 3]` of a portrait as if they lay in the central window of the `first` one."""
    crop = first.crop
    assert crop is not None  # a solved photo has the window in which it was solved
    corner = np.array([crop.x, crop.y, 0], np.float32)
    placed: Landmarks = (as_in(crop, portrait) - corner) * np.float32(first.camera.width / crop.side)
    return placed


def with_photos(stills: Performance, filmed: Performance) -> Performance:
    """Return the performance of a dataset: the photos, then what was filmed."""
    frames = {name: np.concatenate([getattr(stills, name), getattr(filmed, name)]) for name in OVER_TIME}
    frames["times"] = np.arange(len(frames["times"])) / filmed.fps
    extra = {**stills.extra, "photo": Path(stills.source).name, "photographs": list(range(len(stills)))}
    return replace(filmed, **frames, extra=extra)


def film(
    video: CoarseSource,
    performance: Performance,
    head: MorphableHead,
    writer: DatasetWriter,
    start: int = 0,
    listener: Listener = silent,
    matting: Callable[[Image, Floats], Floats] | None = None,
) -> None:
    """Render the frames of a performance and give them to the writer, the first one as its frame `start`.

    `matting` makes better mattes of pictures and the video's own mattes, `[S, S]`.
    """
    neutral = head.neutral(performance.identity)
    clock = Clock("Filming the photo", len(performance), listener)
    for index in range(len(performance)):
        clock.tell(index)
        picture, matte = video.frame(performance, index, neutral)
        writer.add_picture(start + index, picture, matting(picture, matte) if matting else matte)


def film_and_track(
    video: CoarseSource,
    asked: Performance,
    photo: SolvedPhoto,
    portraits: Sequence[Portrait],
    matting: MattingMaker,
    writer: DatasetWriter,
    listener: Listener,
) -> Performance:
    """Render the frames of a performance after those of the portraits; return the performance that they show.

    Raises:
        UserError: no picture shows a face.
    """
    photographed = np.stack([in_central_window(photo.still, portrait) for portrait in portraits])
    with Retracking(photo, asked, matting, photographed) as watcher:
        film(video, asked, photo.head, writer, len(portraits), listener, watcher.see)
        return watcher.performance(listener)
