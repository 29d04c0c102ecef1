# SPDX-License-Identifier: GPL-3.0-or-later
"""The inside of the mouth is dark behind closed lips, where no pixel of it shows, and light when they are apart."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tracking.heads.head import ARKIT_NAMES, gaze_rotation
from semblance.tracking.heads.registry import open_head

HEAD = open_head("builtin")
TEETH = HEAD.regions["teeth"] & (np.abs(HEAD.mean[:, 0]) < 0.008)
WHITE = np.ones_like(HEAD.mean)


def mouth_opened(by: float) -> np.ndarray:
    """The mean head `[V, 3]` with its jaw down."""
    expression = np.zeros(len(ARKIT_NAMES), np.float32)
    expression[ARKIT_NAMES.index("jawOpen")] = by
    return HEAD.posed(HEAD.mean, expression)


def light(vertices: np.ndarray) -> np.ndarray:
    """How light each vertex `[V]` is, 0 to 1."""
    assert HEAD.mouth_light is not None
    return HEAD.mouth_light.dimmed(WHITE, vertices)[:, 0]


def test_the_farther_the_lips_are_apart_the_lighter_are_the_teeth() -> None:
    steps = [light(mouth_opened(by))[TEETH].mean() for by in (0.0, 0.1, 0.2, 0.4, 1.0)]
    assert steps[0] < 0.05
    assert np.all(np.diff(steps) > 0)
    assert steps[-1] > 0.95


def test_all_else_keeps_its_light() -> None:
    assert (light(mouth_opened(0.0))[~HEAD.regions["mouth"]] == 1).all()


def test_a_corner_of_an_open_mouth_is_darker_than_its_middle() -> None:
    lit, inside = light(mouth_opened(0.3)), HEAD.regions["teeth"]
    corner = inside & (np.abs(HEAD.mean[:, 0]) > 0.019)
    assert lit[corner].mean() < 0.5 * lit[TEETH].mean()


def test_light_does_not_depend_on_where_the_head_looks() -> None:
    vertices = mouth_opened(0.2)
    turned = vertices @ gaze_rotation(0.4, -0.7).T + np.array([0.1, 0, 0.8], np.float32)
    assert light(turned) == pytest.approx(light(vertices), abs=1e-4)


def test_lips_that_hardly_part_show_no_pixel_of_teeth() -> None:
    """Through a gap as wide as a pixel single pixels of the teeth would be seen, here and there: a dotted line."""
    light_of_mouth = HEAD.mouth_light
    assert light_of_mouth is not None
    rims = HEAD.uvs[light_of_mouth.rims].reshape(-1, 2)
    inside = light_of_mouth.places >= 0
    for by, hidden in ((0.0, True), (0.03, True), (0.5, False)):
        seen = light_of_mouth.behind_closed_lips(HEAD.uvs, mouth_opened(by))
        assert np.array_equal(seen[~inside], HEAD.uvs[~inside])
        assert (seen[inside] >= rims.min(0)).all() == hidden
        assert (seen[inside] <= rims.max(0)).all() == hidden
    assert np.array_equal(seen, HEAD.uvs)
