# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracks and mattes a coarse video that shows something else than was asked for (OPHAvatars tracks it, too).

A network moves a face as its key points can: less far, with some of the driver's shape, at times with another gaze.
What is learned from a frame must be what the frame shows. Landmarks alone do not say it well: they are off by much the
same in all pictures of a face. The mesh warp, however, shows exactly what it is asked for. So a performance is looked
for whose mesh warp is tracked as the network's picture is: it is changed by what the two differ by, in rounds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.progress import Listener, silent
from ..detection.landmarks import LANDMARK_COUNT, LandmarkDetector
from ..performances.performance import OVER_TIME, Crop
from ..solving.confidence import rated
from ..solving.person import solve_person
from ..solving.solver import Faces, solve_faces
from ..solving.visibility import visibility_by_turn
from .coarse_source import MeshWarp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Booleans, Floats, Image
    from ..heads.head import MorphableHead
    from ..mattes.matting import MattingMaker
    from ..performances.performance import Performance
    from .coarse_source import SolvedPhoto

ROUNDS = 2
"""Of a mesh warp of a known other performance, in a network's place, at 256 pixels, landmarks were off by 3.1 pixels as
asked for, 1.2 when tracked, 0.6 and 0.45 after one round and two; more rounds gain nothing."""
OFF_OUTLINE = 0.02
"""How far the picture's outline may lie from the mesh warp's, as a share of the picture's side."""


class Retracking:
    """Sees the pictures of a performance in order. Close it, or use it in a `with` statement."""

    def __init__(self, photo: SolvedPhoto, asked: Performance, matting: MattingMaker, photos: Landmarks) -> None:
        """Get ready.

        Args:
            photo: what the pictures are made of.
            asked: what they should show, a frame each; its times tell which of them are neighbours.
            matting: makes what mattes them.
            photos: `[N, 478, 3]`, the landmarks of the person's photos, as if they lay in the central window.
        """
        self._head, self._asked, self._photos = photo.head, asked, photos
        self._neutral = photo.head.neutral(asked.identity)
        self._warp = MeshWarp()(photo)
        self._matting = matting(photo.head, asked)
        self._detector = LandmarkDetector(still=True)
        self._faces: list[Landmarks | None] = []

    def __enter__(self) -> Retracking:
        return self

    def __exit__(self, *error: object) -> None:
        self._detector.close()
        self._matting.close()
        self._warp.__exit__(*error)

    def see(self, picture: Image, outline: Floats) -> Floats:
        """Take the next picture `[S, S, 3]`, an enlarged window, and return its matte `[S, S]`, 0 to 1.

        The matte stays near the `outline [S, S]`, the matte of the mesh warp: what was in-painted behind the person is
        easily taken for a person.
        """
        self._faces.append(self._face_in(picture))
        return near(outline, self._matting(picture))

    def performance(self, listener: Listener = silent) -> Performance:
        """Return what the pictures show; those without a face keep what was asked for, with confidence 0.

        Raises:
            UserError: no picture shows a face.
        """
        shown, ours = self._asked, stacked(self._faces)
        for number in range(ROUNDS if len(shown) else 0):
            warped = self._warped_faces(shown, Clock(f"Tracking the film, round {number + 1}", len(shown), listener))
            seen = ~np.isnan(ours + warped).any((1, 2))
            if not seen.any():
                raise UserError(
                    "The network made no picture with a face: check its files with `semblance weights verify`, "
                    "or use `--coarse warp`."
                )
            part = shown.at(seen)
            pair = [tracked(self._head, part, self._photos, faces[seen], listener) for faces in (ours, warped)]
            shown = put_in(shown, moved_by_difference(part, *pair), seen)
        return shown

    def _warped_faces(self, performance: Performance, clock: Clock) -> Landmarks:
        """Return `[T, 478, 3]`: the landmarks in the mesh warps of a performance; NaN where no face is seen."""
        faces = []
        for index in range(len(performance)):
            clock.tell(index)
            faces.append(self._face_in(self._warp.frame(performance, index, self._neutral)[0]))
        return stacked(faces)

    def _face_in(self, picture: Image) -> Landmarks | None:
        """Return the landmarks `[478, 3]` in pixels of the central window; None where no face is seen."""
        margin = (len(picture) - self._asked.camera.width) / 2
        face = self._detector.detect(picture)
        return None if face is None else face - np.array([margin, margin, 0], np.float32)


def stacked(faces: Sequence[Landmarks | None]) -> Landmarks:
    """Return `[T, 478, 3]`: landmarks `[478, 3]` of each frame, NaN where there are none."""
    unseen = np.full((LANDMARK_COUNT, 3), np.nan, np.float32)
    return np.array([unseen if face is None else face for face in faces], np.float32).reshape(-1, *unseen.shape)


def near(outline: Floats, matte: Floats) -> Floats:
    """Return a matte `[S, S]` that is the person's and the background's where an `outline [S, S]` surely is."""
    reach = 2 * round(OFF_OUTLINE * len(outline)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    kept: Floats = np.clip(matte, cv2.erode(outline, kernel), cv2.dilate(outline, kernel))
    return kept


def tracked(
    head: MorphableHead, asked: Performance, photos: Landmarks, landmarks: Landmarks, listener: Listener = silent
) -> Performance:
    """Return the performance that `landmarks [T, 478, 3]` show, by the camera and of the person of `asked`.

    `photos [N, 478, 3]` are the landmarks from which this person was solved; all are pixels of the central window.
    """
    camera = asked.camera
    person = solve_person(head, photos, camera)
    facing = visibility_by_turn(head, person, landmarks, camera)
    faces = Faces(landmarks, np.asarray(asked.times, np.float64), asked.fps, facing)
    window = Crop(0.0, 0.0, float(camera.width))
    solved = solve_faces(head, person, faces, window, camera, camera.width, listener)
    return rated(head, solved, camera, landmarks, np.zeros(landmarks.shape[:2]))


def moved_by_difference(asked: Performance, ours: Performance, exact: Performance) -> Performance:
    """Return what pictures show that were tracked as `ours`, while those that show `asked` were tracked as `exact`."""
    turn = ours.rotation @ exact.rotation.swapaxes(1, 2)
    return replace(
        asked,
        expression=np.clip(asked.expression + ours.expression - exact.expression, 0, 1),
        rotation=(turn @ asked.rotation).astype(np.float32),
        translation=asked.translation + ours.translation - exact.translation,
        gaze=asked.gaze + ours.gaze - exact.gaze,
        confidence=ours.confidence,
        region_confidence=ours.region_confidence,
    )


def put_in(performance: Performance, part: Performance, frames: Booleans) -> Performance:
    """Return the performance with those `frames [T]` replaced by the frames of a part; the others have confidence 0."""
    lost = performance.lost_at(~frames)
    changed: dict[str, Any] = {name: np.array(getattr(lost, name)) for name in OVER_TIME if name != "times"}
    for name, values in changed.items():
        values[frames] = getattr(part, name)
    return replace(lost, **changed)
