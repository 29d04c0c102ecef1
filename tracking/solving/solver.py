# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks to a performance: crop, pose, coefficients, gaze and texture of a take or a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...common.progress import Listener, silent
from ..heads.head import ARKIT_NAMES, MorphableHead
from ..media.crop import choose_crop, picture_camera, window_camera
from ..performances.maps import frame_vertices
from ..performances.performance import Crop, Performance
from . import closed_form
from .apertures import with_own_apertures
from .bridging import bridged
from .closed_form import Solution, reprojection_error
from .confidence import rated
from .focal_length import estimated_camera
from .gaze import solve_gaze, with_lids_following
from .landmark_model import Person, Pose, Rays
from .person import solve_person
from .refinement import refined
from .registration import registered
from .sight import POSE
from .smoothing import at_times, smoothed
from .texture import solve_texture
from .visibility import visibility_by_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Doubles, Image, Numbers
    from ..heads.camera import PinholeCamera
    from ..media.footage import Footage

MOUTH_ALONE = np.array(POSE * [False] + [name.startswith(("jaw", "mouth")) for name in ARKIT_NAMES])
"""Of the unknowns of a frame, those that move the mouth."""
SIZE = 512
"""Side of the central window in pixels that a performance's camera speaks of, unless told otherwise."""
APART = 10.0
"""Seconds between photos, so that none is smoothed by another."""


def solve_take(
    head: MorphableHead,
    landmarks: Landmarks,
    times: Doubles,
    footage: Footage,
    first_face: Image,
    size: int = SIZE,
    *,
    visibility: Numbers | None = None,
    windows: Callable[[Crop], Generator[Image, None, None]] | None = None,
    listener: Listener = silent,
) -> Performance:
    """Return the smoothed performance of a take, with a frame for each time.

    Frames without a face have confidence 0; what they and hidden parts of the face do is bridged.

    Args:
        head: the morphable head.
        landmarks: `[T, 478, 3]` pixels of the footage; NaN where no face is seen, which must not be everywhere.
        times: `[T]` seconds.
        footage: where they come from.
        first_face: the first picture in which the face is seen, at any scale; it gives the texture.
        size: side of the central window in pixels.
        visibility: `[T, 478]`, 0 (something is in front) to 1; None when nothing is.
        windows: returns the windows of a crop in the frames that show the face (see `registration.registered`); None
            leaves the frames where their landmarks are.
        listener: hears of the progress and may cancel.
    """
    seen = ~np.isnan(landmarks[:, 0, 0])
    faces = Faces(
        landmarks[seen], times[seen], frame_rate(times, footage.fps), None if visibility is None else visibility[seen]
    )
    crop = choose_crop(faces.landmarks)
    camera = estimated_camera(head, faces.landmarks, picture_camera(crop), visibility=faces.visibility)
    person = solve_person(head, faces.landmarks, camera, faces.visibility)
    hidden = np.zeros(faces.landmarks.shape[:2]) if faces.visibility is None else 1 - faces.visibility
    facing = visibility_by_turn(head, person, faces.landmarks, camera)
    faces = replace(faces, visibility=(1 - hidden) * facing)
    performance = solve_faces(head, person, faces, crop, camera, size, listener)
    performance = rated(head, performance, camera, faces.landmarks, hidden)
    if windows is not None:
        performance = laid_over(head, person, faces, camera, performance, lambda: windows(crop), listener)
    performance = with_texture(head, performance, first_face, camera, footage.size[0])
    return smoothed(bridged(at_times(replace(performance, source=str(footage.path)), times)))


def solve_still(head: MorphableHead, landmarks: Landmarks, image: Image, size: int = SIZE) -> Performance:
    """Return the performance, of one frame, of the face in a picture: `landmarks [478, 3]` in its pixels."""
    return solve_stills(head, landmarks[None], image, size)


def solve_stills(head: MorphableHead, landmarks: Landmarks, first: Image, size: int = SIZE) -> Performance:
    """Return the performance of photos of one person, a frame each, solved together: they share identity and camera.

    Args:
        head: the morphable head.
        landmarks: `[N, 478, 3]` in pixels of the first photo; those of the others are scaled and moved to where their
            windows would lie in it.
        first: the first photo, which gives crop and texture.
        size: side of the central window in pixels.
    """
    faces = Faces(landmarks, APART * np.arange(len(landmarks)))
    crop = choose_crop(landmarks[0])
    camera = estimated_camera(head, landmarks, picture_camera(crop), (first.shape[1], first.shape[0]))
    person = solve_person(head, landmarks, camera)
    performance = solve_faces(head, person, faces, crop, camera, size)
    return with_texture(head, performance, first, camera, first.shape[1])


def laid_over(
    head: MorphableHead,
    person: Person,
    faces: Faces,
    camera: PinholeCamera,
    performance: Performance,
    windows: Callable[[], Generator[Image, None, None]],
    listener: Listener,
) -> Performance:
    """The performance with its frames registered by windows `[S, S, 3]`, and mouths that meet their landmarks again."""
    moved = registered(head, performance, windows, listener)
    pose = Pose(moved.rotation.astype(np.float64), moved.translation.astype(np.float64))
    rays = Rays.of(faces.landmarks, camera, faces.visibility)
    _, expression = refined(
        person.model, rays, pose, moved.expression, faces.times, faces.fps, listener, free=MOUTH_ALONE
    )
    return replace(moved, expression=expression.astype(np.float32))


@dataclass(frozen=True)
class Faces:
    """Frames that all show the face: `landmarks [T, 478, 3]`, `times [T]`, `visibility [T, 478]` (None: all seen)."""

    landmarks: Landmarks
    times: Doubles
    fps: float = 25.0
    visibility: Numbers | None = None


def solve_faces(
    head: MorphableHead,
    person: Person,
    faces: Faces,
    crop: Crop,
    camera: PinholeCamera,
    size: int,
    listener: Listener = silent,
) -> Performance:
    """Solve frames of a known person: the closed form, then all frames refined together; no texture yet.

    `camera` is in pixels of the whole picture, `size` the side of the window `crop` of which the performance speaks.
    """
    solution = closed_form.solve(faces.landmarks, camera, person, faces.visibility)
    gaze = solve_gaze(head, solution, faces.landmarks, camera)
    start = with_lids_following(solution.expression, gaze)
    rays = Rays.of(faces.landmarks, camera, faces.visibility)
    pose, expression = refined(
        person.model,
        rays,
        Pose(solution.rotation.astype(np.float64), solution.translation.astype(np.float64)),
        start,
        faces.times,
        faces.fps,
        listener,
    )
    expression = with_own_apertures(person, expression)
    error = reprojection_error(person.own, expression, pose, faces.landmarks, camera)
    floats = (part.astype(np.float32) for part in (expression, pose.rotation, pose.translation, error))
    solution = Solution(person.identity, *floats)
    return Performance(
        head=head.name,
        identity=solution.identity,
        texture=np.zeros(len(head.texture_basis), np.float32),
        expression=solution.expression,
        rotation=solution.rotation,
        translation=solution.translation,
        gaze=solve_gaze(head, solution, faces.landmarks, camera),
        confidence=np.ones(len(faces.times), np.float32),
        times=faces.times,
        camera=window_camera(camera, crop, size),
        crop=crop,
        fps=faces.fps,
        extra={"reprojection_error": round(float(solution.error.mean()), 5)},
    )


def with_texture(
    head: MorphableHead, performance: Performance, first: Image, camera: PinholeCamera, footage_width: int
) -> Performance:
    """Add the texture that `first [H, W, 3]`, the first frame at any scale, shows; `camera` is the footage's."""
    shrunk = first.shape[1] / footage_width
    camera_of_first = replace(camera, **{name: shrunk * getattr(camera, name) for name in ("fx", "fy", "cx", "cy")})
    texture = solve_texture(head, frame_vertices(head, performance, 0), first, camera_of_first)
    return replace(performance, texture=texture)


def frame_rate(times: Doubles, nominal: float) -> float:
    """Return the nominal frame rate where `times [T]` in seconds agree, else theirs: some files announce a clock's.

    Example:
        >>> frame_rate(np.arange(50) / 25, nominal=90_000)  # some files announce the ticks of their clock
        25.0
    """
    duration = times[-1] - times[0] if len(times) > 1 else 0.0
    own = (len(times) - 1) / duration if duration > 0 else nominal
    return nominal if abs(own - nominal) < 0.1 * nominal else float(own)
