# SPDX-License-Identifier: GPL-3.0-or-later
"""One person's face, followed through footage in which others may be seen: posters, passers-by, mirrors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .census import LARGE, Census
from .face_window import SIDE, Window
from .landmarks import (
    DETECTION_SIDE,
    LandmarkDetector,
    Landmarks,
    face_width,
    middle_of,
    shrunk,
)
from .likeness import Acquaintance, appearance
from .scene import Change, Scene

if TYPE_CHECKING:
    from ..heads.arrays import Floats, Image

SAME, AFTER_CUT, NEAR, FOLLOWED = 0.85, 0.8, 0.7, 0.7
"""How alike a face must be that turns up somewhere, or after a cut; one that turns up where the face was lost; and one
that is followed from frame to frame: if it is less, somebody has come in front."""
STEP, SPEED = 0.15, 4.0
"""Widths of the face that it moves between two frames, at most, and more for each second between them."""
GROWTH, GROWTH_SPEED = 1.12, 1.0
"""The same for its width: by this factor, and by so much more a second."""
REACH, REACH_SPEED, FURTHEST = 0.75, 0.5, 1.5
"""Widths of the face within which it is expected after it was lost, more for each second, and at most."""
SIZES = 1.4
"""Factor by which its width may have changed then."""
ANY_SIZE = 2.5
"""Factor by which the width of one who turns up elsewhere may have changed."""
AWAY = 0.5
"""Seconds after which a face is looked for elsewhere; so long it may be where it was, and hidden."""
LOOK_INTERVAL, LOOK_SHARE, SEARCH_INTERVAL = 1.0, 0.1, 0.2
"""Seconds between two looks for other people; that many times the time so far, if it is more; and between two looks
over the whole picture for one who was lost."""


@dataclass(frozen=True)
class Place:
    """Where a face was: `middle [2]` and `width` in pixels, at `time` in seconds."""

    middle: Floats
    width: float
    time: float

    @classmethod
    def of(cls, face: Landmarks, time: float) -> Place:
        """The place of a face `[478, 3]`."""
        return cls(middle_of(face), face_width(face), time)

    def apart(self, other: Place) -> float:
        """Distance to another place, in widths of this face."""
        return float(np.linalg.norm(self.middle - other.middle)) / self.width

    def resized(self, other: Place) -> float:
        """Factor between the widths, 1 or more."""
        return max(self.width, other.width) / min(self.width, other.width)

    def may_step_to(self, other: Place) -> bool:
        """Tell whether a face moves so far from one frame to the next."""
        since = other.time - self.time
        return self.apart(other) <= STEP + SPEED * since and self.resized(other) <= GROWTH + GROWTH_SPEED * since

    def expects(self, other: Place) -> bool:
        """Tell whether the face that was lost here may be found there, having stayed where it was, more or less."""
        reach = min(REACH + REACH_SPEED * (other.time - self.time), FURTHEST)
        return self.apart(other) <= reach and self.resized(other) <= SIZES


class SubjectFollower:
    """Finds the landmarks of one person's face, the subject's, frame after frame; close it after use.

    The subject is who is seen in the first picture with a face: the widest one there, or the one nearest the middle of
    the picture where others are about as wide. From there on

    - a face that moves as faces do is followed, for as long as it looks at all like the subject;
    - one that appears where the subject was lost, about as large, must look much like the subject;
    - one that appears elsewhere must look very much like the subject, not like its mirror image, and not be where
      one like it was seen while the subject was followed;
    - after a cut, looks alone decide, and when the light changes, places alone.

    A frame without such a face has none, however many other faces it shows.
    """

    def __init__(self, subject: Acquaintance | None = None) -> None:
        """Start with the subject yet to be met; it is who looks like `subject`, where one is given."""
        self._detector = LandmarkDetector()
        self._still: LandmarkDetector | None = None
        self._scene = Scene()
        self._known = subject
        self._last: Place | None = None
        self._is_followed = False
        self._others: list[tuple[Place, Acquaintance]] = []
        self._next_look = self._next_search = -np.inf
        self.census = Census()
        """Who was seen so far whenever it was looked who else is there."""
        self.part = 0
        """How often the subject was found again after it was lost: faces of one part were followed without a break."""

    def __enter__(self) -> SubjectFollower:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give MediaPipe's graphs back."""
        self._detector.close()
        if self._still:
            self._still.close()

    def follow(self, rgb: Image, time: float) -> Landmarks | None:
        """Return the landmarks `[478, 3]` of the subject in the next picture `[H, W, 3]`, at `time` in seconds.

        None where the subject is not seen.
        """
        small = shrunk(rgb, DETECTION_SIDE)
        change = self._scene.change(small)
        face = self._followed(small, time, change) if self._is_followed else None
        if face is None:
            face = self._found(small, time, change)
        if face is not None:
            self._remember(face, small, time, change)
        self._look_around(face, small, time)
        return None if face is None else face * np.float32(rgb.shape[1] / small.shape[1])

    def _followed(self, rgb: Image, time: float, change: Change) -> Landmarks | None:
        """The face that is followed, if it still is the subject's."""
        face = self._detector.detect(rgb)
        if face is not None and self._still_is_subject(face, rgb, time, change):
            return face
        self._is_followed = False
        self._next_search = time
        return None

    def _found(self, rgb: Image, time: float, change: Change) -> Landmarks | None:
        """The subject's face where it was not followed: met for the first time, or found again."""
        if self._known is None:
            return self._met(rgb)
        found = self._searched(rgb, time, change)
        if found is not None:
            self._detector.turn_to(found, rgb)
            self.part += 1
        return found

    def _met(self, rgb: Image) -> Landmarks | None:
        """The subject's face in the first picture that shows any."""
        seen = self._detector.detect(rgb)
        if seen is None:
            return None
        subject = most_prominent([*self._looker().detect_everywhere(rgb), seen], rgb)
        if same_place(subject, seen):
            return seen
        self._detector.turn_to(subject, rgb)
        return subject

    def _still_is_subject(self, face: Landmarks, rgb: Image, time: float, change: Change) -> bool:
        """Tell whether a face that was followed from the last frame to this one is still the subject's."""
        assert self._last is not None
        if change is not Change.CUT and self._last.may_step_to(Place.of(face, time)):
            return change is Change.LIGHT or self._likeness(face, rgb) >= FOLLOWED
        return self._may_be_subject(face, rgb, time, change)

    def _may_be_subject(self, face: Landmarks, rgb: Image, time: float, change: Change) -> bool:
        """Tell whether a face that has turned up is the subject's."""
        likeness, place = self._likeness(face, rgb), Place.of(face, time)
        if self._is_anothers(place, appearance(rgb, face)):
            return False
        if change is Change.CUT or self._last is None:
            return likeness >= AFTER_CUT
        if self._last.expects(place):
            return likeness >= NEAR
        if time - self._last.time < AWAY or self._last.resized(place) > ANY_SIZE:
            return False
        return likeness >= SAME and not self._is_mirrored(face, rgb)

    def _searched(self, rgb: Image, time: float, change: Change) -> Landmarks | None:
        """Look for the lost subject: where it was in every frame, and now and then everywhere; None where it is not."""
        faces = self._faces_near(self._last, rgb) if self._last else []
        if time >= self._next_search or change is Change.CUT:
            self._next_search = time + SEARCH_INTERVAL
            faces += self._looker().detect_everywhere(rgb)
        fitting = [face for face in faces if self._may_be_subject(face, rgb, time, change)]
        return max(fitting, key=lambda face: self._likeness(face, rgb), default=None)

    def _faces_near(self, place: Place, rgb: Image) -> list[Landmarks]:
        """The faces about a place."""
        window = Window.about(place.middle, SIDE * place.width, (rgb.shape[0], rgb.shape[1]))
        return self._looker().faces_within(rgb, window)

    def _likeness(self, face: Landmarks, rgb: Image) -> float:
        """How like the subject a face in a picture is, -1 to 1."""
        assert self._known is not None
        return self._known.likeness(appearance(rgb, face))

    def _is_mirrored(self, face: Landmarks, rgb: Image) -> bool:
        """Tell whether a face in a picture is more like the subject in a mirror."""
        assert self._known is not None
        return self._known.is_mirrored(appearance(rgb, face))

    def _remember(self, face: Landmarks, rgb: Image, time: float, change: Change) -> None:
        """Keep where the subject is and how it looks."""
        seen = appearance(rgb, face)
        if self._known is None:
            self._known = Acquaintance(seen)
        self._known.learn(seen, certainly=change is Change.LIGHT)
        self._last, self._is_followed = Place.of(face, time), True

    def _look_around(self, subject: Landmarks | None, rgb: Image, time: float) -> None:
        """See now and then who else is there."""
        if time < self._next_look:
            return
        self._next_look = time + max(LOOK_INTERVAL, LOOK_SHARE * time)
        faces = self._looker().detect_everywhere(rgb)
        others = [face for face in faces if subject is None or not same_place(face, subject)]
        self.census.add(subject, others, rgb)
        if subject is not None:
            self._others = [(Place.of(face, time), Acquaintance(appearance(rgb, face))) for face in others]

    def _is_anothers(self, place: Place, seen: Floats) -> bool:
        """Tell whether a face that looks `seen [468]` is at a place where one like it was seen beside the subject."""
        there = (known for other, known in self._others if other.apart(place) <= 0.5 and other.resized(place) <= SIZES)
        return any(known.likeness(seen) >= NEAR for known in there)

    def _looker(self) -> LandmarkDetector:
        """What sees several faces."""
        self._still = self._still or LandmarkDetector(still=True)
        return self._still


def same_place(face: Landmarks, other: Landmarks) -> bool:
    """Tell whether two faces `[478, 3]` of a picture lie on each other."""
    return bool(np.linalg.norm(middle_of(face) - middle_of(other)) <= face_width(other) / 2)


def most_prominent(faces: list[Landmarks], rgb: Image) -> Landmarks:
    """Return the widest of some faces `[478, 3]`; of several that are about as wide, the one nearest the middle."""
    widest = max(map(face_width, faces))
    large = [face for face in faces if face_width(face) >= LARGE * widest]
    middle = np.array([rgb.shape[1], rgb.shape[0]]) / 2
    return min(large, key=lambda face: float(np.linalg.norm(middle_of(face) - middle)))
