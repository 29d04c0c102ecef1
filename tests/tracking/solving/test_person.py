# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is seen is found without a neutral frame, and alike from near and from afar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from semblance.tracking.detection.landmarks import IRISES_START, landmarks_of_photo
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES, MorphableHead
from semblance.tracking.heads.registry import open_head
from semblance.tracking.media.crop import choose_crop, picture_camera
from semblance.tracking.photos.photo_file import read_photo
from semblance.tracking.solving import closed_form
from semblance.tracking.solving.focal_length import estimated_camera
from semblance.tracking.solving.landmark_model import LandmarkModel, Pose
from semblance.tracking.solving.person import solve_person, with_identity

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 40
CAMERA = PinholeCamera(1315.0, 1315.0, 256.0, 256.0, 512, 512)
SMILE = [ARKIT_NAMES.index(name) for name in ("mouthSmileLeft", "mouthSmileRight")]
JAW = ARKIT_NAMES.index("jawOpen")


def take_without_rest(head: MorphableHead) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A take that is never neutral: identity `[I]`, expression `[T, 52]`, noisy landmarks `[T, 478, 3]`."""
    rng = np.random.default_rng(5)
    identity = rng.normal(0, 0.8, len(head.identity_basis))
    moment = np.linspace(0, 2 * np.pi, FRAMES)
    expression = np.zeros((FRAMES, 52))
    expression[:, SMILE] = (0.4 + 0.3 * np.cos(moment))[:, None]
    expression[:, JAW] = 0.3 + 0.2 * np.sin(2 * moment)
    turn = np.stack([0.1 * np.cos(moment), 0.4 * np.sin(moment), 0 * moment], 1)
    pose = Pose(Rotation.from_rotvec(turn).as_matrix(), np.tile([0.01, 0, 0.9], (FRAMES, 1)))
    points = pose.apply(with_identity(LandmarkModel.of(head), identity).shapes(expression))
    seen = np.concatenate([CAMERA.project(points.astype(np.float32)), CAMERA.fx * (points[..., 2:] - 0.9) / 0.9], -1)
    return identity, expression, (seen + rng.normal(0, 0.4, seen.shape)).astype(np.float32)


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Mean distance of two shapes `[N, 3]` after the first is moved, turned and scaled onto the second."""
    first, second = first - first.mean(0), second - second.mean(0)
    u, strength, vt = np.linalg.svd(second.T @ first)
    proper = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (strength * proper).sum() / (first**2).sum()
    return float(np.linalg.norm(second - scale * first @ (u * proper @ vt).T, axis=1).mean())


@pytest.mark.slow
def test_a_person_who_never_rests_is_known(head: MorphableHead) -> None:
    identity, expression, landmarks = take_without_rest(head)
    person = solve_person(head, landmarks, CAMERA)
    faces = [
        head.neutral(each.astype(np.float32))[head.landmarks[:IRISES_START]] for each in (person.identity, identity)
    ]
    assert apart(*faces) < 0.0015
    assert apart(*faces) < 0.6 * apart(head.mean[head.landmarks[:IRISES_START]], faces[1])
    found = closed_form.solve(landmarks, CAMERA, person).expression
    assert np.abs(found[:, SMILE] - expression[:, SMILE]).mean() < 0.25
    assert np.abs(found[:, JAW] - expression[:, JAW]).mean() < 0.15


def test_near_and_far_photos_of_one_person_agree(shared: Path, head: MorphableHead) -> None:
    """With the focal lengths estimated, much better than with the same one for both."""
    guessed, estimated = [], []
    for name in ("camera_15cm", "camera_60cm"):
        photo = shared / "media" / "portraits" / f"{name}.jpg"
        picture = read_photo(photo)
        landmarks = landmarks_of_photo(picture, photo)[None]
        guess = picture_camera(choose_crop(landmarks))
        camera = estimated_camera(head, landmarks, guess, (picture.shape[1], picture.shape[0]))
        guessed.append(head.neutral(solve_person(head, landmarks, guess).identity))
        estimated.append(head.neutral(solve_person(head, landmarks, camera).identity))
    assert apart(*estimated) < 0.0015
    assert apart(*estimated) < 0.7 * apart(*guessed)


def test_a_square_picture_says_nothing_of_its_lens(head: MorphableHead) -> None:
    """Its camera stays near the guess, while that of a whole picture goes to lenses that exist."""
    landmarks = take_without_rest(head)[2][:1]
    square = estimated_camera(head, landmarks, CAMERA, (512, 512))
    whole = estimated_camera(head, landmarks, CAMERA, (512, 500))
    assert abs(np.log(square.fx / CAMERA.fx)) < 0.6
    assert abs(np.log(whole.fx / (0.85 * 512))) < 0.5


@pytest.mark.slow
def test_the_built_in_head_fits_many_peoples_portraits(shared):
    portraits = np.load(shared / "media" / "landmarks_portraits.npz")["landmarks"].astype(np.float32)[::14]
    head, errors = open_head("builtin"), []
    for face in portraits[:, None]:
        camera = picture_camera(choose_crop(face))
        errors.append(float(closed_form.solve(face, camera, solve_person(head, face, camera)).error[0]))
    assert len(errors) == 16
    assert np.mean(errors) < 0.010
    assert max(errors) < 0.015
