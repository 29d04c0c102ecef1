# SPDX-License-Identifier: GPL-3.0-or-later
"""How a camera moves: each picture of some footage laid over another by what is seen of the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..heads.arrays import Doubles, Floats, Image

SIDE = 640
"""Pixels of the longer side of the pictures in which features are looked for."""
FEATURES = 600
LEAST = 16
"""Features that must agree on a movement."""
STEP = 3.0
"""Pixels of these pictures by which features may miss their place."""
STILL = 1.0
"""Pixels of these pictures by which a camera on a tripod seems to move."""


def alignments(pictures: Sequence[Image], seen: Sequence[Floats]) -> list[Doubles | None]:
    """Return for each picture `[H, W, 3]` the homography `[3, 3]` that lays it over the middle one.

    None where the background shows too little to tell; the identity where the camera stands still. `seen [H, W]` is 1
    where the background is.
    """
    scale = SIDE / max(pictures[0].shape[:2])
    detector = cv2.ORB.create(FEATURES)
    found = [features(detector, picture, each, scale) for picture, each in zip(pictures, seen, strict=True)]
    middle = found[len(found) // 2]
    return [homography(each, middle, scale) for each in found]


def features(detector: cv2.ORB, picture: Image, seen: Floats, scale: float) -> tuple[Floats, Image]:
    """Return points `[N, 2]` of the background in a picture shrunk by `scale`, and their descriptors `[N, 32]`."""
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    grey = cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    mask = (cv2.resize(seen, size, interpolation=cv2.INTER_AREA) > 0.99).astype(np.uint8)
    points, descriptors = detector.detectAndCompute(grey, cv2.erode(mask, np.ones((9, 9), np.uint8)))
    if descriptors is None:
        return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    return cv2.KeyPoint.convert(points), descriptors


def homography(own: tuple[Floats, Image], target: tuple[Floats, Image], scale: float) -> Doubles | None:
    """Return what takes features to those of another picture; see `alignments`."""
    if min(len(own[0]), len(target[0])) < LEAST:
        return None
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(own[1], target[1])
    if len(matches) < LEAST:
        return None
    ours = own[0][[match.queryIdx for match in matches]]
    theirs = target[0][[match.trainIdx for match in matches]]
    apart = np.linalg.norm(ours - theirs, axis=1)
    if (apart < STILL).sum() > max(LEAST, len(matches) / 3):
        return np.eye(3)
    moved, agree = cv2.findHomography(ours, theirs, cv2.RANSAC, STEP)
    if moved is None or agree.sum() < LEAST:
        return None
    shrink = np.diag([scale, scale, 1.0])
    whole: Doubles = np.linalg.inv(shrink) @ moved @ shrink
    return whole
