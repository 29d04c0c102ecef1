# SPDX-License-Identifier: GPL-3.0-or-later
"""Portrait photos of one person: each is looked at, and all are solved together.

What a photo must show is refused here when it does not; what makes an avatar worse is noted, and the work goes on.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ..datasets.dataset import ENLARGED
from ..detection.hands import HandWatch
from ..detection.landmarks import face_width, landmarks_of_photo
from ..media.crop import choose_crop, cut
from ..performances.turns import turns_aside
from ..solving.confidence import FRAME_HIDDEN
from ..solving.solver import solve_stills
from .photo_file import read_photo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Floats, Image
    from ..heads.head import MorphableHead
    from ..performances.performance import Crop, Performance

MOST_TURNED = 45.0
"""Degrees to the side from which on half of the face is hidden."""

FEW_PIXELS = 96
"""A face narrower than this many pixels has fewer than the texture that is to be filled from it."""

MISFIT, UNLIKELY = 0.02, 1.5
"""Landmarks missed by this share of the distance of the eyes, and coefficients of the identity that are so large on
average (in deviations of people), are seldom a person's."""


@dataclass(frozen=True)
class Portrait:
    """A photo that shows one face.

    Attributes:
        path: its file.
        picture: `[H, W, 3]`, upright.
        landmarks: `[478, 3]` in its pixels.
    """

    path: Path
    picture: Image
    landmarks: Landmarks

    @property
    def crop(self) -> Crop:
        """The window in which the portrait is solved."""
        return choose_crop(self.landmarks)

    def window(self, size: int) -> Image:
        """Return the enlarged window `[S, S, 3]` for a central window of `size` pixels."""
        return cut(self.picture, self.crop, size)

    def marks(self, side: int) -> Floats:
        """Return the landmarks `[478, 2]` in the enlarged window when it is `side` pixels square."""
        return in_window(self.landmarks[:, :2], self.crop, side)


def found_portrait(path: Path) -> Portrait:
    """Read a photo and find its face.

    Raises:
        UserError: it is missing or unreadable, does not show exactly one face that is large enough, or a hand covers
            the face.
    """
    picture = read_photo(path)
    landmarks = landmarks_of_photo(picture, path)
    with closing(HandWatch()) as hands:
        hands.see(picture, landmarks, 0.0)
        hidden = float(hands.hidden().mean())
    if hidden > FRAME_HIDDEN:
        raise UserError(f"A hand covers part of the face in {path}; choose a photo with nothing in front of the face.")
    return Portrait(path, picture, landmarks)


def solve_portraits(head: MorphableHead, portraits: Sequence[Portrait], size: int) -> Performance:
    """Return a frame for each portrait of one person: one identity, one camera, poses and expressions of their own.

    `extra["notes"]` has a sentence on each thing that will make the avatar worse. `size` is the side of the central
    window in pixels.

    Raises:
        UserError: a face is turned away too far.
    """
    first = portraits[0]
    landmarks = np.stack([as_in(first.crop, portrait) for portrait in portraits])
    stills = solve_stills(head, landmarks, first.picture, size)
    require_frontal(turns_aside(stills), portraits)
    notes = [note for portrait in portraits for note in size_notes(portrait)] + fit_notes(stills, portraits)
    extra = {**stills.extra, "notes": notes} if notes else stills.extra
    return replace(stills, source=str(first.path), extra=extra)


def as_in(crop: Crop, portrait: Portrait) -> Landmarks:
    """Return the landmarks `[478, 3]` scaled and moved so that the portrait's window becomes `crop`."""
    own = portrait.crop
    scale = crop.side / own.side
    corner = np.array([crop.x - own.x * scale, crop.y - own.y * scale, 0], np.float32)
    moved: Landmarks = portrait.landmarks * np.float32(scale) + corner
    return moved


def require_frontal(turns: Floats, portraits: Sequence[Portrait]) -> None:
    """Raise `UserError` when the face of a portrait is turned too far; `turns [N]` are degrees."""
    for portrait, turn in zip(portraits, turns, strict=True):
        if turn > MOST_TURNED:
            raise UserError(
                f"The face in {portrait.path} is turned {turn:.0f} degrees to the side; "
                f"choose a photo in which it is turned by less than {MOST_TURNED:.0f}."
            )


def size_notes(portrait: Portrait) -> list[str]:
    """Return what is to be said of a face with few pixels."""
    width = face_width(portrait.landmarks)
    if width >= FEW_PIXELS:
        return []
    return [
        f"The face in {portrait.path.name} is only {width:.0f} pixels wide, so the avatar will be blurred; "
        f"a photo in which it has {FEW_PIXELS} or more serves better."
    ]


def fit_notes(stills: Performance, portraits: Sequence[Portrait]) -> list[str]:
    """Return what is to be said of faces that are hardly a person's, or not one person's."""
    unlikely = float(np.sqrt(np.mean(stills.identity**2)))
    if float(stills.extra["reprojection_error"]) < MISFIT and unlikely < UNLIKELY:
        return []
    names = ", ".join(portrait.path.name for portrait in portraits)
    return [
        f"A person's head fits {names} badly (an animal, a drawing, something in front of the face?), "
        "so the avatar may look odd; a photo of a person serves better."
    ]


def in_window(points: Floats, crop: Crop, size: int) -> Floats:
    """Return points `[N, 2]` of the photo in pixels of its window, cut by `crop.cut` to `size` pixels square."""
    side = crop.side * ENLARGED
    corner = np.array([crop.x, crop.y]) - (side - crop.side) / 2
    return ((points - corner) * (size / side)).astype(np.float32)
