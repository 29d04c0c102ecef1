# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarse video of one photo: the head turns as a solid thing, its hair comes along, nothing tears."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.mattes.selfie_matting import builtin_matting
from semblance.tracking.photos.calibration import turned
from semblance.tracking.photos.coarse_video import CoarseVideo, stretched
from semblance.tracking.photos.portraits import found_portrait, solve_portraits
from skimage.data import astronaut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from semblance.tracking.performances.performance import Performance

SIZE = 256
YAWS = (-30, 0, 30)


@pytest.fixture(scope="module")
def still(head, tmp_path_factory) -> Performance:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    return solve_portraits(head, [found_portrait(path)], SIZE)


@pytest.fixture(scope="module")
def video(head, still, tmp_path_factory) -> Iterator[CoarseVideo]:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    portrait = found_portrait(path)
    window = portrait.window(SIZE)
    with closing(builtin_matting(head, still)) as matting:
        matte = matting(window)
    with CoarseVideo(head, still, window, matte, portrait.marks(len(window))) as video:
        yield video


def posed(head, still: Performance, yaw: float = 0.0, **expression: float) -> Performance:
    rotation, translation = turned(head, still, np.radians([[0, yaw, 0]]))
    shown = still.expression.copy()
    for name, value in expression.items():
        shown[0, ARKIT_NAMES.index(name)] = value
    return replace(still, rotation=rotation, translation=translation, expression=shown)


@pytest.fixture(scope="module")
def turns(head, still, video) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    return {yaw: video.frame(posed(head, still, yaw), 0) for yaw in YAWS}


def rows_of_eyes(video: CoarseVideo, head, still: Performance) -> slice:
    """A band of the picture from the brows to the eyes, where the head alone is seen."""
    vertices = head.shape(still.identity, still.expression[0]) @ still.rotation[0].T + still.translation[0]
    brow, eye = video._camera.project(vertices[head.landmarks[[105, 33]]])[:, 1]
    return slice(int(brow), int(eye))


def test_a_turned_head_is_as_wide_as_a_skull_is_long(video, turns, head, still):
    rows = rows_of_eyes(video, head, still)
    width = {yaw: (matte[rows] > 0.5).sum(1).mean() for yaw, (_, matte) in turns.items()}
    assert width[-30] > 0.92 * width[0]
    assert width[30] > 0.92 * width[0]


@pytest.mark.parametrize("yaw", YAWS)
def test_the_turned_head_has_no_holes_and_no_loose_parts(yaw, turns):
    matte = turns[yaw][1]
    person, rest = (label(part)[0] for part in (matte > 0.5, matte < 0.5))
    sizes = np.sort(np.bincount(person.ravel())[1:])[::-1]
    assert sizes[1:].sum() < 0.002 * sizes[0]
    assert np.sort(np.bincount(rest.ravel())[1:])[::-1][2:].sum() < 0.002 * sizes[0]


def test_hair_keeps_its_colour_when_the_head_turns(turns, video, head, still):
    """What comes round from behind is hair, neither background nor skin."""
    rows = rows_of_eyes(video, head, still)
    rest_picture, rest_matte = turns[0]
    for yaw in (-30, 30):
        picture, matte = turns[yaw]
        came = (matte[rows] > 0.9) & (rest_matte[rows] < 0.1)
        assert came.sum() > 10
        assert picture[rows][came].mean() < rest_picture[rows][rest_matte[rows] < 0.1].mean() - 30


def test_turning_to_both_sides_shows_ever_other_pictures(turns):
    assert np.abs(turns[-30][0].astype(int) - turns[30][0]).mean() > 5


def test_open_lips_have_no_pale_rim(video, head, still):
    """Between lips and mouth there is nothing brighter than lips and skin."""
    wide, _ = video.frame(posed(head, still, jawOpen=0.8), 0)
    vertices = head.shape(still.identity, posed(head, still, jawOpen=0.8).expression[0])
    vertices = vertices @ still.rotation[0].T + still.translation[0]
    x, y = video._camera.project(vertices[head.landmarks[[13, 14]]]).mean(0).astype(int)
    middle = wide[y, x - 3 : x + 4].mean()
    assert middle < 110  # the mouth's inside, dark


def test_streaks_are_seen_where_pixels_repeat():
    x, y = np.meshgrid(np.arange(64, dtype=np.float32), np.arange(64, dtype=np.float32))
    drawn_out = np.where(x < 32, x, 32 + (x - 32) * 0.05)
    worn = stretched(np.stack([drawn_out, y], -1))
    assert worn[4:-4, 4:26].max() < 0.01
    assert worn[4:-4, 40:58].min() > 0.99


def test_a_face_from_the_side_shows_its_other_side_where_it_is_hidden(shared, head, tmp_path):
    capture = cv2.VideoCapture(str(shared / "media/videos/kitchen_talk.mp4"))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 29)
    path = tmp_path / "aside.png"
    Image.fromarray(capture.read()[1][..., ::-1].copy()).save(path)
    portrait = found_portrait(path)
    still = solve_portraits(head, [portrait], 128)
    window = portrait.window(128)
    with CoarseVideo(head, still, window, np.ones(window.shape[:2], np.float32), portrait.marks(192)) as video:
        from_mirror = video._surface.from_mirror
    left, right = (
        from_mirror[side & (head.uv_mask > 0.5)] for side in (head.mean[:, 0] > 0.02, head.mean[:, 0] < -0.02)
    )
    assert left.mean() > 0.1
    assert right.max() < 0.1
