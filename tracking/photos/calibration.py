# SPDX-License-Identifier: GPL-3.0-or-later
"""The calibration performance: what a photo is made to do, so that a network learns the whole range of a face."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..heads.head import ARKIT_NAMES, MorphableHead, gaze_rotation
from ..heads.rotations import to_angles
from ..performances.performance import Performance, for_all_regions
from ..solving.gaze import with_lids_following

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from ..heads.arrays import Floats

FPS = 25.0
FRAMES = 400
STEP = 8
"""Frames from one pose of the face to the next."""

Pose = dict[str, float]

VISEMES: tuple[Pose, ...] = (
    {"jawOpen": 0.55, "mouthLowerDown": 0.25, "mouthUpperUp": 0.1},  # ah
    {"jawOpen": 0.12, "mouthPucker": 0.75, "mouthFunnel": 0.3},  # oo
    {"jawOpen": 0.12, "mouthStretch": 0.45, "mouthSmile": 0.25, "mouthLowerDown": 0.3, "mouthUpperUp": 0.25},  # ee
    {"jawOpen": 0.3, "mouthFunnel": 0.6, "mouthPucker": 0.2},  # oh
    {"mouthPress": 0.5, "mouthRollLower": 0.3, "mouthRollUpper": 0.25},  # m, b, p
    {"jawOpen": 0.08, "mouthRollLower": 0.45, "mouthUpperUp": 0.3},  # f, v
    {"jawOpen": 0.2, "mouthLowerDown": 0.35, "mouthUpperUp": 0.2},  # eh
    {"jawOpen": 0.14, "mouthFunnel": 0.4, "mouthUpperUp": 0.2, "mouthLowerDown": 0.2},  # sh
)
"""Mouth shapes of speech. A name without a side means both sides."""

MOUTHS: tuple[Pose, ...] = (
    {"mouthSmile": 0.8, "cheekSquint": 0.4},
    {"mouthSmile": 0.7, "jawOpen": 0.3, "cheekSquint": 0.4, "mouthUpperUp": 0.25},
    {"mouthFrown": 0.6, "mouthShrugLower": 0.3},
    {"jawOpen": 0.9},
    {"mouthLeft": 0.6},
    {"mouthRight": 0.6},
    {"jawOpen": 0.5, "mouthSmile": 0.5},
    {"mouthPucker": 0.85},
    {"jawLeft": 0.5, "jawOpen": 0.2},
    {"jawRight": 0.5, "jawOpen": 0.2},
    {"mouthDimple": 0.5, "mouthPress": 0.3},
    {"mouthShrugUpper": 0.4, "mouthShrugLower": 0.5},
    {"cheekPuff": 0.6},
    {"mouthSmileLeft": 0.7},
    {"mouthSmileRight": 0.7},
    {"jawForward": 0.6},
    {"tongueOut": 0.9, "jawOpen": 0.4},
    {"mouthClose": 0.35, "jawOpen": 0.4},
    {"mouthStretch": 0.6},
    {"mouthRollUpper": 0.6, "mouthRollLower": 0.6},
    {"mouthFunnel": 0.8, "jawOpen": 0.35},
    {"mouthUpperUp": 0.7, "noseSneer": 0.4},
    {"mouthLowerDown": 0.7, "mouthStretch": 0.3},
    {"mouthSmile": 0.9, "jawOpen": 0.45, "cheekSquint": 0.7, "eyeSquint": 0.6, "mouthUpperUp": 0.3},  # laughter
    {"browInnerUp": 0.7, "browOuterUp": 0.6, "eyeWide": 0.6, "jawOpen": 0.6},  # surprise
    {"browDown": 0.6, "eyeSquint": 0.4, "noseSneer": 0.5, "mouthPress": 0.6},  # anger
    {"browInnerUp": 0.6, "mouthFrown": 0.7, "mouthShrugLower": 0.4},  # sorrow
)
"""Shapes of the mouth, singly, and faces whose upper half goes with them."""

UPPER_FACES: tuple[Pose, ...] = (
    {"browInnerUp": 0.8, "browOuterUp": 0.6, "eyeWide": 0.5},
    {"browDown": 0.8, "eyeSquint": 0.4},
    {},
    {"noseSneer": 0.5, "browDown": 0.4},
    {"browInnerUp": 0.7},
    {"browOuterUpLeft": 0.7, "browDownRight": 0.3},
    {"browOuterUpRight": 0.7, "browDownLeft": 0.3},
    {"eyeSquint": 0.6},
    {"eyeWide": 0.7},
    {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.5},
    {"eyeBlinkRight": 1.0, "cheekSquintRight": 0.5},
    {"browDown": 0.5, "eyeSquint": 0.6, "cheekSquint": 0.5},
    {"browInnerUp": 0.6, "eyeSquint": 0.3},
)

GAZES: tuple[tuple[float, float], ...] = ((0, 0), (0, 0.35), (0, -0.35), (-0.25, 0), (0.3, 0), (0.15, 0.25), (0, 0))
"""Pitch (positive down), yaw (positive to the subject's right), radians."""

TURNS: tuple[tuple[float, float, float], ...] = (
    (0, 0, 0), (0, 30, 0), (0, 15, 3), (0, -15, -3), (0, -30, 0), (0, 0, 0), (15, 0, 0), (-15, 0, 0), (0, 0, 12),
    (0, 0, -12), (10, 22, 5), (-10, -22, 5), (10, -22, -5), (-10, 22, -5), (0, 8, 0), (0, -8, 0), (0, 0, 0),
)  # fmt: skip
"""Pitch, yaw, roll in degrees, from a head that faces the camera; each turn lasts three steps."""

FARTHEST = (15.0, 30.0, 12.0)
"""The largest of these angles: where a turn is as large, the photo's own angle counts no more."""

BLINKS = (34, 61, 98, 139, 171, 208, 243, 279, 316, 352, 377)
"""Frames in whose middle the eyes are closed, irregular as in life."""

BLINK = (0.25, 0.8, 1.0, 1.0, 0.75, 0.35, 0.1)
"""Closing of the eyes from frame to frame."""

PHOTO_FRAMES, FADE_FRAMES = 10, 12
"""How long the photo's own mouth stays at the start, and how long it takes to leave."""

PIVOT_BELOW, PIVOT_BEHIND = 0.05, 0.02
"""Where the neck turns, in metres from the middle between the ears."""

EARS = (234, 454)
"""MediaPipe landmarks in front of the ears."""


def calibration_performance(head: MorphableHead, still: Performance, frames: int = FRAMES) -> Performance:
    """Return a performance of `frames` at 25 fps that starts with the photo as it is.

    Visemes, smiles, jaw, brows, blinks and gaze come singly and together, and back to rest in between, while the head
    turns up to 30 degrees to either side. A shorter performance is the same one, thinned out. At rest the upper face
    keeps the photo's expression, which holds what the identity could not say about these eyes and brows; the mouth
    rests without.

    Args:
        head: the morphable head of `still`.
        still: the one frame solved from the photo.
        frames: how many frames to return, at least 1.
    """
    gaze = still.gaze[0] + over_time(GAZES, 2 * STEP)[:, None, :]
    turns = np.radians(over_time(from_photo(TURNS, still), 3 * STEP))
    rotation, translation = turned(head, still, turns)
    sure = np.ones(FRAMES, np.float32)
    whole = replace(
        still,
        expression=expressions(still, gaze),
        gaze=gaze.astype(np.float32),
        rotation=rotation,
        translation=translation,
        confidence=sure,
        region_confidence=for_all_regions(sure),
        times=np.arange(FRAMES) / FPS,
        fps=FPS,
    )
    return whole.at(np.linspace(0, FRAMES - 1, frames).round().astype(int)) if frames != FRAMES else whole


def expressions(still: Performance, gaze: Floats) -> Floats:
    """Return `[FRAMES, 52]`: the face at rest, plus mouths, upper faces, lids that follow the gaze, and blinks."""
    mouths = over_time([columns(pose) for pose in with_rests(VISEMES + MOUTHS, 3)], STEP)
    uppers = over_time([columns(pose) for pose in with_rests(UPPER_FACES, 1)], STEP + 3)
    followed = np.maximum(mouths + uppers, with_lids_following(np.zeros_like(mouths), gaze - still.gaze[0]))
    return np.clip(np.maximum(at_rest(still.expression[0]) + followed, blinks()), 0, 1).astype(np.float32)


def at_rest(photo: Floats) -> Floats:
    """Return `[FRAMES, 52]`: the photo's expression `[52]`, whose mouth relaxes after the first frames."""
    below_eyes = np.array([name.startswith(("jaw", "mouth", "cheek", "nose", "tongue")) for name in ARKIT_NAMES])
    kept = 1 - eased(np.clip((np.arange(FRAMES) - PHOTO_FRAMES) / FADE_FRAMES, 0, 1))
    rested: Floats = photo * np.where(below_eyes, kept[:, None], 1)
    return rested


def with_rests(poses: tuple[Pose, ...], between: int) -> list[Pose]:
    """Return the poses with a rest before them and after every `between` of them."""
    rested: list[Pose] = [{}, {}, {}]
    for number, pose in enumerate(poses, 1):
        rested += [pose, {}] if number % between == 0 else [pose]
    return rested


def over_time(keys: Sequence[ArrayLike] | Floats, step: int) -> Floats:
    """Return `[FRAMES, ...]`: from key to key in `step` frames, eased, and again from the first key after the last."""
    values = np.asarray(keys, np.float32)
    key, within = np.divmod(np.arange(FRAMES), step)
    share = eased(within / step).reshape(-1, *[1] * (values.ndim - 1))
    interpolated: Floats = values[key % len(values)] * (1 - share) + values[(key + 1) % len(values)] * share
    return interpolated


def eased(share: Floats) -> Floats:
    """Return `[...]`, 0 to 1 for a `share [...]` of the way from 0 to 1, with a soft start and end."""
    return share * share * (3 - 2 * share)


def columns(pose: Pose) -> Floats:
    """Return `[52]` of a pose; a name without a side counts for both."""
    expression = np.zeros(len(ARKIT_NAMES), np.float32)
    for name, value in pose.items():
        names = [name] if name in ARKIT_NAMES else [f"{name}Left", f"{name}Right"]
        expression[[ARKIT_NAMES.index(known) for known in names]] = value
    return expression


def blinks() -> Floats:
    """Return `[FRAMES, 52]`: both eyes' blinks."""
    closing = np.zeros(FRAMES, np.float32)
    for middle in BLINKS:
        closing[middle - 2 : middle - 2 + len(BLINK)] = BLINK
    expression = np.zeros((FRAMES, len(ARKIT_NAMES)), np.float32)
    expression[:, [ARKIT_NAMES.index("eyeBlinkLeft"), ARKIT_NAMES.index("eyeBlinkRight")]] = closing[:, None]
    return expression


def from_photo(turns: Sequence[tuple[float, float, float]], still: Performance) -> Floats:
    """Return `[N, 3]` degrees: the turns counted from the photo's pose, which stays where a turn is 0."""
    wanted = np.array(turns, np.float32)
    own = np.degrees(to_angles(still.rotation[:1]))[0]
    relative: Floats = (wanted - own * np.abs(wanted) / FARTHEST).astype(np.float32)
    return relative


def turned(head: MorphableHead, still: Performance, angles: Floats) -> tuple[Floats, Floats]:
    """Return rotations `[T, 3, 3]` and translations `[T, 3]`: the photo's pose turned about the neck.

    `angles [T, 3]` are pitch, yaw and roll in radians about the camera's axes.
    """
    pivot = head.neutral(still.identity)[head.landmarks[list(EARS)]].mean(0) + np.array([0, PIVOT_BELOW, PIVOT_BEHIND])
    rotation = np.stack([roll_matrix(roll) @ gaze_rotation(pitch, yaw) for pitch, yaw, roll in angles])
    rotation = rotation @ still.rotation[0]
    fixed = still.rotation[0] @ pivot + still.translation[0]
    return rotation.astype(np.float32), (fixed - rotation @ pivot).astype(np.float32)


def roll_matrix(angle: float) -> Floats:
    """Return `[3, 3]`: a turn about z, the camera's axis."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float32)
