# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo filmed by something else than the mesh warp, or driven by a video: a dataset says what it shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled
from semblance.tests.makers.footage import plain, portrait, write_video
from semblance.tests.makers.performances import at_rest, moving
from semblance.tracking.heads.rotations import from_vectors
from semblance.tracking.media.footage import Footage
from semblance.tracking.photos.coarse_source import MeshWarp, SolvedPhoto
from semblance.tracking.photos.driver import Driver, acted_by, most_like
from semblance.tracking.photos.framing import Framing, Square
from semblance.tracking.photos.photo import photo_dataset
from semblance.tracking.photos.retracking import moved_by_difference, near, put_in
from skimage.data import astronaut

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.datasets.dataset import Dataset

pytestmark = pytest.mark.slow  # several seconds each

SIZE, FILMED, DRIVEN = 128, 6, 9


class Lagging:
    """Films a photo by its mesh warp, in a network's place, going only `share` of the way."""

    exact = False

    def __init__(self, share: float, most_frames: int | None = None) -> None:
        self.share, self.most_frames = share, most_frames
        self.drivers: list[Driver | None] = []

    def __call__(self, photo: SolvedPhoto, driver: Driver | None, /) -> Lagging:
        self.photo, self.warp = photo, MeshWarp()(photo)
        self.drivers.append(driver)
        return self

    def __enter__(self) -> Lagging:
        return self

    def __exit__(self, *error: object) -> None:
        self.warp.__exit__(*error)

    def frame(self, performance, index, neutral=None):
        still = self.photo.still
        names = ("expression", "translation", "gaze")
        parts = {
            name: getattr(still, name) + self.share * (getattr(performance, name) - getattr(still, name))
            for name in names
        }
        turns = performance.rotation @ still.rotation[0].T
        vectors = np.stack([cv2.Rodrigues(turn.astype(np.float64))[0][:, 0] for turn in turns])
        shown = replace(performance, **parts, rotation=from_vectors(self.share * vectors) @ still.rotation[0])
        return self.warp.frame(shown, index, neutral)


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def exact(photo, head) -> Dataset:
    return photo_dataset(photo, photo.with_name("exact"), head=head, size=SIZE, frames=FILMED)


def angles(rotations: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Degrees between rotations `[T, 3, 3]`."""
    traces = np.einsum("tij,tij->t", rotations, others)
    return np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1)))


def test_pictures_that_show_what_was_asked_for_are_tracked_as_such(photo, head, exact):
    dataset = photo_dataset(photo, photo.with_name("same"), head=head, size=SIZE, frames=FILMED, coarse=Lagging(1.0))
    shown, asked = dataset.performance(), exact.performance()
    assert angles(shown.rotation, asked.rotation).max() < 0.2
    assert np.abs(shown.expression - asked.expression).max() < 0.1
    np.testing.assert_allclose(shown.translation, asked.translation, atol=0.004)


def test_what_a_network_does_not_move_is_not_in_the_performance(photo, head, exact):
    dataset = photo_dataset(photo, photo.with_name("still"), head=head, size=SIZE, frames=FILMED, coarse=Lagging(0.0))
    shown, asked = dataset.performance(), exact.performance()
    turns, faces = (np.repeat(each[:1], FILMED, 0) for each in (asked.rotation, asked.expression))
    assert angles(asked.rotation, turns).max() > 8
    assert angles(shown.rotation, turns).max() < 4
    away = [np.linalg.norm(each.expression - faces, axis=1)[1:].mean() for each in (shown, asked)]
    assert away[0] < 0.5 * away[1]
    assert shown.trusted.all()


def test_a_source_makes_no_more_frames_than_it_can_afford(photo, head, tmp_path):
    dataset = photo_dataset(photo, tmp_path / "set", head=head, size=SIZE, frames=FILMED, coarse=Lagging(1.0, 3))
    assert len(dataset.names) == 3


def test_a_network_that_makes_no_faces_ends_in_one_sentence(photo, head, tmp_path):
    class Grey(Lagging):
        def frame(self, performance, index, neutral=None):
            picture, matte = self.warp.frame(performance, index, neutral)
            return np.full_like(picture, 128), matte

    with pytest.raises(UserError, match="weights verify") as error:
        photo_dataset(photo, tmp_path / "set", head=head, size=SIZE, frames=2, coarse=Grey(1.0))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "set").exists()


def test_cancelling_a_network_leaves_nothing(photo, head, tmp_path):
    def listener(progress):
        if progress.stage == "Filming the photo" and progress.done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        photo_dataset(photo, tmp_path / "set", head=head, size=SIZE, frames=4, coarse=Lagging(1.0), listener=listener)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_video_drives_the_photo(photo, head, tmp_path):
    """Somebody who goes to the right takes the photo's person along."""
    video = write_video(tmp_path / "driver.mp4", [portrait(2 * shift) for shift in range(DRIVEN)])
    coarse = Lagging(1.0)
    dataset = photo_dataset(photo, tmp_path / "set", head=head, size=SIZE, coarse=coarse, driver=video)
    performance = dataset.performance()
    assert len(performance) == 1 + DRIVEN
    assert performance.extra["photographs"] == [0]
    across = performance.translation[1:, 0]
    assert np.corrcoef(across, np.arange(DRIVEN))[0, 1] > 0.95
    (driver,) = coarse.drivers
    assert driver is not None
    pictures = list(driver.pictures())
    assert len(pictures) == len(driver.own) == DRIVEN
    assert np.abs(pictures[-1].astype(int) - portrait(2 * (DRIVEN - 1))).mean() < 4
    assert np.array_equal(driver.initial_picture(), pictures[driver.initial])
    nose = driver.landmarks(head)[:, 1, :2]
    assert nose[-1, 0] - nose[0, 0] == pytest.approx(2 * (DRIVEN - 1), abs=3)
    assert np.all((nose > 80) & (nose < 180))


def test_a_video_without_a_face_drives_nobody(photo, head, tmp_path):
    path = write_video(tmp_path / "grey.mp4", [plain(128)] * 5)
    with pytest.raises(UserError, match="No face was found"):
        photo_dataset(photo, tmp_path / "set", head=head, size=SIZE, driver=path)
    assert not (tmp_path / "set").exists()


def test_a_driven_photo_starts_with_itself():
    still, driver = at_rest(expression=0.2), moving(5)
    acted = acted_by(driver, still)
    assert len(acted) == 6
    for name in ("expression", "rotation", "translation", "gaze"):
        assert np.array_equal(getattr(acted, name)[0], getattr(still, name)[0]), name
    assert np.all(np.diff(acted.times) > 0)


def test_the_frame_most_like_the_photo_is_found():
    still = at_rest(expression=0.1)
    turned = from_vectors(np.array([[0, 0.5, 0], [0, 0.1, 0], [0, 0.1, 0]]))
    performance = at_rest(3, expression=np.array([[0.1], [0.1], [0.4]]) * np.ones(52), rotation=turned)
    assert most_like(still, performance) == 1


def test_a_difference_of_two_trackings_is_added_to_what_was_asked_for():
    asked, exact, ours = moving(4, 1), moving(4, 2), moving(4, 3)
    assert np.allclose(moved_by_difference(asked, exact, exact).rotation, asked.rotation, atol=1e-5)
    shown = moved_by_difference(exact, ours, exact)
    np.testing.assert_allclose(shown.rotation, ours.rotation, atol=1e-5)
    np.testing.assert_allclose(shown.expression, ours.expression, atol=1e-5)
    assert np.array_equal(shown.confidence, ours.confidence)


def test_frames_without_a_face_keep_what_was_asked_for_and_are_not_trusted():
    asked, part = moving(4, 1), moving(2, 2)
    frames = np.array([True, False, False, True])
    whole = put_in(asked, part, frames)
    assert np.array_equal(whole.expression[frames], part.expression)
    assert np.array_equal(whole.expression[~frames], asked.expression[~frames])
    assert not whole.confidence[~frames].any()


def test_a_matte_stays_near_the_outline_of_the_warp():
    outline = np.zeros((100, 100), np.float32)
    outline[:, 30:70] = 1
    matte = np.zeros((100, 100), np.float32)
    matte[:, 31:95] = 1
    matte[40:60, 45:55] = 0
    kept = near(outline, matte)
    assert np.array_equal(np.flatnonzero(kept[50]), np.arange(31, 72))


def test_a_square_is_put_back_where_it_was_cut_out():
    picture = cv2.GaussianBlur(astronaut(), (0, 0), 3)
    for square in (Square(100, 50, 256), Square(-40, 300, 256)):
        back = square.pasted(square.cut(picture, 128), picture)
        assert np.abs(back.astype(int) - picture).max() < 16
    laid = Square(100, 50, 256).pasted(plain(255, 64, 64), picture)
    assert (laid[178, 228] == 255).all()
    outside = np.ones(picture.shape[:2], bool)
    outside[50:306, 100:356] = False
    assert np.array_equal(laid[outside], picture[outside])


def test_a_framing_is_about_the_face():
    marks = np.zeros((3, 478, 2), np.float32)
    marks[:] = np.random.default_rng(0).uniform((40, 60), (140, 160), (478, 2))
    marks += np.array([-10, 0, 10], np.float32)[:, None, None]
    square = Framing(2.0, 0.1).square(marks)
    assert square.side == pytest.approx(200, abs=12)
    assert square.left + square.side / 2 == pytest.approx(90, abs=5)
    assert square.top + square.side / 2 == pytest.approx(110 - 20, abs=5)


def test_a_driver_knows_how_its_pictures_are_shrunk(tmp_path):
    path = write_video(tmp_path / "large.mp4", [plain(10, 1080, 1920)])
    driver = Driver(Footage.open(path), at_rest(), at_rest(2), 0)
    assert driver.initial_picture().shape == (540, 960, 3)
    assert driver.scale == 0.5
