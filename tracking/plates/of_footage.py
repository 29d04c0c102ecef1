# SPDX-License-Identifier: GPL-3.0-or-later
"""The clean plate of footage: the background where it is ever seen, in-painted where it never is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...common.clock import Clock
from ...common.progress import Listener, silent
from ..mattes.head_only import HeadOnly
from .alignment import alignments
from .inpainting import filled
from .light import gain, lit
from .windows import enlarged_slices, enlarged_window, pasted_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..heads.arrays import Booleans, Doubles, Floats, Image
    from ..heads.head import MorphableHead
    from ..performances.performance import Crop, Performance

MOST_FRAMES = 16
MOST_BYTES = 500_000_000
"""Of all pictures that are remembered."""
LEAST_FRAMES = 5
SURELY = 0.04
"""A matte up to which a pixel may be the background's."""
AROUND = 0.005
"""Of the window's side: what is as near to the person may hold some of the person's colours."""
MOVING = 0.25
"""Share of the frames that lie elsewhere when a camera moves; fewer may be mistaken."""
OFTEN = 0.1
"""Share of the frames in which the background must be seen to be believed."""
SEAM = 0.005
"""Of the window's side: over so much what is seen passes into what is in-painted."""
ROWS = 128
"""Rows of the picture whose median is taken at once."""
MOVES = "The camera moves: the clean plate shows the background as it is in the middle of the footage."


@dataclass(frozen=True)
class Plates:
    """The footage's whole picture without what an avatar brings.

    Attributes:
        clean: `[H, W, 3]` without the person, in the central window; around it as the footage mostly is.
        headless: `[H, W, 3]` without the head.
        notes: sentences on what is not as usual.
    """

    clean: Image
    headless: Image
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """A frame that is remembered.

    Attributes:
        picture: `[H, W, 3]`.
        room: `[H, W]`, 1 where it surely shows the background; all_but_head: where it does not show the head.
    """

    picture: Image
    room: Floats
    all_but_head: Floats

    def moved(self, homography: Doubles) -> View:
        """The frame as a camera sees it to which a homography `[3, 3]` leads; nothing is shown beyond its edges."""
        if np.array_equal(homography, np.eye(3)):
            return self
        size = self.picture.shape[1::-1]
        return View(
            *(cv2.warpPerspective(each, homography, size) for each in (self.picture, self.room, self.all_but_head))
        )


class PlateMaker:
    """Remembers some frames of a take with their mattes, evenly apart, and makes plates of them."""

    def __init__(self, performance: Performance) -> None:
        """`performance` has the take's frames."""
        self._performance, self._most = performance, MOST_FRAMES
        self._pictures: list[Image] = []
        self._mattes: list[Floats] = []
        self._indices: list[int] = []

    def see(self, index: int, picture: Image, matte: Floats) -> None:
        """Remember frame `index` where it is one of those that are wanted.

        `picture [H, W, 3]` is the whole one, `matte [S, S]`, 0 to 1, that of its enlarged window.
        """
        if not self._pictures:
            self._most = int(np.clip(MOST_BYTES // picture.nbytes, LEAST_FRAMES, MOST_FRAMES))
        wanted = np.linspace(0, len(self._performance) - 1, self._most).round()
        if index in wanted:
            self._pictures.append(picture)
            self._mattes.append(matte)
            self._indices.append(index)

    def plates(self, head: MorphableHead, listener: Listener = silent) -> Plates:
        """Return the plates of what was seen.

        Raises:
            Cancelled: the listener asked for it.
        """
        crop = self._performance.crop
        assert crop is not None  # footage has one
        clock = Clock("Making the clean plate", len(self._pictures) + 2, listener)
        clock.tell(0)
        views, moving = steadied(self._views(head, crop))
        pictures = in_one_light(views, clock)
        shape = pictures[0].shape[:2]
        usual, _ = masked_median(pictures, [np.ones(shape, np.float32)] * len(views))
        around, seam = enlarged_slices(crop, shape), max(1, round(SEAM * crop.side))
        windows = [picture[around] for picture in pictures]
        made: list[Image] = []
        for masks in ([view.room for view in views], [view.all_but_head for view in views]):
            clock.tell(len(pictures) + len(made))
            median, known = masked_median(windows, [mask[around] for mask in masks])
            inside = usual.copy()
            inside[around] = filled(median, known, seam)
            made.append(pasted_inside(usual, inside, crop))
        clean, headless = made
        return Plates(clean, headless, (MOVES,) if moving else ())

    def _views(self, head: MorphableHead, crop: Crop) -> list[View]:
        """What was remembered, with what of it is neither the person's nor the head's."""
        heads = head_mattes(head, self._performance.at(np.array(self._indices)), self._mattes)
        return [
            View(picture, background_of(matte, crop, picture), background_of(of_head, crop, picture))
            for picture, matte, of_head in zip(self._pictures, self._mattes, heads, strict=True)
        ]


class Replay:
    """A matting of pictures whose mattes are known."""

    def __init__(self, mattes: Sequence[Floats]) -> None:
        self._mattes = iter(mattes)

    def __call__(self, _rgb: Image, /) -> Floats:
        """Return the next matte `[S, S]`, 0 to 1."""
        return next(self._mattes)

    def close(self) -> None:
        """Nothing to free."""


def head_mattes(head: MorphableHead, performance: Performance, mattes: Sequence[Floats]) -> list[Floats]:
    """Return what of each frame's matte `[S, S]` of the enlarged window is the head's."""
    of_head = HeadOnly(Replay(mattes), head, performance)
    return [of_head(np.zeros((*matte.shape, 3), np.uint8)) for matte in mattes]


def background_of(matte: Floats, crop: Crop, picture: Image) -> Floats:
    """Return `[H, W]`: 1 where a picture `[H, W, 3]` surely shows none of the matte `[S, S]` of its enlarged window."""
    left, top, side = enlarged_window(crop)
    radius = max(1, round(AROUND * len(matte)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    person = cv2.dilate((matte > SURELY).astype(np.float32), kernel)
    person = cv2.resize(person, (side, side), interpolation=cv2.INTER_LINEAR)
    whole = np.ones(picture.shape[:2], np.float32)
    rows, columns = inside = enlarged_slices(crop, whole.shape)
    whole[inside] = person[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] <= 0
    return whole


def steadied(views: Sequence[View]) -> tuple[list[View], bool]:
    """Return the views as the middle one's camera has them, and whether the camera moves.

    Those of a moving camera whose place is not known are left out, unless too few are left: then they stay as they are.
    """
    found = alignments([view.picture for view in views], [view.room for view in views])
    elsewhere = sum(each is None or not np.array_equal(each, np.eye(3)) for each in found)
    moving = elsewhere > MOVING * len(views)
    placed = [view.moved(each) for view, each in zip(views, found, strict=True) if each is not None]
    return (placed if moving and len(placed) >= LEAST_FRAMES else list(views)), moving


def in_one_light(views: Sequence[View], clock: Clock) -> list[Image]:
    """Return the views' pictures `[H, W, 3]` lit as the middle one, by their backgrounds."""
    middle = views[len(views) // 2]
    result = []
    for index, view in enumerate(views):
        clock.tell(index)
        result.append(lit(view.picture, gain(middle.picture, view.picture, np.minimum(view.room, middle.room))))
    return result


def masked_median(pictures: Sequence[Image], masks: Sequence[Floats]) -> tuple[Image, Booleans]:
    """Return the median of N pictures `[H, W, 3]` where masks `[H, W]` are 1, and where they are often enough."""
    result = np.empty_like(pictures[0])
    known = np.empty(result.shape[:2], np.bool_)
    least = max(2 if len(pictures) > 1 else 1, round(OFTEN * len(pictures)))
    for top in range(0, len(result), ROWS):
        rows = slice(top, top + ROWS)
        shown = np.stack([mask[rows] > 0.99 for mask in masks])
        values = np.stack([picture[rows] for picture in pictures])
        values[~shown] = 255
        values.sort(0)
        count = shown.sum(0)
        place = np.maximum(count - 1, 0)
        low, high = (
            np.take_along_axis(values, each[None, ..., None], 0)[0].astype(np.uint16)
            for each in (place // 2, (place + 1) // 2)
        )
        result[rows], known[rows] = (low + high + 1) // 2, count >= least
    return result, known
