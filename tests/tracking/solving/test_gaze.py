# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaze is held while eyes are shut, bridged while they are hidden, and zero where a person's eyes rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import BLINKS, MorphableHead
from semblance.tracking.solving.closed_form import Solution
from semblance.tracking.solving.gaze import bridged_gaze, resting_gaze, solve_gaze

FRAMES = 60
BLINK = slice(20, 26)
CAMERA = PinholeCamera(1315.0, 1315.0, 256.0, 256.0, 512, 512)


def take(head: MorphableHead, gaze: np.ndarray) -> tuple[Solution, np.ndarray]:
    """A still head that looks as `gaze [T, 2, 2]` says and blinks once: how it is solved, and its landmarks."""
    expression = np.zeros((FRAMES, 52), np.float32)
    expression[BLINK, BLINKS] = 1
    shapes = [
        head.shape(np.zeros(len(head.identity_basis), np.float32), *frame)
        for frame in zip(expression, gaze, strict=True)
    ]
    points = np.stack(shapes)[:, head.landmarks] + np.array([0, 0, 0.9], np.float32)
    identity = np.zeros(len(head.identity_basis), np.float32)
    rotation, translation = np.tile(np.eye(3, dtype=np.float32), (FRAMES, 1, 1)), np.tile([0, 0, 0.9], (FRAMES, 1))
    solution = Solution(identity, expression, rotation, translation.astype(np.float32), np.zeros(FRAMES, np.float32))
    return solution, np.concatenate([CAMERA.project(points), points[..., 2:]], -1).astype(np.float32)


def glancing(aside: float) -> np.ndarray:
    """Gaze `[T, 2, 2]` about a direction `aside` (yaw, radians), with a glance down at the end."""
    gaze = np.zeros((FRAMES, 2, 2), np.float32)
    gaze[..., 1] = aside
    gaze[50:, :, 0] = 0.3
    return gaze


def test_gaze_is_held_through_a_blink(head: MorphableHead) -> None:
    """Irises are guesses while lids hide them, and when they begin or end to: a swing there is none of the eyes."""
    solution, landmarks = take(head, glancing(0.0))
    landmarks[BLINK.start - 1 : BLINK.stop + 1, 468:, 0] += 6
    found = np.degrees(solve_gaze(head, solution, landmarks, CAMERA))
    assert np.abs(found[: BLINK.stop + 4, :, 1]).max() < 1


def test_eyes_that_are_hidden_follow_the_other_one_or_their_neighbours() -> None:
    gaze, seen = glancing(0.1), np.ones((FRAMES, 2), bool)
    gaze[30:35, 0], gaze[40:45] = 0.7, -0.7
    seen[30:35, 0], seen[40:45] = False, False
    np.testing.assert_allclose(bridged_gaze(gaze, seen), glancing(0.1), atol=1e-6)


def test_gaze_is_zero_where_the_eyes_rest(head: MorphableHead) -> None:
    """A small constant offset is the model's; what is far aside, or one picture, is a look."""
    for degrees, kept in ((4, 0.5), (20, 0.95)):
        found = solve_gaze(head, *take(head, glancing(np.radians(degrees))), CAMERA)
        looked = np.degrees(np.median(found[..., 1]))
        assert (looked < kept * degrees) if degrees < 10 else (looked > kept * degrees)
    photo = np.radians([[[2.0, 10.0], [2.0, 10.0]]])
    assert np.abs(resting_gaze(photo)).max() < 0.2 * np.abs(photo).max()


def test_eyes_that_are_modelled_askew_look_the_same_way() -> None:
    askew = glancing(0.0) + np.radians([[[0, 4.0], [0, -4.0]]])
    rest = np.degrees(resting_gaze(askew))
    np.testing.assert_allclose(rest[:, 1], [4, -4], atol=1)


def test_eyes_that_never_open_look_ahead(head: MorphableHead) -> None:
    solution, landmarks = take(head, glancing(0.2))
    shut = replace(solution, expression=np.ones_like(solution.expression))
    np.testing.assert_array_equal(solve_gaze(head, shut, landmarks, CAMERA), 0)
