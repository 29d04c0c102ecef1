# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage to a tracking dataset, or to a performance alone.

Several passes over the footage. The first finds landmarks in shrunken frames; the whole take is then solved at once,
so that crop, identity and smoothing know all of it. Two more lay the frames over each other. The last one cuts full
frames by the fixed crop and adds mattes and maps. Stages run in threads of their own, a few frames ahead, so that
memory stays flat however long the footage is.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..common.clock import Clock
from ..common.errors import UserError
from ..common.progress import Listener, Progress, silent
from .datasets.dataset import Dataset, Layout
from .datasets.rasteriser import MapRasteriser
from .datasets.writer import DatasetWriter
from .detection.hands import HandWatch
from .detection.landmarks import (
    DETECTION_SIDE,
    LANDMARK_COUNT,
    SMALLEST_FACE,
    LandmarkDetector,
    Landmarks,
    require_size,
    rivals_among,
)
from .mattes.selfie_matting import builtin_matting
from .media.crop import cut, resampled
from .media.footage import Footage, Frame
from .media.read_ahead import read_ahead
from .performances.maps import MAP_SIZE, frame_maps
from .plates.of_footage import PlateMaker
from .solving import registration
from .solving.solver import SIZE, solve_take
from .threads import one_thread_a_library

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from .heads.arrays import Booleans, Doubles, Floats, Image
    from .heads.head import MorphableHead
    from .mattes.matting import Matting, MattingMaker
    from .performances.performance import Crop, Performance

AHEAD = 4
"""Frames that a stage may run ahead of the next one."""
SHARE_SEEN = 0.5
"""Footage is refused when the face is seen in less than this share of its frames."""
FACE_COUNTS = 10
"""How often, at most, the faces of a take are counted, at least a second apart."""


@dataclass(frozen=True)
class Take:
    """What the first pass finds.

    Attributes:
        landmarks: `[T, 478, 3]` (NaN: no face); hidden: `[T, 478]`, 1 where a hand is in front of one.
        times: `[T]` seconds; first_face: the first picture with a face.
    """

    landmarks: Landmarks
    hidden: Floats
    times: Doubles
    first_face: Image


@one_thread_a_library()
def track(
    source: str | Path,
    folder: str | Path,
    *,
    head: MorphableHead,
    size: int = SIZE,
    matting: MattingMaker = builtin_matting,
    layout: Layout = Layout.SEMBLANCE,
    listener: Listener = silent,
) -> Dataset:
    """Track the one person in a video and write the dataset `folder`.

    Frames in which no face is seen are left out. The folder appears when all is done, or not at all.

    Args:
        source: the video.
        folder: where the dataset goes; an earlier dataset there is replaced.
        head: the morphable head to solve for.
        size: side of the central window in pixels, a multiple of 4.
        matting: makes what mattes the pictures of one video, in order.
        layout: how the dataset keeps its pictures.
        listener: hears of the progress and may cancel.

    Raises:
        UserError: the footage is missing, damaged, without a face, with several or with one that is too small or mostly
            away; or the folder cannot be written, or the disk is full.
        Cancelled: the listener asked for it.
    """
    footage = Footage.open(source)
    with DatasetWriter(folder, size, layout) as writer:
        whole = solved(footage, head, size, listener)
        seen = whole.confidence > 0
        performance = whole.at(seen)
        plates = PlateMaker(performance)
        with closing(matting(head, performance)) as matting_of_take:
            write_frames(writer, footage, head, performance, seen, size, matting_of_take, plates, listener)
        performance = writer.with_plates(performance, plates.plates(head, listener))
        return writer.finish(performance, str(footage.path.absolute()) if footage.has_sound else "")


@one_thread_a_library()
def track_performance(source: str | Path, head: MorphableHead, listener: Listener = silent) -> Performance:
    """Track the one person in a video, without making a dataset: a driver.

    Every frame of the footage has one in the performance; those without a face are interpolated, with confidence 0.

    Raises:
        UserError, Cancelled: as `track`.
    """
    return solved(Footage.open(source), head, SIZE, listener)


def solved(footage: Footage, head: MorphableHead, size: int, listener: Listener) -> Performance:
    """The performance of all frames of the footage.

    Raises:
        UserError: the footage is damaged, or does not show exactly one face that is large enough.
    """
    take = find_landmarks(footage, listener)
    require_face(take, footage.path)
    listener(Progress("Solving", 0, 1, "pose and expression"))
    seen = ~np.isnan(take.landmarks[:, 0, 0])
    performance = solve_take(
        head,
        take.landmarks,
        take.times,
        footage,
        take.first_face,
        size,
        visibility=1 - take.hidden,
        windows=lambda crop: small_windows(footage, crop, seen),
        listener=listener,
    )
    listener(Progress("Solving", 1, 1, "pose and expression", 0.0))
    return performance


def find_landmarks(footage: Footage, listener: Listener = silent) -> Take:
    """Find the face's landmarks in every frame.

    Raises:
        UserError: the footage is damaged or shows several people.
    """
    found: list[Landmarks] = []
    times: list[float] = []
    first_face = None
    unseen = np.full((LANDMARK_COUNT, 3), np.nan, np.float32)
    scale = footage.size[0]
    clock = Clock("Finding the face", footage.count, listener)
    with (
        LandmarkDetector() as detector,
        closing(FaceCounts(footage)) as counts,
        closing(HandWatch()) as hands,
        closing(read_ahead(detected(footage, detector), AHEAD)) as frames,
    ):
        for index, (frame, face) in enumerate(frames):
            clock.tell(index)
            hands.see(frame.image, face, frame.time)
            if face is not None:
                first_face = frame.image if first_face is None else first_face
                face = face * np.float32(scale / frame.image.shape[1])
            counts.see(frame.image, frame.time)
            found.append(unseen if face is None else face)
            times.append(frame.time)
    counts.require_one_person()
    if first_face is None:
        raise UserError(
            f"No face was found in {footage.path}; choose footage in which one face is seen from the front, "
            f"at least {SMALLEST_FACE} pixels wide."
        )
    return Take(np.stack(found), hands.hidden(), np.array(times), first_face)


def detected(footage: Footage, detector: LandmarkDetector) -> Iterator[tuple[Frame, Landmarks | None]]:
    """Yield the frames, shrunk, and the face's landmarks `[478, 3]` in their pixels; None where no face is seen.

    Raises:
        UserError: the footage is damaged.
    """
    with closing(footage.frames(DETECTION_SIDE)) as frames:
        for frame in frames:
            yield frame, detector.detect(frame.image)


class FaceCounts:
    """Counts the faces of a take now and then."""

    def __init__(self, footage: Footage) -> None:
        self._path = footage.path
        self._interval = max(1.0, footage.count / footage.fps / FACE_COUNTS)
        self._next = 0.0
        self._counts: list[int] = []
        self._detector = LandmarkDetector(still=True)

    def close(self) -> None:
        """Give the detector back."""
        self._detector.close()

    def see(self, image: Image, moment: float) -> None:
        """Count the faces of a frame `[H, W, 3]` when it is time to; `moment` is seconds."""
        if moment >= self._next:
            self._next = moment + self._interval
            self._counts.append(rivals_among(self._detector.detect_all(image)))

    def require_one_person(self) -> None:
        """Raise `UserError` when several people are seen again and again; one who passes by is ignored."""
        crowded = [count for count in self._counts if count > 1]
        if len(crowded) > len(self._counts) / 3:
            raise UserError(f"{self._path} shows {max(crowded)} faces; cut it so that only one person is seen.")


def require_face(take: Take, path: Path) -> None:
    """Raise `UserError` when the face is away for too long or too small."""
    seen = ~np.isnan(take.landmarks[:, 0, 0])
    if seen.mean() < SHARE_SEEN:
        raise UserError(
            f"The face is seen in only {seen.sum()} of the {len(seen)} frames of {path}; "
            "cut the video to the part that shows it."
        )
    require_size(np.median(take.landmarks[seen], 0), path)


def write_frames(
    writer: DatasetWriter,
    footage: Footage,
    head: MorphableHead,
    performance: Performance,
    seen: Booleans,
    size: int,
    matting: Matting,
    plates: PlateMaker,
    listener: Listener,
) -> None:
    """The last pass: give the writer picture, matte and maps of every frame, those `seen [T]` of the footage.

    `plates` see whole pictures and mattes.

    Raises:
        UserError: the footage is damaged, the disk is full, or there is no OpenGL.
    """
    clock = Clock("Cutting, matting and drawing", len(performance), listener)
    assert performance.crop is not None
    pictures = read_ahead(cut_pictures(footage, performance.crop, seen, size), AHEAD)
    maps = read_ahead(drawn_maps(head, performance), AHEAD)
    with closing(pictures), closing(maps):
        for index, ((whole, picture), (uv_map, texture_map)) in enumerate(zip(pictures, maps, strict=True)):
            clock.tell(index)
            matte = matting(picture)
            writer.add_picture(index, picture, matte)
            plates.see(index, whole, matte)
            writer.add_maps(index, uv_map, texture_map)


def small_windows(footage: Footage, crop: Crop, seen: Booleans) -> Generator[Image, None, None]:
    """Yield the central window `[SIDE, SIDE, 3]` of each frame that is `seen [T]` to show the face, decoded shrunk."""
    side, width = registration.SIDE, footage.size[0]
    longest = round(max(footage.size) * min(1.0, side / crop.side))
    with closing(footage.frames(longest)) as frames:
        for frame, wanted in zip(frames, seen, strict=True):
            if wanted:
                yield resampled(frame.image, crop, frame.image.shape[1] / width, side)


def cut_pictures(footage: Footage, crop: Crop, seen: Booleans, size: int) -> Generator[tuple[Image, Image], None, None]:
    """Yield each frame that is `seen [T]` to show the face, `[H, W, 3]`, and its window, enlarged (see `cut`)."""
    with closing(footage.frames()) as frames:
        for frame, wanted in zip(frames, seen, strict=True):
            if wanted:
                yield frame.image, cut(frame.image, crop, size)


def drawn_maps(head: MorphableHead, performance: Performance) -> Iterator[tuple[Floats, Floats]]:
    """Yield the UV map and the texture map, `[MAP_SIZE, MAP_SIZE, 3]`, 0 to 1, of each frame."""
    neutral, colours = head.neutral(performance.identity), head.texture(performance.texture)
    with MapRasteriser(MAP_SIZE) as rasteriser:
        for index in range(len(performance)):
            yield rasteriser.draw(frame_maps(head, performance, index, neutral, colours), head.triangles)
