# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks to a performance: crop, pose, coefficients, gaze and texture of a take or a photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import closed_form
from .crop import choose_crop, picture_camera
from .footage import Footage, Image
from .gaze import solve_gaze
from .heads.camera import PinholeCamera
from .heads.head import Floats, MorphableHead
from .heads.maps import frame_vertices
from .heads.performance import Performance
from .landmark_model import Person
from .landmarks import Landmarks
from .person import solve_person
from .smoothing import at_times, smoothed
from .texture import solve_texture

SIZE = 512
"""Side of the central window in pixels that a performance's camera speaks of, unless told otherwise."""


def solve_take(
    head: MorphableHead,
    landmarks: Landmarks,
    times: NDArray[np.float64],
    footage: Footage,
    first_face: Image,
    size: int = SIZE,
) -> Performance:
    """Return the smoothed performance of a take, with a frame for each time.

    Frames without a face are interpolated and have confidence 0.

    Args:
        head: the morphable head.
        landmarks: `[T, 478, 3]` pixels of the footage; NaN where no face is seen, which must not be everywhere.
        times: `[T]` seconds.
        footage: where they come from.
        first_face: the first picture in which the face is seen, at any scale; it gives the texture.
        size: side of the central window in pixels.
    """
    seen = ~np.isnan(landmarks[:, 0, 0])
    faces = landmarks[seen]
    performance = solve_faces(head, faces, first_face, footage.size[0], size)
    performance = replace(performance, times=times[seen], fps=frame_rate(times, footage.fps), source=str(footage.path))
    return smoothed(at_times(performance, times))


def solve_still(head: MorphableHead, landmarks: Landmarks, image: Image, size: int = SIZE) -> Performance:
    """Return the performance, of one frame, of the face in a picture: `landmarks [478, 3]` in its pixels."""
    return solve_faces(head, landmarks[None], image, image.shape[1], size)


def solve_faces(
    head: MorphableHead,
    faces: Landmarks,
    first: Image,
    footage_width: int,
    size: int,
    person: Person | None = None,
) -> Performance:
    """Solve frames that all show the face; `first` is the picture of the first of them, at any scale.

    `person`: who it is, as seen by the camera of `choose_crop`; found from the frames unless given.
    """
    crop = choose_crop(faces)
    camera = picture_camera(crop)
    solution = closed_form.solve(faces, camera, person or solve_person(head, faces, camera))
    pose = solution.rotation, solution.translation
    gaze = solve_gaze(head, solution.identity, solution.expression, *pose, faces, camera)
    performance = Performance(
        head=head.name,
        identity=solution.identity,
        texture=np.zeros(len(head.texture_basis), np.float32),
        expression=solution.expression,
        rotation=solution.rotation,
        translation=solution.translation,
        gaze=gaze,
        confidence=confidence(solution.error),
        times=np.zeros(len(faces)),
        camera=PinholeCamera.default(size),
        crop=crop,
        extra={"reprojection_error": round(float(solution.error.mean()), 5)},
    )
    shrunk = first.shape[1] / footage_width
    camera_of_first = replace(camera, **{name: shrunk * getattr(camera, name) for name in ("fx", "fy", "cx", "cy")})
    texture = solve_texture(head, frame_vertices(head, performance, 0), first, camera_of_first)
    return replace(performance, texture=texture)


def frame_rate(times: NDArray[np.float64], nominal: float) -> float:
    """Return the nominal frame rate where the times agree with it, else theirs: some files announce their clock's."""
    duration = times[-1] - times[0] if len(times) > 1 else 0.0
    own = (len(times) - 1) / duration if duration > 0 else nominal
    return nominal if abs(own - nominal) < 0.1 * nominal else float(own)


def confidence(error: Floats) -> Floats:
    """Return `[T]`, above 0 to 1: 1 up to twice the usual error, and less the further a frame is off."""
    return np.clip(2 * np.median(error) / np.maximum(error, 1e-6), 0.05, 1).astype(np.float32)
