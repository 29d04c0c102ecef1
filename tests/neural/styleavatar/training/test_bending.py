# SPDX-License-Identifier: GPL-3.0-or-later
"""Bent samples: footage and maps move together, and surfaces stay apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.neural.styleavatar.training.bending import SPACING, PictureName, bend, bends

SIDE = 256
SHOWN = np.zeros((3, SIDE, SIDE), bool)
SHOWN[:, 60:200, 70:190] = True


@pytest.fixture
def pictures() -> dict[PictureName, np.ndarray]:
    """Footage, twice as fine as the maps, that shows what the texture map does; a UV map of two surfaces."""
    random = np.random.default_rng(5)
    coarse = random.integers(0, 256, (3, 9, 9, 3), np.uint8)
    texture = np.stack([cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for each in coarse])
    footage = np.stack([cv2.resize(each, (2 * SIDE, 2 * SIDE)) for each in texture])
    along = np.linspace(0, 1, SIDE)
    uv = np.stack([np.tile(along, (SIDE, 1)), np.tile(along[:, None], (1, SIDE)), np.ones((SIDE, SIDE))], -1)
    uv[100:120, 100:150, :2] = 0.9 + 0.05 * uv[100:120, 100:150, :2]
    uv = np.tile((uv * 65535).astype(np.uint16), (3, 1, 1, 1))
    matte, expressive = footage[..., 0].copy(), texture[..., 1].copy()
    return {"footage": footage, "matte": matte, "expressive": expressive, "texture": texture, "uv": uv}


def bent_copy(pictures: dict[PictureName, np.ndarray], bent: np.ndarray) -> dict[PictureName, np.ndarray]:
    after = {kind: picture.copy() for kind, picture in pictures.items()}
    bend(after, bent)
    return after


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def halved(pictures: np.ndarray) -> np.ndarray:
    return np.stack([cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for each in pictures])


def test_footage_and_maps_are_bent_alike(pictures):
    after = bent_copy(pictures, bends(SHOWN, np.random.default_rng(0)))
    moved = apart(after["texture"], pictures["texture"])
    assert moved > 2
    assert apart(halved(after["footage"]), after["texture"]) < moved / 5
    assert apart(halved(after["matte"]), after["texture"][..., 0]) < moved / 5
    assert apart(after["expressive"], after["texture"][..., 1]) < moved / 10


def test_surfaces_stay_apart(pictures):
    after = bent_copy(pictures, bends(SHOWN, np.random.default_rng(0)))
    u, v = after["uv"][..., 0] / 65535, after["uv"][..., 1] / 65535
    along = np.linspace(0, 1, SIDE)
    on_first = (np.abs(u - along) < 0.2) & (np.abs(v - along[:, None]) < 0.2)
    on_second = (u > 0.89) & (v > 0.89)
    assert (on_first | on_second).all()
    assert 500 < on_second[0, 60:160, 60:190].sum() < 2500


def test_what_is_not_bent_stays_as_it_is(pictures):
    assert not bends(np.zeros((2, 64, 64), bool), np.random.default_rng(0)).any(), "no face, nothing to bend"
    bent = bends(SHOWN, np.random.default_rng(0))
    bent[1] = 0
    after = bent_copy(pictures, bent)
    for kind, picture in pictures.items():
        np.testing.assert_array_equal(after[kind][1], picture[1])


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_pictures_never_fold(seed):
    bent = bends(SHOWN[:1], np.random.default_rng(seed))[0]
    along = np.arange(len(bent)) * SPACING
    places = bent + np.stack(np.meshgrid(along, along), -1)
    across, down = np.diff(places, axis=1)[:-1], np.diff(places, axis=0)[:, :-1]
    turned = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert turned.min() > 0
