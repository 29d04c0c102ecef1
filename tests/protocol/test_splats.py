# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats on a head's triangles: where they go when it moves, and what comes over the wire."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from semblance.protocol.arrays import pack_arrays, unpack_arrays
from semblance.protocol.splats import MOST_GROWTH, SplatCloud, quaternions_of, triangle_frames
from semblance.tests.makers.splats import random_cloud, random_gaussians
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.rotations import from_vectors


@pytest.fixture(scope="module")
def cloud() -> SplatCloud:
    head = load_builtin()
    return random_cloud(head.neutral(np.zeros(len(head.identity_basis), np.float32)), head.triangles, 500)


def matrices(quaternions: np.ndarray) -> np.ndarray:
    return Rotation.from_quat(quaternions[:, [1, 2, 3, 0]]).as_matrix()


def covariances(splats) -> np.ndarray:
    axes = matrices(splats.rotations) * splats.scales[:, None]
    return axes @ axes.transpose(0, 2, 1)


@given(st.integers(0, 2**32 - 1))
def test_quaternions_are_their_matrices(seed):
    drawn = from_vectors(np.random.default_rng(seed).normal(0, 2, (20, 3)))
    assert np.allclose(matrices(quaternions_of(drawn)), drawn, atol=1e-5)


def test_half_turns_have_quaternions():
    halves = np.stack([np.diag(signs) for signs in ([1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1])]).astype(float)
    assert np.allclose(matrices(quaternions_of(halves)[:3]), halves[:3], atol=1e-6)
    assert np.allclose(quaternions_of(halves)[3], [1, 0, 0, 0])


def test_a_head_that_turns_takes_its_splats_along(cloud):
    turn, shift = from_vectors(np.array([0.3, -0.8, 0.2])), np.array([0.1, 0.2, 1.5])
    rest, moved = cloud.placed(), cloud.placed(cloud.rest @ turn.T + shift, turn)
    assert np.allclose(moved.positions, rest.positions @ turn.T + shift, atol=1e-5)
    size = np.trace(covariances(rest), axis1=1, axis2=2)[:, None, None]
    assert np.allclose(covariances(moved) / size, turn @ (covariances(rest) / size) @ turn.T, atol=5e-3)
    assert np.allclose(moved.scales, rest.scales, rtol=1e-3)


def test_splats_grow_with_their_triangles_within_limits(cloud):
    still = SplatCloud(**{**cloud.arrays(), "displacements": np.zeros_like(cloud.rest)})
    assert np.allclose(still.placed(2 * cloud.rest).scales, 2 * cloud.scales, rtol=1e-4)
    assert np.allclose(still.placed(100 * cloud.rest).scales, MOST_GROWTH * cloud.scales, rtol=1e-4)


def test_turning_over_is_a_half_turn_about_x():
    splats = random_gaussians(50)
    turned, flip = splats.turned_over(), np.diag([1.0, -1, -1])
    assert np.allclose(turned.positions, splats.positions @ flip)
    assert np.allclose(covariances(turned), flip @ covariances(splats) @ flip, rtol=1e-3, atol=1e-10)


def test_triangles_without_area_have_frames():
    corners = np.array([[0, 0, 0], [1, 2, 3]], np.float32)
    point, line = corners[[0, 0]], corners[[1, 1]]
    for frames in (triangle_frames(point, point, point), triangle_frames(point, line, 2 * line)):
        assert np.allclose(frames @ frames.transpose(0, 2, 1), np.eye(3), atol=1e-6)


def test_a_cloud_comes_back_from_the_wire(cloud):
    again = SplatCloud.of_arrays(unpack_arrays(pack_arrays(**cloud.arrays())))
    assert all(np.array_equal(again.arrays()[name], values) for name, values in cloud.arrays().items())


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("displacements", lambda a: a[:-1]),
        ("corners", lambda a: a + 100_000),
        ("triangles", lambda a: a - 1),
        ("rotations", lambda a: a[:, :3]),
        ("opacities", lambda a: a[:-1]),
        ("offsets", lambda a: a * np.float32(np.nan)),
        ("scales", lambda a: a.astype(np.float64)),
    ],
)
def test_what_is_no_cloud_is_refused(cloud, name, broken):
    arrays = cloud.arrays()
    with pytest.raises(ValueError, match=name):
        SplatCloud.of_arrays({**arrays, name: broken(arrays[name])})
    del arrays[name]
    with pytest.raises(ValueError, match="is not"):
        SplatCloud.of_arrays(arrays)
