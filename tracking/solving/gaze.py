# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyeball rotation from the irises: each iris centre's ray meets its eyeball's sphere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation

from ..detection.landmarks import LEFT_EYE_CORNERS, LEFT_IRIS, RIGHT_EYE_CORNERS, RIGHT_IRIS, Landmarks
from ..heads.head import ARKIT_NAMES, BLINKS, Eyeball, MorphableHead

if TYPE_CHECKING:
    from ..heads.arrays import Booleans, Doubles, Floats, Numbers
    from ..heads.camera import PinholeCamera
    from .closed_form import Solution

SHUT = 0.5
"""Above this blink the iris is hidden and its landmark a guess, as it is just before and after."""
LARGEST = np.radians([30.0, 40.0])
"""Largest pitch and yaw."""
LOOK_TO_LIDS = 1 / 0.6
"""Expression of `eyeLook...` for a radian of gaze: at 0.6 the lids have followed fully."""
TOGETHER = np.array([1.0, 0.6])
"""How far each eye's pitch and yaw follow the mean of both: eyes turn together, what differs is mostly noise."""

REST_DEVIATION = np.radians(6.0)
"""By how much the direction in which a person's eyes rest usually differs from that of the head's."""
ASIDE, SQUINT, GLANCE = np.radians([4.0, 1.0, 15.0])
"""How far aside people look over a take, their eyes differ over a take, and they look in any one frame; usually."""
LOOK = np.radians(8.0)
"""From here on a resting direction becomes less likely, and at twice as much it is none: the person looks aside."""


@dataclass(frozen=True)
class EyeModel:
    """An eyeball of a person at rest, in head space: metres, and gaze `[2]` (pitch, yaw) to which it is modelled."""

    pivot: Doubles
    radius: float
    forward: Doubles


def solve_gaze(
    head: MorphableHead, solution: Solution, landmarks: Landmarks, camera: PinholeCamera, rest: Numbers | None = None
) -> Floats:
    """Return gaze `[T, 2, 2]` (left, right; pitch, yaw in radians) for solved frames `landmarks [T, 478, 3]`.

    Zero looks where the person's eyes rest: `rest [2, 2]` from the head's own zero; None: where they do in these
    frames. While an eye is shut it follows the other one, and while both are shut their gaze goes straight from where
    they were last seen to where they are seen next.
    """
    seen = seen_gaze(head, solution, landmarks, camera)
    gaze = held(together(seen - (resting_gaze(seen) if rest is None else rest)))
    return np.clip(gaze, -LARGEST, LARGEST).astype(np.float32)


def resting_gaze(seen: Numbers) -> Doubles:
    """Return `[2, 2]`: where the eyes of a take rest, by how they are seen, `[T, 2, 2]` (NaN where they are not).

    It is where they mostly look, as far as this is likely to be more than a look: in part when both eyes agree, almost
    wholly when they differ, hardly when there are few frames, not at all when it is far aside.
    """
    frames = ~np.isnan(seen).any((1, 2))
    if not frames.any():
        return np.zeros((2, 2))
    usual = np.median(seen[frames], 0)
    common = usual.mean(0)
    likely = np.clip(2 - np.abs(common) / LOOK, 0, 1)
    glances = GLANCE**2 / frames.sum()
    both, apart = (REST_DEVIATION**2 / (REST_DEVIATION**2 + look**2 + glances) for look in (ASIDE, SQUINT))
    rest: Doubles = both * likely * common + apart * (usual - common)
    return rest


def seen_gaze(head: MorphableHead, solution: Solution, landmarks: Landmarks, camera: PinholeCamera) -> Doubles:
    """Return `[T, 2, 2]`: gaze from the head's own zero, each eye by itself; NaN while it is shut."""
    neutral = head.neutral(solution.identity)
    rotation, translation = solution.rotation.astype(np.float64), solution.translation.astype(np.float64)
    eyes = []
    for eyeball, corners, irises in zip(
        head.eyeballs, (LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS), (LEFT_IRIS, RIGHT_IRIS), strict=True
    ):
        eye = eye_model(neutral, head, eyeball, irises[0])
        offset = corner_offset(
            neutral[head.landmarks[list(corners)]], corners, rotation, translation, landmarks, camera
        )
        eyes.append(eye_gaze(eye, rotation, translation, landmarks[:, irises[0], :2] - offset, camera))
    gaze = np.stack(eyes, 1)
    shut = solution.expression[:, BLINKS] > SHUT
    gaze[binary_dilation(shut, np.ones((3, 1)))] = np.nan
    return gaze


def bridged_gaze(gaze: Floats, seen: Booleans) -> Floats:
    """Return `gaze [T, 2, 2]` in which an eye that is not `seen [T, 2]` follows the other one, or its neighbours."""
    known = np.where(seen[..., None], gaze, np.nan)
    return held(np.where(seen[..., None], known, known[:, ::-1])).astype(np.float32)


def with_lids_following(expression: Floats, gaze: Floats) -> Floats:
    """Return `expression [T, 52]` with the `eyeLook...` that go with gaze `[T, 2, 2]`."""
    followed = expression.copy()
    for eye, (side, inward) in enumerate((("Left", 1), ("Right", -1))):
        pitch, yaw = gaze[:, eye].T * LOOK_TO_LIDS
        ways = {"Down": pitch, "Up": -pitch, "In": inward * yaw, "Out": -inward * yaw}
        for way, amount in ways.items():
            followed[:, ARKIT_NAMES.index(f"eyeLook{way}{side}")] = np.clip(amount, 0, 1)
    return followed


def eye_model(neutral: Floats, head: MorphableHead, eyeball: Eyeball, iris: int) -> EyeModel:
    """Measure an eyeball of `neutral [V, 3]`: its pivot, and where the centre of its iris (a landmark) is."""
    pivot = neutral[eyeball.start : eyeball.stop].mean(0, dtype=np.float64) + np.array(eyeball.pivot_offset)
    centre = neutral[head.landmarks[iris]] - pivot
    radius = float(np.linalg.norm(centre))
    return EyeModel(pivot, radius, angles(centre[None] / radius)[0])


def eye_gaze(eye: EyeModel, rotation: Numbers, translation: Numbers, iris: Numbers, camera: PinholeCamera) -> Doubles:
    """Return `[T, 2]` pitch and yaw of an eye whose iris centre is seen at the pixels `iris [T, 2]`."""
    pivot = rotation @ eye.pivot + translation
    ray = np.concatenate([(iris - (camera.cx, camera.cy)) / (camera.fx, camera.fy), np.ones((len(iris), 1))], 1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    along = np.einsum("ta,ta->t", ray, pivot)
    miss = np.einsum("ta,ta->t", pivot, pivot) - along**2
    depth = along - np.sqrt(np.maximum(eye.radius**2 - miss, 0))
    direction = np.einsum("tba,tb->ta", rotation, ray * depth[:, None] - pivot)
    return angles(direction / np.linalg.norm(direction, axis=1, keepdims=True)) - eye.forward


def corner_offset(
    own: Floats,
    corners: tuple[int, int],
    rotation: Numbers,
    translation: Numbers,
    landmarks: Landmarks,
    camera: PinholeCamera,
) -> Doubles:
    """Return `[T, 2]` pixels by which an eye's corners are seen beside the head's own `[2, 3]`: it moves with them."""
    points = own @ rotation.swapaxes(1, 2) + translation[:, None]
    offset: Doubles = (landmarks[:, list(corners), :2] - camera.project(points)).mean(1)
    return offset


def angles(directions: Numbers) -> Doubles:
    """Return `[T, 2]` pitch (down) and yaw (to the subject's right) of unit vectors `[T, 3]` in head space."""
    return np.stack([np.arcsin(np.clip(directions[:, 1], -1, 1)), np.arctan2(-directions[:, 0], -directions[:, 2])], 1)


def together(gaze: Numbers) -> Doubles:
    """Draw both eyes of `[T, 2, 2]` towards their mean; an eye that is not seen (NaN) takes the other's gaze."""
    seen = ~np.isnan(gaze)
    count = seen.sum(1, keepdims=True)
    mean = np.where(seen, gaze, 0).sum(1, keepdims=True) / np.where(count, count, np.nan)
    apart = np.where(seen, gaze - mean, 0)
    joined: Doubles = mean + apart * (1 - TOGETHER)
    return joined


def held(gaze: Numbers) -> Doubles:
    """Fill the frames of `[T, 2, 2]` that have no gaze (NaN) from their neighbours; straight ahead when none has."""
    seen = ~np.isnan(gaze).any((1, 2))
    if not seen.any():
        return np.zeros_like(gaze)
    frames = np.arange(len(gaze))
    flat = gaze.reshape(len(gaze), 4)
    return np.stack([np.interp(frames, frames[seen], flat[seen, i]) for i in range(4)], 1).reshape(gaze.shape)
