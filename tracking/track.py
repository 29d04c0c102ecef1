# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage to a tracking dataset, or to a performance alone.

Several passes over the footage. The first finds landmarks in shrunken frames; the whole take is then solved at once,
so that crop, identity and smoothing know all of it. Two more lay the frames over each other. The last one cuts full
frames by the fixed crop and adds mattes and maps. Stages run in threads of their own, a few frames ahead, so that
memory stays flat however long the footage is.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..common.clock import Clock
from ..common.errors import UserError
from ..common.progress import Listener, Progress, silent
from .datasets.dataset import Dataset, Layout
from .datasets.rasteriser import MapRasteriser
from .datasets.writer import DatasetWriter
from .detection.follower import SubjectFollower
from .detection.hands import HandWatch
from .detection.landmarks import DETECTION_SIDE, LANDMARK_COUNT, SMALLEST_FACE, Landmarks, require_size
from .mattes.selfie_matting import builtin_matting
from .media.crop import cut, resampled
from .media.footage import Footage, Frame
from .media.plate import needs_plate, write_plate
from .media.read_ahead import read_ahead
from .performances.maps import MAP_SIZE, frame_maps
from .performances.plates import PLAIN
from .plates.of_footage import PlateMaker
from .solving import registration
from .solving.same_person import shows_another
from .solving.solver import SIZE, solve_take
from .threads import one_thread_a_library

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from .heads.arrays import Booleans, Doubles, Floats, Image, Integers
    from .heads.head import MorphableHead
    from .mattes.matting import Matting, MattingMaker
    from .performances.performance import Crop, Performance

AHEAD = 4
"""Frames that a stage may run ahead of the next one."""
SHARE_SEEN = 0.5
"""Footage is refused when the face is seen in less than this share of its frames."""
CROWDED = 1 / 3
"""Footage is refused when several faces are seen in more than this share of the looks at it; a passer-by is ignored."""


@dataclass(frozen=True)
class Take:
    """What the first pass finds.

    Attributes:
        landmarks: `[T, 478, 3]` (NaN: no face); hidden: `[T, 478]`, 1 where a hand is in front of one.
        times: `[T]` seconds; first_face: the first picture with a face.
        parts: `[T]`: frames of one number show a face that was followed without a break.
        notes: sentences for the user about what had to be mended in the frames.
    """

    landmarks: Landmarks
    hidden: Floats
    times: Doubles
    first_face: Image
    parts: Integers
    notes: tuple[str, ...] = ()


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
    """Track one person in a video and write the dataset `folder`.

    The person is who is seen first, the widest face of the first picture with any (`SubjectFollower`), unless somebody
    else is seen by far larger and longer. Frames in which that person's face is not seen are left out, whoever else is
    in them. The folder appears when all is done, or not at all.

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
        take = find_landmarks(footage, listener)
        whole = solved(footage, take, head, size, listener)
        seen = whole.confidence > 0
        performance = whole.at(seen)
        plates = PlateMaker(performance)
        with closing(matting(head, performance)) as matting_of_take:
            write_frames(writer, footage, head, performance, seen, size, matting_of_take, plates, listener)
        performance = writer.with_plates(performance, plates.plates(head, listener))
        if needs_plate(footage, take.times, bool(take.notes)):
            plate = writer.add_plate(lambda path: write_plate(footage, take.times, path, listener))
            performance = replace(performance, extra={**performance.extra, PLAIN: str(plate)})
        return writer.finish(performance, str(footage.path.absolute()) if footage.has_sound else "")


@one_thread_a_library()
def track_performance(source: str | Path, head: MorphableHead, listener: Listener = silent) -> Performance:
    """Track one person in a video, chosen as by `track`, without making a dataset: a driver.

    Every frame of the footage has one in the performance; those without a face are interpolated, with confidence 0.

    Raises:
        UserError, Cancelled: as `track`.
    """
    footage = Footage.open(source)
    return solved(footage, find_landmarks(footage, listener), head, SIZE, listener)


def solved(footage: Footage, take: Take, head: MorphableHead, size: int, listener: Listener) -> Performance:
    """The performance of all frames of the footage, in which `take` was found.

    Raises:
        UserError: the footage is damaged, or does not show exactly one face that is large enough.
    """
    take = of_one_person(head, take)
    require_face(take, footage.path)
    notes = [*footage.notes, *take.notes]
    if notes:
        listener(Progress("Looking at the footage", 1, 1, " ".join(notes)))
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
    noted = {"notes": notes} if notes else {}
    return replace(performance, extra={**performance.extra, **noted})


def of_one_person(head: MorphableHead, take: Take) -> Take:
    """The take without the faces of parts that the solved identity says are somebody else's."""
    seen = np.flatnonzero(~np.isnan(take.landmarks[:, 0, 0]))
    foreign = seen[shows_another(head, take.landmarks[seen], take.parts[seen])]
    landmarks = take.landmarks.copy()
    landmarks[foreign] = np.nan
    return replace(take, landmarks=landmarks)


def find_landmarks(footage: Footage, listener: Listener = silent) -> Take:
    """Find the subject's landmarks in every frame.

    Raises:
        UserError: the footage is damaged or shows several people.
    """
    with SubjectFollower() as follower:
        take = followed(footage, follower, "Finding the face", listener)
    require_one_person(follower.census.counts, footage.path)
    someone_else = follower.census.main_person()
    if someone_else is not None:
        with SubjectFollower(someone_else) as follower:
            take = followed(footage, follower, "Finding the main face", listener)
    if take is None:
        raise UserError(
            f"No face was found in {footage.path}; choose footage in which one face is seen from the front, "
            f"at least {SMALLEST_FACE} pixels wide."
        )
    return take


def followed(footage: Footage, follower: SubjectFollower, stage: str, listener: Listener) -> Take | None:
    """Go through the footage and follow the subject; None where it is never seen.

    Raises:
        UserError: the footage is damaged.
    """
    found: list[Landmarks] = []
    times: list[float] = []
    parts: list[int] = []
    notes: list[str] = []
    first_face = None
    unseen = np.full((LANDMARK_COUNT, 3), np.nan, np.float32)
    scale = footage.size[0]
    clock = Clock(stage, footage.count, listener)
    with closing(HandWatch()) as hands, closing(read_ahead(detected(footage, follower), AHEAD)) as frames:
        for index, (frame, face, part) in enumerate(frames):
            clock.tell(index)
            notes += filter(None, [frame.note])
            hands.see(frame.image, face, frame.time)
            if face is not None:
                first_face = frame.image if first_face is None else first_face
                face = face * np.float32(scale / frame.image.shape[1])
            found.append(unseen if face is None else face)
            times.append(frame.time)
            parts.append(part)
    if first_face is None:
        return None
    numbers = np.array(parts, np.int32)
    return Take(np.stack(found), hands.hidden(), np.array(times), first_face, numbers, tuple(notes))


def detected(footage: Footage, follower: SubjectFollower) -> Iterator[tuple[Frame, Landmarks | None, int]]:
    """Yield the frames, shrunk, the subject's landmarks `[478, 3]` in their pixels (None: not seen), and their part.

    Raises:
        UserError: the footage is damaged.
    """
    with closing(footage.frames(DETECTION_SIDE)) as frames:
        for frame in frames:
            face = follower.follow(frame.image, frame.time)
            yield frame, face, follower.part


def require_one_person(counts: list[int], path: Path) -> None:
    """Raise `UserError` when several people were seen again and again; one who passes by is ignored."""
    crowded = [count for count in counts if count > 1]
    if len(crowded) > CROWDED * len(counts):
        raise UserError(f"{path} shows {max(crowded)} faces; cut it so that only one person is seen.")


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
