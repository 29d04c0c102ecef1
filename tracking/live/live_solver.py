# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks to performance, frame by frame as they come: who it is first, then what the face does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..detection.landmarks import Landmarks, require_size
from ..heads.head import BLINKS, MorphableHead
from ..media.crop import choose_crop, picture_camera
from ..performances.performance import Performance, for_all_regions
from ..solving import closed_form
from ..solving.apertures import with_own_apertures
from ..solving.gaze import SHUT, resting_gaze, seen_gaze, solve_gaze
from ..solving.one_euro import OneEuro
from ..solving.person import solve_person
from ..solving.solver import Faces, solve_faces, with_texture

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Floats, Image
    from ..heads.camera import PinholeCamera
    from ..solving.landmark_model import Person

CALIBRATION = 1.5
"""Seconds with a face from which the person and the crop are found."""
STRANGER = 2.2
"""Where the face is seen again after it was away and the person's error is this many times the usual one, it is
somebody else's."""
SHARE_OF_NEWEST = 0.05
"""How far one frame's error moves what is usual."""
FEWEST = 10
"""Frames with a face that calibration needs, however slowly they come."""


@dataclass(frozen=True)
class Calibration:
    """What stays as it is after the first seconds.

    Attributes:
        person: who is seen.
        camera: of the central window, in pixels of the landmarks.
        still: a performance of one frame, from which the next ones are made: head, identity, texture, crop.
        rest: `[2, 2]` where the eyes rest.
        error: usual re-projection error, a share of the distance of the eyes.
    """

    person: Person
    camera: PinholeCamera
    still: Performance
    rest: Doubles
    error: float


class LiveSolver:
    """Solves one frame after the other, smoothed from past frames only.

    The crop, the identity and the texture are found once and kept. While the face is away the last frame is held, with
    confidence 0; so it is until a face comes back that this identity fits.
    """

    def __init__(self, head: MorphableHead, width: int, size: int, source: str, fps: float) -> None:
        """Start with a person yet to be found.

        Args:
            head: the morphable head.
            width: width of the picture whose pixels the landmarks are in.
            size: side of the central window in pixels that the performance's camera speaks of.
            source, fps: what the performance says about its source.
        """
        self._head, self._width, self._size = head, width, size
        self._source, self._fps = source, fps
        self._first: Image | None = None
        self._gathered: list[tuple[float, Landmarks]] = []
        self._calibration: Calibration | None = None
        self._smoother = OneEuro()
        self._last: Performance | None = None
        self._usual_error = np.inf
        self._is_followed = True

    def solve(self, image: Image, landmarks: Landmarks | None, time: float) -> Performance | None:
        """Return the performance of the frame at `time` seconds; None until it is known who is seen.

        `landmarks [478, 3]` are None where no face is seen.

        Raises:
            UserError: the face is too small.
        """
        if self._calibration is None:
            if landmarks is not None:
                self._first = image if self._first is None else self._first
                self._gathered.append((time, landmarks))
                self._calibration = self._calibrated(self._first)
            return None
        if landmarks is None:
            self._is_followed = False
            return self._held(time)
        solution = closed_form.solve(landmarks[None], self._calibration.camera, self._calibration.person)
        if not self._is_known(float(solution.error[0])):
            return self._held(time)
        self._last = self._smoother.smoothed(self._solved(self._calibration, solution, landmarks, time))
        return self._last

    def _is_known(self, error: float) -> bool:
        """Tell whether a face that the person fits with an error is the person's: one without a break always is."""
        self._is_followed |= error <= STRANGER * self._usual_error
        if self._is_followed:
            usual = self._usual_error if np.isfinite(self._usual_error) else error
            self._usual_error = usual + SHARE_OF_NEWEST * (error - usual)
        return self._is_followed

    def _calibrated(self, first: Image) -> Calibration | None:
        """Find out who is seen, once there are frames enough; `first` is the picture of the first of them."""
        times, landmarks = zip(*self._gathered, strict=True)
        if len(times) < FEWEST or times[-1] - times[0] < CALIBRATION:
            return None
        self._gathered.clear()
        faces = np.stack(landmarks)
        require_size(np.median(faces, 0), self._source)
        crop = choose_crop(faces)
        camera = picture_camera(crop)
        person = solve_person(self._head, faces, camera)
        take = solve_faces(self._head, person, Faces(faces, np.array(times), self._fps), crop, camera, self._size)
        still = with_texture(self._head, take.at(slice(1)), first, camera, self._width)
        still = replace(still, source=self._source)
        seen = seen_gaze(self._head, closed_form.solve(faces, camera, person), faces, camera)
        return Calibration(person, camera, still, resting_gaze(seen), take.extra["reprojection_error"])

    def _solved(
        self, known: Calibration, solution: closed_form.Solution, landmarks: Landmarks, time: float
    ) -> Performance:
        """One frame, as it is seen."""
        sure = confidence(solution.error, known.error)
        return replace(
            known.still,
            expression=with_own_apertures(known.person, solution.expression).astype(np.float32),
            rotation=solution.rotation,
            translation=solution.translation,
            gaze=self._gaze(known, solution, landmarks),
            confidence=sure,
            region_confidence=for_all_regions(sure),
            times=np.array([time]),
        )

    def _gaze(self, known: Calibration, solution: closed_form.Solution, landmarks: Landmarks) -> Floats:
        """The gaze `[1, 2, 2]`; while both eyes are shut, where they looked last."""
        if (solution.expression[0, BLINKS] > SHUT).all():
            return (self._last or known.still).gaze
        return solve_gaze(self._head, solution, landmarks[None], known.camera, known.rest)

    def _held(self, time: float) -> Performance | None:
        """The last frame once more."""
        if self._last is None:
            return None
        return replace(self._last, times=np.array([time])).lost_at(np.array([True]))


def confidence(error: Floats, usual: float) -> Floats:
    """Return `[T]`, above 0 to 1: 1 up to twice the usual error, and less the further a frame is off."""
    return np.clip(2 * usual / np.maximum(error, 1e-6), 0.05, 1).astype(np.float32)
