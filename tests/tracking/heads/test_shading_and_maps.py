# SPDX-License-Identifier: GPL-3.0-or-later
"""Normals, light and projection: what both renderers rely on."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.shading import shade, vertex_normals
from semblance.tracking.performances.maps import map_vertices

TETRAHEDRON = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 5]], np.float32)
OUTWARD = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)

GAMMA = {0: 0.9, 1: -0.2, 2: 0.2, 4: -0.1}
"""FaceVerse's light, as formats.md gives it; its renderer uses inward normals."""


def reference_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    sums = np.zeros((len(vertices), 3))
    for corners in triangles:
        a, b, c = vertices[corners].astype(float)
        for vertex in corners:
            sums[vertex] += np.cross(b - a, c - a)
    return sums / np.linalg.norm(sums, axis=-1, keepdims=True)


def reference_light(normal: np.ndarray) -> float:
    """Spherical harmonics of order 2 with the constants of irradiance maps, term by term."""
    x, y, z = -normal
    constant, linear, quadratic = 1 / np.sqrt(4 * np.pi), np.sqrt(3 / (4 * np.pi)), 3 * np.sqrt(5 / (12 * np.pi))
    a0, a1, a2 = np.pi, 2 * np.pi / np.sqrt(3), 2 * np.pi / np.sqrt(8)
    basis = {0: a0 * constant, 1: -a1 * linear * y, 2: a1 * linear * z, 4: a2 * quadratic * x * y}
    return sum(GAMMA[term] * basis[term] for term in GAMMA)


def test_normals_point_outward_and_weigh_by_area():
    normals = vertex_normals(TETRAHEDRON, OUTWARD)
    np.testing.assert_allclose(normals, reference_normals(TETRAHEDRON, OUTWARD), atol=1e-6)
    assert ((TETRAHEDRON - TETRAHEDRON.mean(0)) * normals).sum(-1).min() > 0


def test_a_vertex_of_no_triangle_has_no_normal():
    vertices = np.concatenate([TETRAHEDRON, [[9, 9, 9]]]).astype(np.float32)
    assert not vertex_normals(vertices, OUTWARD)[-1].any()


def test_light_is_the_sum_of_its_harmonics():
    directions = np.random.default_rng(0).normal(size=(40, 3))
    normals = (directions / np.linalg.norm(directions, axis=-1, keepdims=True)).astype(np.float32)
    colours = np.full((40, 3), 0.4, np.float32)
    expected = [0.4 * reference_light(normal) for normal in normals]
    np.testing.assert_allclose(shade(colours, normals)[:, 0], expected, atol=1e-5)


def test_light_comes_from_above_and_in_front_and_never_leaves_the_range():
    normals = np.array([[0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]], np.float32)
    up, down, front, back = shade(np.full((4, 3), 0.5, np.float32), normals)[:, 0]
    assert up > down
    assert front > back
    assert shade(np.ones((4, 3), np.float32), normals).max() <= 1


def test_map_vertices_project_like_the_camera():
    camera = PinholeCamera(500, 520, 120, 140, 256, 256)
    vertices = TETRAHEDRON * 0.02 + np.array([0.01, -0.02, 0.8], np.float32)
    colours = np.full((4, 3), 0.5, np.float32)
    maps = map_vertices(vertices, OUTWARD, np.full((4, 2), 0.25), np.array([1, 0, 1, 0]), colours, camera, None)
    across = (maps.clip[:, 0] / maps.clip[:, 3] + 1) * 128
    down = (1 - maps.clip[:, 1] / maps.clip[:, 3]) * 128
    np.testing.assert_allclose(np.stack([across, down], -1), camera.project(vertices), atol=1e-3)
    assert maps.clip.dtype == maps.uv.dtype == maps.colour.dtype == np.float32
    assert maps.uv.tolist() == pytest.approx(np.array([[0.25, 0.25, mask] for mask in (1, 0, 1, 0)]))
