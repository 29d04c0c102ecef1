# SPDX-License-Identifier: GPL-3.0-or-later
"""How strong perspective is: the focal length of the camera that saw a face.

Perspective shows in how a near face is distorted, and in how it changes while the head turns. Where it shows little,
the estimate stays with what is likely: the distance that the default camera assumes, and, for whole pictures, the
lenses that cameras have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .landmark_model import LandmarkModel, Rays
from .person import ZoomPrior, chosen_frames, solve_fit

if TYPE_CHECKING:
    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Numbers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead

DISTANCE_DEVIATION = 0.6
"""Standard deviation of the logarithm of people's distance from cameras, about the default camera's."""
LENS, LENS_DEVIATION = 0.85, 0.15
"""Usual focal length over the longer side of a picture (31 mm on a 36 mm film), and the deviation of its logarithm."""
EVIDENCE = 0.25
"""As how many frames the landmarks count: a head's own limits also look like perspective."""


def estimated_camera(
    head: MorphableHead,
    landmarks: Landmarks,
    camera: PinholeCamera,
    picture_size: tuple[int, int] | None = None,
    visibility: Numbers | None = None,
) -> PinholeCamera:
    """Return the camera with the focal length that explains the landmarks `[T, 478, 3]` best.

    Args:
        head: the morphable head.
        landmarks: of one person, in pixels of the camera.
        camera: the default one; its focal length is a guess.
        picture_size: width and height of a photo; None for videos, which are cut and filmed from afar as often as not.
        visibility: `[T, 478]`, 0 to 1.
    """
    frames = chosen_frames(landmarks)
    rays = Rays.of(landmarks, camera, visibility).at(frames)
    fit = solve_fit(LandmarkModel.of(head), landmarks[frames], rays, zoom_prior(camera, picture_size), EVIDENCE)
    factor = float(np.exp(fit.zoom))
    return replace(camera, fx=camera.fx * factor, fy=camera.fy * factor)


def zoom_prior(camera: PinholeCamera, picture_size: tuple[int, int] | None) -> ZoomPrior:
    """Join what is known about distances and about lenses; a square picture was cut out, so its lens is unknown."""
    distance = DISTANCE_DEVIATION**-2
    if picture_size is None or picture_size[0] == picture_size[1]:
        return ZoomPrior(0.0, DISTANCE_DEVIATION)
    lens = LENS_DEVIATION**-2
    usual = np.log(LENS * max(picture_size) / camera.fx)
    return ZoomPrior(float(usual * lens / (lens + distance)), float((lens + distance) ** -0.5))
