# SPDX-License-Identifier: GPL-3.0-or-later
"""One photo becomes a dataset that shows the person moving; bad photos end in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled, Progress
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.detection.landmarks import landmarks_of_photo
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.photos.calibration import FRAMES, calibration_performance
from semblance.tracking.photos.photo import photo_dataset, read_photo
from semblance.tracking.solving.solver import solve_still
from skimage.data import astronaut

if TYPE_CHECKING:
    from pathlib import Path

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


def test_the_first_frame_is_the_photo(dataset):
    performance = dataset.performance()
    side = performance.crop.side * 1.5
    left, top = (corner - performance.crop.side / 4 for corner in (performance.crop.x, performance.crop.y))
    window = Image.fromarray(astronaut()).transform(
        (192, 192), Image.Transform.EXTENT, (left, top, left + side, top + side), Image.Resampling.BICUBIC
    )
    difference = np.abs(face(picture(dataset.image("000001"))) - face(np.asarray(window, np.float32)))
    assert difference.mean() < 10


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


def test_calibration_is_smooth_wide_and_comes_back(photo, head):
    picture = read_photo(photo)
    still = solve_still(head, landmarks_of_photo(picture, photo), picture)
    performance = calibration_performance(head, still)
    assert len(performance) == FRAMES
    assert performance.fps == 25
    assert np.array_equal(performance.expression[0], still.expression[0])
    np.testing.assert_allclose(performance.rotation[0], still.rotation[0], atol=1e-6)
    np.testing.assert_allclose(performance.translation[0], still.translation[0], atol=1e-6)
    assert (performance.expression.min(), performance.expression.max()) == (0, 1)
    spread = dict(zip(ARKIT_NAMES, np.ptp(performance.expression, axis=0), strict=True))
    for name in ("jawOpen", "mouthPucker", "mouthSmileLeft", "eyeBlinkRight", "browInnerUp", "browDownLeft"):
        assert spread[name] > 0.3, name
    turns = performance.rotation @ still.rotation[0].T
    yaw = np.degrees(np.arctan2(turns[:, 0, 2], turns[:, 2, 2]))
    assert (yaw.min(), yaw.max()) == pytest.approx((-25, 25), abs=0.5)
    assert np.degrees(np.abs(np.diff(yaw))).max() < 200
    lids = [place for place, name in enumerate(ARKIT_NAMES) if name.startswith("eyeBlink")]
    steps = np.abs(np.diff(np.delete(performance.expression, lids, 1), axis=0))
    assert steps.max() < 0.25
    assert np.abs(np.diff(performance.gaze, axis=0)).max() < 0.1


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
