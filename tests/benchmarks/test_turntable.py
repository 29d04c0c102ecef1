# SPDX-License-Identifier: GPL-3.0-or-later
"""Turned heads are whole, or it is told what is wrong with them."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from semblance.benchmarks.turntable import flaws
from semblance.protocol.inputs import PosedMesh
from semblance.protocol.pictures import Pictures
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.mattes.head_region import outline

SIDE = 128


@pytest.fixture(scope="module")
def posed() -> tuple[PosedMesh, np.ndarray]:
    """A head before its camera, and the pixels within its outline `[S, S]`."""
    head = open_head("builtin")
    camera, here = PinholeCamera.default(SIDE), np.eye(3, dtype=np.float32)[None]
    vertices = head.mean + np.array([0, 0, 1.2], np.float32)
    inputs = PosedMesh(vertices[None], np.zeros((1, 52)), here, here, np.array([astuple(camera)], np.float32))
    return inputs, outline(vertices, head.mean, head.triangles, camera)


def found(posed, *, alpha=None, depth=None):
    inputs, inside = posed
    rgba = np.zeros((1, SIDE, SIDE, 4), np.uint8)
    rgba[0, ..., 3] = 255 * (inside if alpha is None else alpha)
    depths = np.where(inside, 1.2, 0).astype(np.float32) if depth is None else depth
    head = open_head("builtin")
    return flaws(Pictures(rgba, depths[None]), inputs, head.mean, head.triangles)


def test_a_whole_head_has_no_flaws(posed):
    assert astuple(found(posed)) == (0, 0, 0)


def test_a_hole_is_a_share_of_the_heads_pixels(posed):
    _, inside = posed
    rows, columns = (int(np.median(each)) for each in np.nonzero(inside))
    holed = inside.copy()
    holed[rows - 2 : rows + 3, columns - 2 : columns + 3] = False
    assert found(posed, alpha=holed).holes == pytest.approx(25 / inside.sum(), rel=0.3)


def test_a_needle_beside_the_head_is_found_but_hair_and_neck_are_none(posed):
    _, inside = posed
    grown = inside.copy()
    grown[1:] |= inside[:-1]
    grown[np.flatnonzero(inside.any(1)).max() :] = True
    assert found(posed, alpha=grown).needles == 0
    grown[2, :] = True
    assert found(posed, alpha=grown).needles > 0.001


def test_a_depth_unlike_those_around_is_found(posed):
    _, inside = posed
    depth = np.where(inside, 1.2, 0).astype(np.float32)
    rows, columns = (int(np.median(each)) for each in np.nonzero(inside))
    depth[rows, columns] = 1.3
    assert found(posed, depth=depth).jumps == pytest.approx(1 / inside.sum(), rel=0.3)
