# SPDX-License-Identifier: GPL-3.0-or-later
"""A blurred view gains the photo's detail where both see it, and only there."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from semblance.neural.radiance.restoration.detail_transfer import DetailTransfer, fine
from semblance.neural.radiance.restoration.posed_photo import PosedPhoto
from semblance.tests.makers.synthetic_head import DISTANCE, drawn
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES, gaze_rotation

SIDE = 192
HEAD = load_builtin()
FOCAL = 3.6 * SIDE
CAMERA = PinholeCamera(FOCAL, FOCAL, SIDE / 2, SIDE / 2, SIDE, SIDE)
WHOLE = np.ones((SIDE, SIDE), np.float32)


def posed(yaw: float, **expression: float) -> np.ndarray:
    """The built-in head before the camera, turned by degrees."""
    weights = np.zeros(52, np.float32)
    for name, value in expression.items():
        weights[ARKIT_NAMES.index(name)] = value
    vertices = HEAD.posed(HEAD.mean, weights)
    middle = HEAD.mean.mean(0)
    turned = (vertices - middle) @ gaze_rotation(0, np.radians(yaw)).T
    return (turned + np.array([0, 0, DISTANCE])).astype(np.float32)


def picture_of(vertices: np.ndarray, camera: PinholeCamera = CAMERA) -> np.ndarray:
    """The head with detail, over grey: RGB uint8."""
    colours = HEAD.texture(np.zeros(len(HEAD.texture_basis), np.float32))
    rgba = drawn(HEAD, [vertices], colours, camera, False)[0]
    return ((rgba[..., :3] + (1 - rgba[..., 3:]) * 0.5) * 255 + 0.5).astype(np.uint8)


def person(picture: np.ndarray) -> np.ndarray:
    """Its matte: what is not grey."""
    return (picture != 128).any(-1).astype(np.float32)


def blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), 2.5)


@pytest.fixture(scope="module")
def photo() -> PosedPhoto:
    vertices = posed(0)
    camera = CAMERA.resized(2 * SIDE, 2 * SIDE)
    picture = picture_of(vertices, camera)
    return PosedPhoto(HEAD, vertices, camera, picture, person(picture), camera.project(vertices))


def skin(vertices: np.ndarray) -> np.ndarray:
    """`[H, W]`: the middle of the face, which faces the camera."""
    inside = np.zeros((SIDE, SIDE), np.uint8)
    points = CAMERA.project(vertices)[HEAD.landmarks[[67, 297, 425, 205]]]
    cv2.fillConvexPoly(inside, np.round(points).astype(np.int32), 1)
    return inside > 0


def detail_error(picture: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    every = np.ones_like(where)
    difference = fine(picture.astype(np.float32), every, 3.0) - fine(truth.astype(np.float32), every, 3.0)
    return float(np.abs(difference)[where].mean())


@pytest.mark.parametrize("yaw", [0, 20])
def test_a_blurred_view_gains_the_photos_detail(photo, yaw):
    vertices = posed(yaw)
    truth = picture_of(vertices)
    view = blurred(truth)
    with DetailTransfer(photo) as transfer:
        restored = transfer.restore(view, WHOLE, vertices, CAMERA)
        assert np.array_equal(restored, transfer.restore(view, WHOLE, vertices, CAMERA))
    where = skin(vertices)
    assert where.sum() > 500
    assert detail_error(restored, truth, where) < 0.6 * detail_error(view, truth, where)
    outside = cv2.dilate(person(truth), np.ones((3, 3))) == 0
    assert (restored[outside] == view[outside]).all()


def test_light_and_colour_stay_the_views(photo):
    vertices = posed(10)
    view = (blurred(picture_of(vertices)) * [0.5, 0.6, 0.7]).astype(np.uint8)
    with DetailTransfer(photo) as transfer:
        restored = transfer.restore(view, WHOLE, vertices, CAMERA)
    assert (restored != view).any()
    where = skin(vertices)
    np.testing.assert_allclose(restored[where].mean(0), view[where].mean(0), atol=1.5)


def test_what_the_photo_does_not_see_is_unchanged(photo):
    matte = photo.matte.copy()
    matte[:, : len(matte) // 2] = 0
    vertices = posed(0)
    view = blurred(picture_of(vertices))
    with DetailTransfer(replace(photo, matte=matte)) as transfer:
        restored = transfer.restore(view, WHOLE, vertices, CAMERA)
        from_behind = posed(180)
        behind = blurred(picture_of(from_behind))
        assert np.array_equal(transfer.restore(behind, WHOLE, from_behind, CAMERA), behind)
    assert np.array_equal(restored[:, : SIDE // 2], view[:, : SIDE // 2])
    assert not np.array_equal(restored[:, SIDE // 2 :], view[:, SIDE // 2 :])


def test_moved_lips_and_lids_get_no_ghosts(photo):
    vertices = posed(0, jawOpen=0.7, eyeBlinkLeft=1, eyeBlinkRight=1)
    view = blurred(picture_of(vertices))
    with DetailTransfer(photo) as transfer:
        changed = np.abs(transfer.restore(view, WHOLE, vertices, CAMERA).astype(int) - view).max(-1)
    pixels = CAMERA.project(vertices)
    inside = np.zeros((SIDE, SIDE), np.uint8)
    for region in ("lips", "eyes"):
        at = np.round(pixels[HEAD.regions[region]] - 0.5).astype(int)
        inside[at[:, 1], at[:, 0]] = 1
    assert changed[inside > 0].mean() < 0.25 * changed[skin(vertices)].mean()


def test_a_view_need_not_be_square(photo):
    vertices = posed(0)
    view = blurred(picture_of(vertices))
    window = replace(CAMERA, cy=CAMERA.cy - 20, height=SIDE - 40)
    with DetailTransfer(photo) as transfer:
        whole = transfer.restore(view, WHOLE, vertices, CAMERA)
        part = transfer.restore(view[20:-20], WHOLE[20:-20], vertices, window)
    middle = slice(40, -40)
    assert np.abs(part[middle].astype(int) - whole[20:-20][middle]).max() <= 3


def test_only_what_is_the_heads_is_changed(photo):
    vertices = posed(0)
    view = blurred(picture_of(vertices))
    alpha = WHOLE.copy()
    alpha[:, : SIDE // 2] = 0
    with DetailTransfer(photo) as transfer:
        restored = transfer.restore(view, alpha, vertices, CAMERA)
    assert np.array_equal(restored[:, : SIDE // 2], view[:, : SIDE // 2])
    assert not np.array_equal(restored, view)
