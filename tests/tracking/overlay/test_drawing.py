# SPDX-License-Identifier: GPL-3.0-or-later
"""What was tracked is drawn where it is, in sight only, and thinly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.rotations import from_vectors
from semblance.tracking.media.crop import picture_camera
from semblance.tracking.overlay.coefficient_plot import coefficient_plot, curves_of
from semblance.tracking.overlay.drawing import (
    DETECTED,
    Overlay,
    camera_of_picture,
    confidence_colour,
    moved,
    view_camera,
)
from semblance.tracking.performances.performance import Crop, Performance

if TYPE_CHECKING:
    from semblance.tracking.heads.head import MorphableHead

CROP = Crop(300, 100, 500)
YAWS = 0.0, 1.1


@pytest.fixture(scope="module")
def performance(head: MorphableHead) -> Performance:
    """Two frames before a camera: straight ahead, trusted; turned to the subject's right, interpolated."""
    return at_rest(len(YAWS), head, rotation=from_vectors(np.outer(YAWS, [0, 1, 0])), confidence=[1, 0], crop=CROP)


def test_cameras_agree() -> None:
    whole, old = camera_of_picture(PinholeCamera.default(512), CROP), picture_camera(CROP)
    assert (whole.fx, whole.cx, whole.cy) == pytest.approx((old.fx, old.cx, old.cy))
    points = np.array([[300, 100], [555, 222.5]], np.float32)
    view = view_camera(whole, CROP)
    assert moved(moved(points, whole, view), view, whole) == pytest.approx(points, abs=1e-2)


def test_the_mesh_is_drawn_over_the_face_and_the_face_stays_seen(head: MorphableHead, performance: Performance) -> None:
    picture = np.full((720, 1280, 3), 90, np.uint8)
    with Overlay(head, performance) as overlay:
        drawn = overlay.draw(picture, 0)
    assert drawn.shape == picture.shape
    changed = (drawn != picture).any(-1)
    changed[:60] = False  # the line of words
    rows, columns = np.nonzero(changed)
    centre = CROP.x + CROP.side / 2, CROP.y + CROP.side / 2
    assert abs(np.median(columns) - centre[0]) < 20
    assert abs(np.median(rows) - centre[1]) < 60
    inside = changed[rows.min() : rows.max(), columns.min() : columns.max()]
    assert 0.05 < inside.mean() < 0.6


def test_what_the_head_hides_is_not_drawn(head: MorphableHead, performance: Performance) -> None:
    with Overlay(head, performance) as overlay:
        vertices = [overlay_vertices(head, performance, index) for index in (0, 1)]
        seen = [overlay._seen(each[head.landmarks], overlay._depth(each)) for each in vertices]
    right_cheek, left_cheek, nose = 50, 280, 1
    assert seen[0][[right_cheek, left_cheek, nose]].all()
    assert seen[1][[left_cheek, nose]].all()
    assert not seen[1][right_cheek], "turned to its right, a head hides its right cheek"


def overlay_vertices(head: MorphableHead, performance: Performance, index: int) -> np.ndarray:
    return head.mean @ performance.rotation[index].T + performance.translation[index]


def test_small_footage_is_enlarged_and_detected_landmarks_are_drawn(
    head: MorphableHead, performance: Performance
) -> None:
    picture = np.full((360, 640, 3), 90, np.uint8)
    small = replace(performance, crop=Crop(150, 50, 250))
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[:, :2] = 500, 250
    with Overlay(head, small) as overlay:
        drawn = overlay.draw(picture, 0, landmarks)
    assert drawn.shape == (720, 1280, 3)
    assert np.abs(drawn[498:502, 998:1002].astype(int) - DETECTED).sum(-1).min() < 30
    green = np.abs(drawn[60:].astype(int) - confidence_colour(1)).sum(-1) < 60
    assert green.sum() > 100, "lids and lips are trusted"


def test_the_plot_shows_every_value(performance: Performance) -> None:
    curves = curves_of(performance)
    assert len(curves) == 52 + 1 + 6 + 4
    yaw = next(curve for curve in curves if curve.name == "head yaw, degrees")
    assert yaw.values == pytest.approx([0, 63.0], abs=0.1)
    assert all((curve.low <= curve.values).all() and (curve.values <= curve.high).all() for curve in curves)
    sheet = coefficient_plot(performance)
    assert sheet.dtype == np.uint8
    assert sheet.std() > 5


def test_a_single_frame_can_be_plotted(performance: Performance) -> None:
    assert coefficient_plot(performance.at(slice(1))).shape[2] == 3
