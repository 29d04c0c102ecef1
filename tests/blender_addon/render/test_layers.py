# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures before and behind each other."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.blender_addon.render.layers import NOTHING, Layer, composite, on_backdrop

RED, BLUE, HALF_GREEN = (1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0), (0.0, 0.5, 0.0, 0.5)
CLEAR = (0.0, 0.0, 0.0, 0.0)


def layer(colours, depths) -> Layer:
    """One row of pixels."""
    return Layer(np.array([colours], np.float32), np.array([depths], np.float32))


@pytest.mark.parametrize("swapped", [False, True])
def test_the_nearer_pixel_is_on_top(swapped):
    layers = [layer([RED, RED, RED], [1, 3, 1]), layer([BLUE, BLUE, CLEAR], [2, 2, NOTHING])]
    seen = composite(layers[::-1] if swapped else layers)
    assert seen.colour[0].tolist() == [list(RED), list(BLUE), list(RED)]
    assert seen.depth[0].tolist() == [1, 2, 1]


def test_what_is_behind_shines_through():
    seen = composite([layer([HALF_GREEN], [1]), layer([RED], [2]), layer([BLUE], [3])])
    assert seen.colour[0, 0] == pytest.approx([0.5, 0.5, 0, 1])
    faint = np.float32(0.25) * np.array(RED, np.float32)
    thin = composite([layer([faint], [1]), layer([BLUE], [3])])
    assert thin.colour[0, 0] == pytest.approx([0.25, 0, 0.75, 1])
    assert thin.depth[0, 0] == 3, "a quarter of a pixel does not hide what is behind it"


def test_nothing_is_far_away():
    seen = composite([layer([CLEAR, faint_of(0.4)], [NOTHING, 1])])
    assert (seen.depth == NOTHING).all()
    assert on_backdrop(seen, np.array(BLUE, np.float32)).colour[0, 0].tolist() == list(BLUE)


def test_every_order_of_many_layers():
    random = np.random.default_rng(4)
    alphas = random.choice([0.0, 0.3, 0.8, 1.0], (4, 30, 1))
    colours = np.concatenate([random.random((4, 30, 3)) * alphas, alphas], -1)
    depths = np.where(alphas[..., 0] > 0, random.permutation(120).reshape(4, 30) + 1.0, NOTHING)
    seen = composite([layer(each, depth) for each, depth in zip(colours, depths, strict=True)])
    for pixel in range(30):
        expected, depth = np.zeros(4), NOTHING
        for nth in np.argsort(-depths[:, pixel]):
            expected = colours[nth, pixel] + expected * (1 - alphas[nth, pixel])
            depth = depths[nth, pixel] if alphas[nth, pixel, 0] >= 0.5 else depth
        assert seen.colour[0, pixel] == pytest.approx(expected, abs=1e-6)
        assert seen.depth[0, pixel] == depth


def faint_of(alpha: float) -> tuple[float, ...]:
    return (alpha, alpha, alpha, alpha)
