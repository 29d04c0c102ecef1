# SPDX-License-Identifier: GPL-3.0-or-later
"""One photo becomes a dataset that shows the person moving; bad photos end in one sentence."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled, Progress
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.detection.landmarks import landmarks_of_photo
from semblance.tracking.heads.head import ARKIT_NAMES, gaze_rotation
from semblance.tracking.heads.rotations import to_angles
from semblance.tracking.mattes.selfie_matting import builtin_matting
from semblance.tracking.media.crop import cut
from semblance.tracking.performances.plates import plate_behind
from semblance.tracking.performances.turns import turns_aside
from semblance.tracking.photos.calibration import FRAMES, calibration_performance
from semblance.tracking.photos.coarse_video import CoarseVideo
from semblance.tracking.photos.photo import photo_dataset
from semblance.tracking.photos.photo_file import read_photo
from semblance.tracking.photos.portraits import found_portrait, require_frontal, solve_portraits
from semblance.tracking.solving.solver import solve_still
from skimage.data import astronaut

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.performances.performance import Performance

SIZE, FILMED = 128, 10


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def heard() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def dataset(photo, head, heard) -> Dataset:
    folder = photo.with_name("set")
    return photo_dataset(photo, folder, head=head, size=SIZE, frames=FILMED, listener=heard.append)


def picture(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1].astype(np.float32)


def face(image: np.ndarray) -> np.ndarray:
    """The middle of the central window."""
    return image[64:128, 64:128]


def test_the_dataset_is_whole(dataset):
    performance = Dataset.open(dataset.folder).performance()
    assert len(performance) == len(dataset.names) == FILMED
    assert performance.crop is not None
    assert performance.source.endswith("astronaut.png")
    for name in dataset.names:
        assert picture(dataset.image(name)).shape == (192, 192, 3)
        assert picture(dataset.uv_map(name)).shape == picture(dataset.texture_map(name)).shape == (256, 256, 3)


def test_the_first_frame_is_the_photo_itself(dataset):
    performance = dataset.performance()
    assert performance.extra["photographs"] == [0]
    assert performance.extra["photo"] == "astronaut.png"
    assert "notes" not in performance.extra
    window = cut(astronaut(), performance.crop, SIZE).astype(np.float32)
    assert np.abs(picture(dataset.image(dataset.names[0])) - window).mean() < 2


def test_the_coarse_video_begins_as_the_photo(photo, head):
    portrait = found_portrait(photo)
    still = solve_portraits(head, [portrait], SIZE)
    window = portrait.window(SIZE)
    with closing(builtin_matting(head, still)) as matting:
        matte = matting(window)
    with CoarseVideo(head, still, window, matte, portrait.marks(len(window))) as video:
        shown, opacity = video.frame(still, 0)
    assert np.abs(face(shown.astype(np.float32)) - face(window)).mean() < 8
    assert np.abs(opacity - matte).mean() < 0.02


def test_the_face_moves_and_the_far_background_does_not(dataset):
    first = picture(dataset.image(dataset.names[0]))
    others = [picture(dataset.image(name)) for name in dataset.names[1:]]
    assert all(np.abs(face(first) - face(other)).mean() > 4 for other in others)
    assert all(np.abs(first[:12, :12] - other[:12, :12]).mean() < 6 for other in others)


def test_the_face_lies_where_the_maps_say(dataset):
    """Inside the drawn face the matte is foreground, in every frame."""
    for name in dataset.names:
        matte = cv2.resize(picture(dataset.matte(name))[32:160, 32:160, 0], (256, 256))
        mask = cv2.erode(picture(dataset.uv_map(name))[..., 2], np.ones((15, 15))) > 0
        assert mask.mean() > 0.05
        assert (matte[mask] > 128).mean() > 0.97


def test_progress_is_told_with_the_time_left(dataset, heard):
    assert {event.stage for event in heard} == {"Finding the face", "Filming the photo", "Drawing maps"}
    assert [event.seconds_left for event in heard if event.stage == "Filming the photo"][-1] is not None


@pytest.fixture(scope="module")
def still(photo, head) -> Performance:
    picture = read_photo(photo)
    return solve_still(head, landmarks_of_photo(picture, photo), picture)


def test_calibration_is_smooth_wide_and_comes_back(still, head):
    performance = calibration_performance(head, still)
    assert len(performance) == FRAMES <= 400
    assert performance.fps == 25
    assert np.array_equal(performance.expression[0], still.expression[0])
    np.testing.assert_allclose(performance.rotation[0], still.rotation[0], atol=1e-6)
    np.testing.assert_allclose(performance.translation[0], still.translation[0], atol=1e-6)
    angles = np.degrees(to_angles(performance.rotation))
    np.testing.assert_allclose(angles.max(0), (15, 30, 12), atol=1.5)
    np.testing.assert_allclose(angles.min(0), (-15, -30, -12), atol=1.5)
    assert np.abs(np.diff(angles, axis=0)).max() < 4
    lids = [place for place, name in enumerate(ARKIT_NAMES) if name.startswith("eyeBlink")]
    steps = np.abs(np.diff(np.delete(performance.expression, lids, 1), axis=0))
    assert steps.max() < 0.25
    assert np.abs(np.diff(performance.gaze, axis=0)).max() < 0.1


@pytest.mark.parametrize("name", ARKIT_NAMES)
def test_calibration_shows_every_expression(still, head, name):
    shown = calibration_performance(head, still).expression[:, ARKIT_NAMES.index(name)]
    assert shown.min() < 0.1
    assert shown.max() > 0.3


def test_a_photo_from_the_side_is_turned_as_far_to_both_sides_as_one_from_the_front(still, head):
    aside = replace(still, rotation=(gaze_rotation(0, np.radians(20)) @ still.rotation[0])[None])
    yaw = np.degrees(to_angles(calibration_performance(head, aside).rotation))[:, 1]
    assert (yaw.min(), yaw.max()) == pytest.approx((-30, 30), abs=3)


@pytest.fixture(scope="module")
def two_photos(photo, head) -> Dataset:
    """The photo and the same person seen smaller, elsewhere, and tilted: a second photo's crop and pose."""
    tilt = cv2.getRotationMatrix2D((224.0, 150.0), 10, 0.9)
    other = cv2.warpAffine(astronaut(), tilt, (512, 400), borderMode=cv2.BORDER_REPLICATE)
    second = save(photo.with_name("second.png"), other)
    folder = photo.with_name("pair")
    return photo_dataset(photo, folder, head=head, more=[second], size=SIZE, frames=4)


def test_more_photos_join_as_what_they_are(two_photos, dataset):
    performance = two_photos.performance()
    assert performance.extra["photographs"] == [0, 1]
    assert len(performance) == len(two_photos.names) == 5
    np.testing.assert_array_equal(picture(two_photos.image("000001")), picture(dataset.image("000001")))
    roll = np.degrees(to_angles(performance.rotation[:2]))[:, 2]
    assert roll[1] - roll[0] == pytest.approx(-10, abs=2)
    matte = cv2.resize(picture(two_photos.matte("000002"))[32:160, 32:160, 0], (256, 256))
    mask = cv2.erode(picture(two_photos.uv_map("000002"))[..., 2], np.ones((15, 15))) > 0
    assert (matte[mask] > 128).mean() > 0.97


def save(path: Path, image: np.ndarray, **options: Any) -> Path:
    Image.fromarray(image).save(path, **options)
    return path


def bad_photos(folder: Path) -> dict[str, tuple[Path, str]]:
    person = astronaut()[:320, 60:380]
    (folder / "notes.jpg").write_text("no picture")
    whole = save(folder / "whole.jpg", person).read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    tiny = cv2.copyMakeBorder(cv2.resize(person, (46, 46)), 150, 150, 150, 150, cv2.BORDER_REPLICATE)
    return {
        "missing": (folder / "none.jpg", "There is no photo"),
        "folder": (folder, "cannot be read"),
        "text": (folder / "notes.jpg", "cannot be read"),
        "half": (folder / "half.jpg", "cannot be read"),
        "empty": (folder / "empty.png", "cannot be read"),
        "no face": (save(folder / "grey.png", np.full((300, 300, 3), 128, np.uint8)), "No face"),
        "two faces": (save(folder / "two.png", np.concatenate([person, person[:, ::-1]], 1)), "2 faces"),
        "tiny face": (save(folder / "tiny.png", tiny), "No face|pixels wide"),
    }


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "half", "empty", "no face", "two faces", "tiny face"])
def test_a_bad_photo_ends_in_one_sentence_and_leaves_nothing(kind, tmp_path, head):
    path, sentence = bad_photos(tmp_path)[kind]
    with pytest.raises(UserError, match=sentence) as error:
        photo_dataset(path, tmp_path / "set", head=head, size=SIZE, frames=2)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "set").exists()


def test_a_face_from_the_side_is_refused(photo, head):
    portrait = found_portrait(photo)
    still = solve_portraits(head, [portrait], SIZE)
    turned = still.at(np.array([0, 0, 0]))
    turns = np.stack([gaze_rotation(0, np.radians(yaw)) @ still.rotation[0] for yaw in (0, 44, -50)])
    aside = turns_aside(replace(turned, rotation=turns))
    assert aside == pytest.approx((aside[0], 44, 50), abs=5)
    with pytest.raises(UserError, match="turned 50 degrees to the side"):
        require_frontal(np.array([50.0]), [portrait])


def test_a_hand_over_the_face_is_refused(shared, tmp_path):
    video = cv2.VideoCapture(str(shared / "media/videos/hands_over_face.mp4"))
    video.set(cv2.CAP_PROP_POS_FRAMES, 132)
    path = save(tmp_path / "hands.png", video.read()[1][..., ::-1].copy())
    with pytest.raises(UserError, match="hand covers"):
        found_portrait(path)


def drawn_face() -> np.ndarray:
    """A drawing, in which the landmarks' network sees a face."""
    drawing = np.full((600, 600, 3), 255, np.uint8)
    cv2.ellipse(drawing, (300, 300), (150, 200), 0, 0, 360, (255, 220, 180), -1)
    cv2.ellipse(drawing, (300, 300), (150, 200), 0, 0, 360, (0, 0, 0), 4)
    for x in (240, 360):
        cv2.ellipse(drawing, (x, 250), (34, 40), 0, 0, 360, (255, 255, 255), -1)
        cv2.ellipse(drawing, (x, 250), (34, 40), 0, 0, 360, (0, 0, 0), 3)
        cv2.circle(drawing, (x, 252), 14, (40, 80, 160), -1)
        cv2.ellipse(drawing, (x, 195), (40, 14), 0, 180, 360, (60, 30, 0), 6)
    cv2.polylines(drawing, [np.array([(300, 270), (285, 330), (305, 335)])], False, (0, 0, 0), 4)
    cv2.ellipse(drawing, (300, 400), (70, 30), 0, 0, 180, (200, 60, 60), -1)
    return drawing


def test_a_drawing_is_made_to_move_and_noted(tmp_path, head):
    path, heard = save(tmp_path / "drawing.png", drawn_face()), []
    made = photo_dataset(path, tmp_path / "set", head=head, size=SIZE, frames=2, listener=heard.append)
    (note,) = made.performance().extra["notes"]
    assert "drawing.png" in note
    assert note in [event.message for event in heard]


def test_a_face_of_few_pixels_is_noted(photo, head, tmp_path):
    small = cv2.resize(astronaut(), None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    portraits = [found_portrait(save(tmp_path / "small.png", small))]
    (note,) = solve_portraits(head, portraits, SIZE).extra["notes"]
    assert "pixels wide" in note


def test_cancelling_leaves_nothing(photo, head, tmp_path):
    def listener(progress: Progress) -> None:
        if progress.stage == "Filming the photo" and progress.done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        photo_dataset(photo, tmp_path / "set", head=head, size=SIZE, frames=4, listener=listener)
    assert list(tmp_path.iterdir()) == []


def test_a_rotated_photo_is_read_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = astronaut()[:300, :200]
    path = save(tmp_path / "phone.jpg", np.rot90(image).copy(), exif=exif, quality=95)
    assert read_photo(path).shape == (300, 200, 3)
    assert np.abs(read_photo(path).astype(int) - image).mean() < 6


def test_pictures_of_any_kind_become_rgb(tmp_path):
    image = astronaut()[:64, :64]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    cut_out = np.dstack([image, np.zeros_like(grey)])
    assert read_photo(save(tmp_path / "grey.png", grey)).shape == (64, 64, 3)
    assert read_photo(save(tmp_path / "cut_out.png", cut_out)).min() == 255
    deep = save(tmp_path / "deep.png", (grey.astype(np.uint16) << 8))
    assert np.abs(read_photo(deep)[..., 0].astype(int) - grey).max() <= 1


def test_the_clean_plates_are_the_photo_without_the_head_and_without_the_person(photo, dataset):
    performance, whole = dataset.performance(), picture(photo)
    headless, clean = (picture(plate_behind(performance, head_alone=alone)) for alone in (True, False))
    assert headless.shape == clean.shape == whole.shape
    changed = np.abs(headless - whole).max(-1) > 3
    crop = performance.crop
    middle = int(crop.y + crop.side / 2), int(crop.x + crop.side / 2)
    assert changed[middle[0] - 20 : middle[0] + 20, middle[1] - 20 : middle[1] + 20].mean() > 0.9
    assert not changed[-150:].any()  # the suit
    assert changed.mean() < 0.35
    lowest = np.s_[int(crop.y + crop.side) - 12 : int(crop.y + crop.side), middle[1] - 20 : middle[1] + 20]
    assert not changed[lowest].any()
    assert (np.abs(clean - whole)[lowest].max(-1) > 3).mean() > 0.9  # below the head a portrait brings the person
    below = np.s_[int(crop.y + crop.side) + 4 :]
    assert not (clean != whole)[below].any()
