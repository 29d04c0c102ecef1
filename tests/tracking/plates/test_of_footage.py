# SPDX-License-Identifier: GPL-3.0-or-later
"""The clean plate of footage: the room where it is ever seen, in one light, also of a moving camera."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.performances.performance import Crop
from semblance.tracking.performances.plates import CLEAN, HEADLESS, plate_behind
from semblance.tracking.plates.light import gain, lit
from semblance.tracking.plates.of_footage import MOVES, PlateMaker, masked_median
from semblance.tracking.plates.windows import enlarged_window

HEIGHT, WIDTH = 240, 320
CROP = Crop(80.0, 40.0, 160.0)
FRAMES = 12
SKIN = (210, 150, 120)


@pytest.fixture(scope="module")
def room() -> np.ndarray:
    """A wall with corners everywhere, smooth enough to be moved."""
    noise = np.random.default_rng(4).uniform(30, 220, (HEIGHT // 5 + 20, WIDTH // 5 + 20, 3)).astype(np.float32)
    big = cv2.resize(noise, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    return np.clip(big, 0, 255).astype(np.uint8)


def taken(room, shift=lambda index: (0, 0), light=lambda index: 1.0):
    """Frames `(picture, matte)` of a round person who walks to and fro before the room."""
    for index in range(FRAMES):
        down, right = shift(index)
        picture = room[20 + down : 20 + down + HEIGHT, 20 + right : 20 + right + WIDTH] * light(index)
        x = 160 + round(45 * np.sin(2 * np.pi * index / FRAMES))
        person = cv2.circle(np.zeros((HEIGHT, WIDTH), np.float32), (x, 130), 30, 1, -1)
        picture = np.where(person[..., None] > 0, np.array(SKIN) * light(index), picture)
        left, top, side = enlarged_window(CROP)
        assert left >= 0
        assert top >= 0
        matte = cv2.resize(person[top : top + side, left : left + side], (96, 96), interpolation=cv2.INTER_AREA)
        yield np.clip(picture, 0, 255).astype(np.uint8), matte


def plates_of(frames):
    maker = PlateMaker(at_rest(FRAMES, load_builtin(), crop=CROP))
    for index, (picture, matte) in enumerate(frames):
        maker.see(index, picture, matte)
    return maker.plates(load_builtin())


def psnr(first, second):
    return -10 * np.log10(np.square((first.astype(float) - second) / 255).mean() + 1e-12)


WINDOW = np.s_[40:200, 80:240]


def test_what_is_ever_seen_of_the_room_is_on_the_plate(room):
    plates = plates_of(taken(room))
    assert psnr(plates.clean, room[20:-20][:HEIGHT, 20 : 20 + WIDTH]) > 38
    assert plates.notes == ()


def test_the_light_of_the_plate_is_one_though_the_footages_changes(room):
    plates = plates_of(taken(room, light=lambda index: 1 - 0.25 * index / FRAMES))
    true = room[20 : 20 + HEIGHT, 20 : 20 + WIDTH] * (1 - 0.25 * (FRAMES // 2) / FRAMES)
    assert psnr(plates.clean[WINDOW], true[WINDOW]) > 30


def test_a_moving_camera_is_followed_and_told(room):
    plates = plates_of(taken(room, shift=lambda index: (index - FRAMES // 2, 2 * (index - FRAMES // 2))))
    assert plates.notes == (MOVES,)
    true = room[20 : 20 + HEIGHT, 20 : 20 + WIDTH]
    assert psnr(plates.clean[WINDOW], true[WINDOW]) > 26


def test_what_is_never_seen_is_not_known():
    pictures = [np.full((4, 6, 3), level, np.uint8) for level in (10, 20, 200)]
    masks = [np.ones((4, 6), np.float32) for _ in pictures]
    masks[2][:, 3:] = masks[1][:, 5] = masks[0][:, 5] = 0
    median, known = masked_median(pictures, masks)
    assert (median[:, :3] == 20).all()
    assert (median[:, 3:5] == 15).all()
    assert known[:, :5].all()
    assert not known[:, 5].any()


def test_a_plate_is_lit_like_the_frame_where_its_background_is_seen(room):
    plate = room[:HEIGHT, :WIDTH]
    slope = np.linspace(0.8, 1.1, WIDTH)[None, :, None]
    frame = np.clip(plate * slope, 0, 255).astype(np.uint8)
    seen = np.ones((HEIGHT, WIDTH), np.float32)
    seen[60:220, 120:200] = 0
    frame[60:220, 120:200] = SKIN
    closer = lit(plate, gain(frame, plate, seen))
    there = seen > 0
    assert psnr(closer[there], frame[there]) > psnr(plate[there], frame[there]) + 6
    np.testing.assert_array_equal(lit(plate, gain(plate, plate, seen)), plate)


def test_heads_leave_the_shoulders_to_the_plate_and_portraits_do_not(tmp_path):
    clean, headless = tmp_path / "clean.png", tmp_path / "headless.png"
    for file in (clean, headless):
        file.write_bytes(b"")
    performance = replace(at_rest(1), extra={CLEAN: str(clean), HEADLESS: str(headless)})
    assert plate_behind(performance, head_alone=True) == headless
    assert plate_behind(performance, head_alone=False) == clean
    older = replace(at_rest(1), extra={CLEAN: str(headless)})
    assert plate_behind(older, head_alone=True) == headless
    assert plate_behind(older, head_alone=False) is None
    assert plate_behind(at_rest(1), head_alone=True) is None
