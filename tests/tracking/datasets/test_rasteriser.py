# SPDX-License-Identifier: GPL-3.0-or-later
"""The map rasteriser against triangles whose pixels can be worked out by hand."""

from __future__ import annotations

import threading

import moderngl
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tracking.datasets.rasteriser import MapRasteriser, PlainRasteriser
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.performances.maps import MapVertices

SIZE = 32
CAMERA = PinholeCamera(SIZE, SIZE, SIZE / 2, SIZE / 2, SIZE, SIZE)
FORWARD = np.array([[0, 1, 2]], np.int32)


@pytest.fixture(scope="module")
def rasteriser():
    with MapRasteriser(SIZE) as rasteriser:
        yield rasteriser


def at_pixels(pixels: list[tuple[float, float]], depth: list[float], uv: list[tuple], colour=None) -> MapVertices:
    """A surface whose vertices lie at these pixels of the window and these depths."""
    z = np.array(depth, np.float32)
    x, y = (np.array(pixels, np.float32) - SIZE / 2).T * z / SIZE
    colours = np.ones((len(z), 3)) if colour is None else np.array(colour)
    points = np.stack([x, y, z], -1)
    return MapVertices(CAMERA.clip(points), np.array(uv, np.float32), colours.astype(np.float32))


def covered(pixels: list[tuple[float, float]]) -> np.ndarray:
    """Which pixel centres a triangle holds."""
    ticks = np.arange(SIZE) + 0.5
    x, y = np.meshgrid(ticks, ticks)
    (ax, ay), (bx, by), (cx, cy) = pixels
    edges = [
        (bx - ax) * (y - ay) - (by - ay) * (x - ax),
        (cx - bx) * (y - by) - (cy - by) * (x - bx),
        (ax - cx) * (y - cy) - (ay - cy) * (x - cx),
    ]
    return np.all([edge > 0 for edge in edges], 0) | np.all([edge < 0 for edge in edges], 0)


def test_pixels_are_drawn_where_their_centres_are_covered(rasteriser):
    corners = [(3.2, 2.7), (28.3, 9.1), (11.4, 29.6)]
    uv_map, texture_map = rasteriser.draw(at_pixels(corners, [1, 1, 1], [(0, 0, 1)] * 3), FORWARD)
    np.testing.assert_array_equal(uv_map[..., 2] == 1, covered(corners))
    np.testing.assert_array_equal(texture_map.any(-1), covered(corners))


def test_row_zero_is_at_the_top(rasteriser):
    _, texture_map = rasteriser.draw(at_pixels([(1, 1), (9, 1), (1, 9)], [1, 1, 1], [(0, 0, 1)] * 3), FORWARD)
    assert texture_map[2, 2].any()
    assert not texture_map[16:].any()


def test_uv_is_perspective_correct(rasteriser):
    """On a slanting floor, half way on the screen is not half way on the surface."""
    corners, depth = [(4, 28), (28, 28), (16, 4)], [0.5, 0.5, 2.0]
    uv_map, _ = rasteriser.draw(at_pixels(corners, depth, [(0, 0, 1), (1, 0, 1), (0.5, 1, 1)]), FORWARD)
    row, column = 15, 15
    share = (28 - (row + 0.5)) / 24
    expected = (share / 2.0) / ((1 - share) / 0.5 + share / 2.0)
    assert uv_map[row, column, 1] == pytest.approx(expected, abs=1e-3)
    assert expected < 0.25 < share


def test_the_nearer_surface_hides_the_farther_whatever_the_order_and_side(rasteriser):
    corners = [(2, 2), (30, 2), (2, 30)]
    for near_first in (True, False):
        for turned in (False, True):
            depth = [0.5] * 3 + [1.0] * 3 if near_first else [1.0] * 3 + [0.5] * 3
            near, far = ([1, 0, 0], [0, 1, 0])
            colour = [near] * 3 + [far] * 3 if near_first else [far] * 3 + [near] * 3
            surface = at_pixels(corners * 2, depth, [(0, 0, 1)] * 6, colour)
            triangles = np.array([[0, 2, 1], [3, 5, 4]] if turned else [[0, 1, 2], [3, 4, 5]], np.int32)
            _, texture_map = rasteriser.draw(surface, triangles)
            assert texture_map[8, 8].tolist() == [1, 0, 0]


def test_outside_the_face_region_the_uv_map_is_black_but_hides(rasteriser):
    corners = [(2, 2), (30, 2), (2, 30)]
    surface = at_pixels(corners * 2, [0.5] * 3 + [1.0] * 3, [(0.3, 0.6, 0)] * 3 + [(0.9, 0.9, 1)] * 3)
    uv_map, texture_map = rasteriser.draw(surface, np.array([[0, 1, 2], [3, 4, 5]], np.int32))
    assert not uv_map.any()
    assert texture_map[8, 8].any()


def test_the_region_ends_half_way_between_a_vertex_inside_and_one_outside(rasteriser):
    corners = [(2, 2), (2, 30), (30, 2)]
    uv_map, _ = rasteriser.draw(at_pixels(corners, [1, 1, 1], [(0.4, 0.4, 1), (0.4, 0.4, 1), (0.4, 0.4, 0)]), FORWARD)
    assert uv_map[3, :, 2].tolist() == [0, 0] + [1] * 14 + [0] * 16
    assert set(np.unique(uv_map[..., 2])) == {0, 1}


def test_another_surface_and_another_thread_need_no_other_rasteriser(rasteriser):
    small, large = [(2, 2), (8, 2), (2, 8)], [(2, 2), (30, 2), (2, 30)]
    surface = at_pixels(small + large, [1] * 6, [(0, 0, 1)] * 6)
    rasteriser.draw(at_pixels(small, [1, 1, 1], [(0, 0, 1)] * 3), FORWARD)
    found = []
    thread = threading.Thread(target=lambda: found.append(rasteriser.draw(surface, np.array([[3, 4, 5]], np.int32))[1]))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0].any(-1), covered(large))


def test_plain_values_arrive_unchanged():
    values = np.tile(np.array([-3, 700.25, 0.5, 1e-3, 5, 6, 7, 8], np.float32), (3, 1))
    surface = at_pixels([(2, 2), (30, 2), (2, 30)], [1, 1, 1], [(0, 0, 1)] * 3)
    with PlainRasteriser(SIZE) as rasteriser:
        first, second = rasteriser.draw(surface.clip, values, FORWARD)
    np.testing.assert_allclose(np.concatenate([first[8, 8], second[8, 8]]), values[0], rtol=1e-5)


def test_without_opengl_the_sentence_names_the_packages(monkeypatch):
    def refuse(**_settings: object) -> None:
        raise Exception("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(UserError, match="apt install libegl1"):
        MapRasteriser(SIZE)
