# SPDX-License-Identifier: GPL-3.0-or-later
"""A restored view that shows something else than what was rendered is refused, in a sentence."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from semblance.neural.radiance.restoration.drift import DriftJudge
from semblance.tests.makers.footage import portrait
from semblance.tracking.detection.landmarks import LandmarkDetector


@pytest.fixture(scope="module")
def view() -> np.ndarray:
    return cv2.resize(portrait(), (320, 320), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def detector():
    with LandmarkDetector(still=True) as detector:
        yield detector


@pytest.fixture(scope="module")
def judge(detector) -> DriftJudge:
    return DriftJudge(detector.detect)


def test_a_sharper_view_of_the_same_is_accepted(judge, view):
    blurred = cv2.GaussianBlur(view, (0, 0), 1.5)
    assert judge.objection(blurred, view) is None
    assert judge.objection(view, view) is None


def test_a_moved_face_is_refused(judge, view):
    moved = np.roll(view, 8, axis=1)
    assert "has moved by" in (judge.objection(view, moved) or "")


def test_another_colour_is_refused(judge, view):
    pale = np.clip(view * [1.15, 1.0, 0.8], 0, 255).astype(np.uint8)
    assert "another colour" in (judge.objection(view, pale) or "")


def test_a_view_without_a_face_is_refused(judge, view):
    assert judge.objection(view, np.zeros_like(view)) == "No face is found in the restored view."
    assert judge.objection(np.zeros_like(view), view) == "No face is found in the rendered view."


@pytest.mark.parametrize(("alike", "refused"), [(0.9, False), (0.2, True)])
def test_another_person_is_refused_where_faces_have_codes(detector, view, alike, refused):
    codes = iter([np.array([1.0, 0.0]), np.array([alike, np.sqrt(1 - alike**2)])])
    objection = DriftJudge(detector.detect, lambda picture, landmarks: next(codes)).objection(view, view)
    assert bool(objection) == refused
    assert not refused or "another person's" in objection
