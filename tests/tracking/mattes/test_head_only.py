# SPDX-License-Identifier: GPL-3.0-or-later
"""The head alone: hair stays, clothes and hands go, the neck ends softly, wherever the head turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.mattes.head_only import HeadOnly, Parsing
from semblance.tracking.performances.maps import frame_vertices

if TYPE_CHECKING:
    from semblance.tracking.heads.head import MorphableHead

SIDE = 384
PICTURE = np.zeros((SIDE, SIDE, 3), np.uint8)
CHIN, SHOULDERS = 0.082, 0.12
"""Metres below the middle of the built-in head."""


class Given:
    """Stands in for a matting: gives the same matte."""

    def __init__(self, matte: np.ndarray) -> None:
        self.matte = matte

    def __call__(self, rgb: np.ndarray, /) -> np.ndarray:
        return self.matte

    def close(self) -> None:
        pass


class Person:
    """A matte of the built-in head and what is added to it, in metres of head space (y down)."""

    def __init__(self, roll: float = 0.0, frames: int = 12) -> None:
        self.head: MorphableHead = load_builtin()
        rotation = Rotation.from_euler("z", roll, degrees=True).as_matrix().astype(np.float32)
        self.performance = at_rest(
            frames, self.head, rotation=rotation, translation=(0, 0, 1.2), camera=PinholeCamera.default(256)
        )
        self.camera = self.performance.camera.padded(64, 64, 64, 64)
        self.matte = np.zeros((SIDE, SIDE), np.float32)
        points = self.camera.project(frame_vertices(self.head, self.performance, 0))
        cv2.fillConvexPoly(self.matte, cv2.convexHull(np.round(points).astype(np.int32)), 1.0)

    def place(self, *points: tuple[float, float]) -> np.ndarray:
        """Pixels `[N, 2]` of points of head space."""
        in_space = np.array([(x, y, 0) for x, y in points], np.float32) @ self.performance.rotation[0].T
        return np.round(self.camera.project(in_space + self.performance.translation[0])).astype(np.int32)

    def with_part(self, *corners: tuple[float, float]) -> Person:
        """Add what lies within the corners."""
        cv2.fillPoly(self.matte, [self.place(*corners)], 1.0)
        return self

    def with_shoulders(self, top: float = SHOULDERS) -> Person:
        return self.with_part((-0.05, top), (0.05, top), (0.3, top + 0.05), (0.3, 0.5), (-0.3, 0.5), (-0.3, top + 0.05))

    def head_only(self, parser=None) -> HeadOnly:
        return HeadOnly(Given(self.matte), self.head, self.performance, parser)

    def alpha(self, matte: np.ndarray, x: float, y: float) -> float:
        column, row = self.place((x, y))[0]
        return float(matte[row, column])


@pytest.mark.parametrize("roll", [0, -25, 25])
def test_clothes_go_and_the_head_stays(roll):
    person = Person(roll).with_shoulders()
    matte = person.head_only()(PICTURE)
    assert matte.dtype == np.float32
    for x, y in [(0, 0), (0, -0.13), (0, CHIN - 0.01), (0.06, 0), (-0.06, 0), (0, CHIN + 0.005)]:
        assert person.alpha(matte, x, y) == pytest.approx(1, abs=0.03)
    for x, y in [(0, SHOULDERS + 0.02), (0.12, SHOULDERS + 0.03), (-0.12, SHOULDERS + 0.03)]:
        assert person.alpha(person.matte, x, y) == 1
        assert person.alpha(matte, x, y) == 0


def test_the_neck_ends_softly():
    person = Person().with_shoulders()
    matte = person.head_only()(PICTURE)
    column, row = person.place((0, CHIN))[0]
    fading = matte[row : row + 40, column]
    assert (np.diff(fading) <= 1e-6).all()
    assert 4 <= ((fading > 0.02) & (fading < 0.98)).sum() <= 20
    assert np.abs(np.diff(fading)).max() < 0.3


def test_hair_is_kept_above_the_head_and_beside_it():
    hair = [(-0.1, 0), (-0.1, -0.1), (0, -0.19), (0.1, -0.1), (0.1, CHIN), (0.06, CHIN), (0.06, 0), (-0.06, 0)]
    person = Person().with_part(*hair).with_shoulders()
    matte = person.head_only()(PICTURE)
    for x, y in [(0, -0.17), (0.09, -0.08), (-0.09, -0.08), (0.085, CHIN - 0.02)]:
        assert person.alpha(matte, x, y) == pytest.approx(1, abs=0.03)


def test_a_collar_beside_the_chin_goes():
    person = Person().with_shoulders()
    person.with_part((0.05, CHIN - 0.02), (0.3, CHIN), (0.3, 0.3), (0.05, 0.3))
    matte = person.head_only()(PICTURE)
    assert person.alpha(matte, 0.1, CHIN + 0.005) == 0
    assert person.alpha(matte, 0, CHIN - 0.01) == pytest.approx(1, abs=0.03)


def test_nothing_stays_of_a_high_collar_close_to_the_jaw():
    person = Person().with_shoulders()
    collar = [(0.03, CHIN - 0.035), (0.3, CHIN - 0.02), (0.3, 0.3), (0.03, 0.3)]
    matte = person.with_part(*collar).head_only()(PICTURE)
    of_face = ~person.head.regions["neck"]
    points = person.camera.project(frame_vertices(person.head, person.performance, 0)[of_face])
    outline = cv2.convexHull(np.round(points).astype(np.int32))
    row, close = person.place((0, CHIN - 0.012))[0][1], np.arange(SIDE // 2, SIDE)
    inside = np.array([cv2.pointPolygonTest(outline, (float(column), float(row)), True) for column in close])
    assert matte[row, close[inside < -5]].max() < 0.1
    assert matte[row, close[inside > 3]].min() > 0.9


def test_a_hand_beside_the_head_goes():
    person = Person().with_shoulders().with_part((0.13, -0.1), (0.17, -0.1), (0.17, 0), (0.13, 0))
    matte = person.head_only()(PICTURE)
    assert person.alpha(person.matte, 0.15, -0.05) == 1
    assert person.alpha(matte, 0.15, -0.05) == 0


def test_a_still_head_has_a_still_matte():
    matting = Person().with_shoulders().head_only()
    first = matting(PICTURE)
    for _ in range(3):
        np.testing.assert_allclose(matting(PICTURE), first, atol=1e-4)


def test_a_parsing_says_what_is_hair_and_what_is_clothes():
    person = Person().with_shoulders()
    hair, clothes, asked = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32), []
    cv2.fillPoly(hair, [person.place((0.05, 0), (0.1, 0), (0.1, 0.16), (0.05, 0.16))], 1.0)
    cv2.fillPoly(clothes, [person.place((-0.1, 0.06), (-0.03, 0.06), (-0.03, 0.2), (-0.1, 0.2))], 1.0)

    def parser(rgb: np.ndarray) -> Parsing:
        asked.append(rgb)
        return Parsing(hair, clothes)

    matting = person.with_part((0.05, 0), (0.1, 0), (0.1, 0.16), (0.05, 0.16)).head_only(parser)
    for _ in range(11):
        matte = matting(PICTURE)
    assert person.alpha(matte, 0.075, 0.14) > 0.95
    assert person.alpha(matte, -0.045, 0.075) < 0.05
    assert len(asked) == 3
