# SPDX-License-Identifier: GPL-3.0-or-later
"""Which landmarks a view shows, where they are in it, and which the pointer takes."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.blender_addon.ui.pin_view import POINTS, CameraView, at_pointer, facing
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.pin_points import PIN_POINTS
from semblance.tracking.heads.rotations import from_vectors

CAMERA = PinholeCamera(900, 900, 260, 250, 512, 512)


def view_of(width: int = 800, height: int = 600) -> CameraView:
    """A region that shows the camera's window over all its height, from some place in the world."""
    clip = np.zeros((4, 4))
    clip[0] = 2 * 900 / 512 * height / width, 0, 2 * 260 / 512 - 1, 0
    clip[1] = 0, -2 * 900 / 512, 1 - 2 * 250 / 512, 0
    clip[2], clip[3] = (0, 0, 1.1, -0.2), (0, 0, 1, 0)
    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = from_vectors(np.array([0.4, 1.0, -0.3])), (1, 2, 3)
    return CameraView(clip @ np.linalg.inv(to_world), width, height, to_world, CAMERA)


def test_places_go_to_the_region_and_back():
    view = view_of()
    places = np.array([[0.5, 0.5], [0.1, 0.9], [0.75, 0.2]])
    pixels = view.from_window(places)
    assert pixels[1, 1] < pixels[0, 1] < pixels[2, 1], "the region's pixels count from below"
    for place, pixel in zip(places, pixels, strict=True):
        assert view.to_window(tuple(pixel)) == pytest.approx(tuple(place))


def test_between_sixty_and_seventy_landmarks_are_shown_each_once():
    assert 60 <= len(POINTS) <= 70
    assert len(set(POINTS.tolist())) == len(POINTS)


def test_the_far_side_of_a_turned_head_is_not_shown():
    head = load_builtin()
    shape = head.mean[head.landmarks].astype(float)
    assert facing(shape, np.eye(3)).all()
    turned = facing(shape, from_vectors(np.array([0, 0.7, 0])))
    shown = set(POINTS[turned].tolist())
    sides = [set(PIN_POINTS["Jaw"][:4]), set(PIN_POINTS["Jaw"][-4:])]
    assert sorted(len(side & shown) for side in sides)[0] < 4
    assert sorted(len(side & shown) for side in sides)[1] == 4
    assert set(PIN_POINTS["Nose"]) <= shown


def test_the_pointer_takes_the_nearest_landmark_within_reach():
    pixels = {33: np.array([10.0, 10]), 133: np.array([20.0, 10])}
    assert at_pointer(pixels, (17, 10), 12) == 133
    assert at_pointer(pixels, (40, 10), 12) is None
    assert at_pointer({}, (0, 0), 12) is None
