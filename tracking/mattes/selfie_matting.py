# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in matting: MediaPipe's selfie segmentation, calmed over time, its edges drawn to the picture's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..detection.quiet_mediapipe import silenced, solution
from .matte_edges import refined, window_functions
from .within_footage import WithinFootage

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance
    from .matting import Matting

GENERAL_MODEL = 0
"""MediaPipe's 256 x 256 model; the other one (144 x 256) is for landscape pictures."""
NETWORK_SIDE = 256

MEMORY = 0.8
"""Share of the former frame where the picture stands still: calms the flicker of noise and compression."""
MOVING = 4.0
"""Levels of grey by which a place changes when it moves, and keeps nothing of the former frame."""
MOVING_WINDOW = 9
"""Side, in the network's pixels, of the place over which this change is the mean."""
REUSED = 2.0
"""Every second frame keeps the scores of the former one when no place near the outline changes by more levels."""
LARGEST_HOLE = 0.004
"""Share of the picture up to which a hole in the foreground is filled; a larger one may be seen through an arm."""
AROUND = 24
"""The network's pixels about a hole in which colours are compared."""


def builtin_matting(_head: MorphableHead, _performance: Performance) -> Matting:
    """Return the matting that needs nothing but Semblance."""
    return WithinFootage(SelfieMatting())


class SelfieMatting:
    """Mattes the frames of one video, in order.

    It remembers the former frame to calm the outline where the picture stands still, and starts anew when the size of
    the pictures changes.
    """

    def __init__(self, segmentation: Matting | None = None) -> None:
        """`segmentation` scores pictures `[256, 256, 3]`; MediaPipe's network unless given."""
        self._segmentation = segmentation or SelfieSegmentation()
        self._former: Calmed | None = None

    def __call__(self, rgb: Image, /) -> Floats:
        """Return the matte `[H, W]`, 0 background to 1 foreground, of a picture `[H, W, 3]`."""
        former = self._former if self._former is not None and self._former.shape == rgb.shape else None
        small = shrunk(rgb)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        if former is None:
            scores = self._scores(small)
            frame = Calmed(rgb.shape, grey, scores, window_functions(scores, small), fresh=True)
        else:
            change = changes(former.grey, grey)
            fresh = not former.fresh or near_outline(former.scores, change) > REUSED
            scores = self._scores(small) if fresh else former.scores
            still = 1 - change / MOVING
            functions = calmed(window_functions(scores, small), former.functions, still)
            frame = Calmed(rgb.shape, grey, calmed(scores, former.scores, still), functions, fresh)
        self._former = frame
        return refined(frame.scores, frame.functions, rgb)

    def close(self) -> None:
        """Free the network."""
        self._segmentation.close()

    def _scores(self, small: Image) -> Floats:
        return without_holes(self._segmentation(small), small)


class SelfieSegmentation:
    """MediaPipe's network: scores `[256, 256]` of pictures of this size."""

    def __init__(self) -> None:
        selfie_segmentation = solution("selfie_segmentation")
        with silenced():
            self._graph = selfie_segmentation.SelfieSegmentation(model_selection=GENERAL_MODEL)
            self._graph.process(np.zeros((NETWORK_SIDE, NETWORK_SIDE, 3), np.uint8))  # its start is announced then

    def __call__(self, rgb: Image, /) -> Floats:
        """Return the scores of a picture, 0 background to 1 foreground."""
        return np.asarray(self._graph.process(rgb).segmentation_mask, np.float32)

    def close(self) -> None:
        """Free the network."""
        self._graph.close()


@dataclass(frozen=True)
class Calmed:
    """What is remembered of a frame.

    Attributes:
        shape: of its picture.
        grey: `[256, 256]` its shrunken picture.
        scores: `[256, 256]`; functions: `[h, w, 4]` of its windows; both calmed.
        fresh: whether the network saw the frame.
    """

    shape: tuple[int, ...]
    grey: Image
    scores: Floats
    functions: Floats
    fresh: bool


def shrunk(rgb: Image) -> Image:
    """Return `rgb [H, W, 3]` as the network takes it: `[NETWORK_SIDE, NETWORK_SIDE, 3]`."""
    while min(rgb.shape[:2]) >= 2 * NETWORK_SIDE:
        rgb = cv2.resize(rgb, (rgb.shape[1] // 2, rgb.shape[0] // 2), interpolation=cv2.INTER_AREA)
    small: Image = cv2.resize(rgb, (NETWORK_SIDE, NETWORK_SIDE), interpolation=cv2.INTER_LINEAR)
    return small


def changes(former: Image, grey: Image) -> Floats:
    """Return how many levels a grey picture `[h, w]` changed about each place."""
    difference = cv2.absdiff(former, grey).astype(np.float32)
    blurred: Floats = cv2.blur(difference, (MOVING_WINDOW, MOVING_WINDOW))
    return blurred


def near_outline(scores: Floats, change: Floats) -> float:
    """Return the greatest `change [H, W]` where `scores [H, W]` are neither plain background nor plain foreground."""
    uncertain = cv2.inRange(scores, 0.1, 0.9)
    return cv2.minMaxLoc(change, uncertain)[1] if uncertain.any() else float(change.max())


def calmed(values: Floats, former: Floats, still: Floats) -> Floats:
    """Return `values [h, w, ...]` mixed with those of the former frame where it stands still (`[H, W]`, at most 1)."""
    keep = MEMORY * np.maximum(cv2.resize(still, values.shape[1::-1], interpolation=cv2.INTER_AREA), 0)
    calm: Floats = values + keep.reshape(*keep.shape, *[1] * (values.ndim - 2)) * (former - values)
    return calm


def without_holes(scores: Floats, rgb: Image) -> Floats:
    """Return `scores [H, W]` of `rgb [H, W, 3]`, small holes that look more like the person than the room filled."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(cv2.inRange(scores, -1, 0.5), connectivity=4)
    left, top, wide, high, area = facts.T
    open_to_side = (left == 0) | (top == 0) | (left + wide == scores.shape[1]) | (top + high == scores.shape[0])
    closed = ~open_to_side & (area <= LARGEST_HOLE * scores.size) & (np.arange(count) > 0)
    result = scores
    for hole in np.flatnonzero(closed):
        x, y = max(0, left[hole] - AROUND), max(0, top[hole] - AROUND)
        around = np.s_[y : top[hole] + high[hole] + AROUND, x : left[hole] + wide[hole] + AROUND]
        inside = (labels[around] == hole).astype(np.uint8)
        if is_persons(rgb[around], scores[around], inside):
            result = scores.copy() if result is scores else result
            result[around][cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0] = 1
    return result


def is_persons(rgb: Image, scores: Floats, inside: Image) -> bool:
    """Tell whether the pixels `inside [H, W]` (0 or 1) look like the person about them rather than like the background.

    `rgb [H, W, 3]` is the picture, `scores [H, W]` say 0 to 1 how surely a pixel is the person's.
    """
    person, background = cv2.inRange(scores, 0.9, 2), cv2.inRange(scores, -1, 0.1)
    if not background.any():
        return True
    colour, of_person, of_background = (np.array(cv2.mean(rgb, part)) for part in (inside, person, background))
    return bool(np.linalg.norm(colour - of_person) < np.linalg.norm(colour - of_background))
