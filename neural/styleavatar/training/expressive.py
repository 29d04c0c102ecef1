# SPDX-License-Identifier: GPL-3.0-or-later
"""Where mouth and eyes lie in the footage: few pixels that everybody looks at, so that training can count them more."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ....common.errors import UserError
from ....tracking.datasets.dataset import Dataset
from ....tracking.detection.landmarks import LEFT_EYE, LIPS, RIGHT_EYE, Landmarks, eye_distance
from ....tracking.heads.registry import open_head
from ....tracking.performances.maps import MAP_SIZE
from ....tracking.solving.agreement import mesh_landmarks

MARGIN = 0.08
"""How far the regions reach beyond lips and lids, over the distance of the eyes."""


def landmarks_in_maps(dataset: Dataset, kept: NDArray[np.intp], head_path: Path | None) -> Landmarks | None:
    """The tracked head's landmarks in the frames `kept [N]`, in pixels of the maps: `[N, 478, 3]`.

    None where the motion is not known, or the head's file (`head_path`) is not on this machine or of another version.
    """
    if dataset.is_foreign:
        return None
    performance = dataset.performance().at(kept)
    camera = performance.camera.resized(MAP_SIZE, MAP_SIZE)
    try:
        return mesh_landmarks(open_head(performance.head, head_path), performance, camera)
    except UserError:
        return None


def expressive_region(landmarks: Landmarks) -> NDArray[np.uint8]:
    """A picture of the maps' size, 255 over lips and eyes of `landmarks [478, 3]`, 0 elsewhere, with a soft rim."""
    region = np.zeros((MAP_SIZE, MAP_SIZE), np.uint8)
    for ring in (LIPS, LEFT_EYE, RIGHT_EYE):
        hull = cv2.convexHull(landmarks[list(ring), :2].astype(np.float32))
        cv2.fillConvexPoly(region, hull.round().astype(np.int32), 255)
    reach = max(1, round(MARGIN * float(eye_distance(landmarks))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    soft: NDArray[np.uint8] = cv2.GaussianBlur(cv2.dilate(region, disc), (0, 0), reach / 2)
    return soft
