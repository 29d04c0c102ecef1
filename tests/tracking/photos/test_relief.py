# SPDX-License-Identifier: GPL-3.0-or-later
"""What a relief is made of: smooth heights, an outline, hair that goes on, colours without background."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from semblance.tracking.photos.hair import hair_everywhere
from semblance.tracking.photos.photo_surface import mirror_gain, twins
from semblance.tracking.photos.relief_depth import beyond_window, distance_inwards, harmonic
from semblance.tracking.photos.relief_sides import outline_of, rings
from semblance.tracking.plates.inpainting import unmixed

SIDE = 120


@pytest.fixture
def disc() -> np.ndarray:
    matte = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(matte, (60, 60), 40, 1.0, -1, cv2.LINE_AA)
    return matte


def test_what_is_between_known_heights_is_even():
    known = np.zeros((5, 9))
    known[:, 0] = known[:, -1] = 1e9
    height = harmonic(np.tile(np.linspace(0, 4, 9) * [1, 0, 0, 0, 0, 0, 0, 0, 1], (5, 1)), known)
    np.testing.assert_allclose(height, np.tile(np.linspace(0, 4, 9), (5, 1)), atol=1e-5)


def test_distances_from_the_outline_are_the_discs(disc):
    inwards = distance_inwards(disc)
    places = np.array([[60.0, 50.0], [60.0, 30.0], [85.0, 60.0], [60.0, 110.0]], np.float32)
    assert beyond_window(inwards, places) == pytest.approx([30, 10, 15, -10], abs=1.5)


def test_rings_follow_the_outline_inwards(disc):
    inwards = distance_inwards(disc)
    slopes = [cv2.Sobel(inwards, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1))]
    start = outline_of(inwards, SIDE, SIDE)
    places, towards = rings(start, slopes, np.array([0.0, 10.0]))
    radii = np.linalg.norm(places - 60, axis=-1)
    assert radii[0] == pytest.approx(40, abs=2)
    assert radii[1] == pytest.approx(radii[0] - 10, abs=1.5)
    outwards = (places[0] - 60) / radii[0][:, None]
    assert np.einsum("pa,pa->p", towards[0], outwards).max() < -0.9


def test_a_picture_without_a_person_has_an_outline_of_no_size():
    assert len(outline_of(np.full((156, 156), -1.0, np.float32), SIDE, SIDE)) >= 2


def test_hair_goes_on_as_hair(disc):
    stripes = np.repeat(np.where(np.arange(SIDE) % 8 < 4, 30, 60)[:, None], SIDE, 1)
    hair = np.zeros((SIDE, SIDE), bool)
    hair[10:40] = True
    window = np.where(hair, stripes, 220)[..., None].repeat(3, -1).astype(np.uint8)
    everywhere = hair_everywhere(window, hair)
    assert everywhere[45:65].max() <= 65
    assert np.ptp(everywhere[45:65, 60, 0].astype(int)) > 20
    np.testing.assert_array_equal(everywhere[hair], window[hair])


def test_edges_lose_the_colour_of_the_background(disc):
    soft = cv2.GaussianBlur(disc, (0, 0), 3)
    behind = np.full((SIDE, SIDE, 3), 240, np.uint8)
    image = (60 * soft[..., None] + 240 * (1 - soft[..., None])).astype(np.uint8) * np.ones(3, np.uint8)
    person = unmixed(image, soft, behind)
    assert person[soft > 0.05].max() < 90


def test_twins_are_mirror_images(head):
    apart = head.mean[twins(head)] - head.mean * [-1, 1, 1]
    assert np.quantile(np.linalg.norm(apart, axis=1), 0.98) < 0.003


def test_a_darker_side_is_brightened_as_much_as_it_is_darker(head):
    other = np.full((len(head.mean), 3), 100.0, np.float32)
    both = np.abs(head.mean[:, 0]) < 0.02
    gain = mirror_gain(1.2 * other + 2, other, both, head.triangles)
    assert gain[head.landmarks] == pytest.approx(1.2, abs=0.02)
