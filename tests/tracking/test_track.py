# SPDX-License-Identifier: GPL-3.0-or-later
"""From a video to a dataset, and the footage that cannot become one.

The footage is made here from NASA's public-domain portrait in scikit-image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled, Progress
from semblance.tests.makers.footage import portrait, write_video
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.detection.landmarks import LandmarkDetector, eye_distance, landmarks_of_photo
from semblance.tracking.media.footage import Footage
from semblance.tracking.performances.plates import plate_behind
from semblance.tracking.track import track, track_performance

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.heads.head import MorphableHead

Picture = Callable[[int], np.ndarray]
SIZE = 64


def nobody(_frame: int = 0) -> np.ndarray:
    return np.full((256, 256, 3), (90, 110, 100), np.uint8)


def still(picture: np.ndarray) -> Picture:
    return lambda _frame: picture


def film(path: Path, picture: Picture, frames: int) -> Path:
    return write_video(path, [picture(index) for index in range(frames)], codec="mpeg4", bit_rate=4_000_000)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of a head that moves to the right and is away in the sixth and seventh."""
    folder = tmp_path_factory.mktemp("footage")
    return film(folder / "take.mp4", lambda i: nobody() if i in (5, 6) else portrait(2 * i), 12)


def test_a_video_becomes_a_dataset(footage: Path, head: MorphableHead, tmp_path: Path) -> None:
    heard: list[Progress] = []
    dataset = track(footage, tmp_path / "set", head=head, size=SIZE, listener=heard.append)
    assert Dataset.open(tmp_path / "set") == dataset
    performance = dataset.performance()
    assert len(dataset.names) == len(performance) == 10
    assert performance.times[5] == pytest.approx(7 / 25, abs=0.002)
    assert performance.source == str(footage)
    assert dataset.sound == ""
    for name in (dataset.names[0], dataset.names[-1]):
        assert cv2.imread(str(dataset.image(name))).shape == (96, 96, 3)
        assert cv2.imread(str(dataset.matte(name)), cv2.IMREAD_UNCHANGED).shape == (96, 96)
        assert cv2.imread(str(dataset.uv_map(name)), cv2.IMREAD_UNCHANGED).dtype == np.uint16
        assert cv2.imread(str(dataset.texture_map(name))).shape == (256, 256, 3)
    stages = ["Finding the face", "Solving", "Aligning", "Cutting, matting and drawing", "Making the clean plate"]
    assert list(dict.fromkeys(progress.stage for progress in heard)) == stages
    assert all(0 <= progress.fraction <= 1 for progress in heard)
    for plate in (plate_behind(performance, head_alone=alone) for alone in (True, False)):
        assert plate is not None
        assert plate.parent == dataset.folder
        assert cv2.imread(str(plate)).shape == portrait().shape


def test_the_drawn_face_lies_on_the_filmed_one(footage: Path, head: MorphableHead, tmp_path: Path) -> None:
    """The UV map's face region covers the landmarks of the picture's central window."""
    dataset = track(footage, tmp_path / "set", head=head, size=256)
    image = cv2.imread(str(dataset.image(dataset.names[0])))[64:320, 64:320, ::-1]
    mask = cv2.imread(str(dataset.uv_map(dataset.names[0])), cv2.IMREAD_UNCHANGED)[..., 0] > 32768
    with LandmarkDetector(still=True) as detector:
        landmarks = detector.detect(np.ascontiguousarray(image))
    assert landmarks is not None
    columns, rows = landmarks[[1, 4, 50, 280, 151, 199], :2].round().astype(int).T
    assert mask[rows, columns].all()
    performance = dataset.performance()
    vertices = head.shape(performance.identity, performance.expression[0])[head.landmarks]
    points = performance.camera.project(vertices @ performance.rotation[0].T + performance.translation[0])
    distance = np.linalg.norm(points - landmarks[:, :2], axis=1)[:468].mean()
    assert distance < 0.05 * eye_distance(landmarks)


def test_a_driver_keeps_every_frame(footage: Path, head: MorphableHead) -> None:
    performance = track_performance(footage, head)
    assert len(performance) == 12
    assert (performance.confidence[5:7] == 0).all()
    assert (np.delete(performance.confidence, [5, 6]) > 0).all()
    moved = np.diff(performance.translation[:, 0])
    assert (moved[2:-2] > 0).all()


def test_footage_that_had_to_be_mended_is_said_and_gets_a_plate(head: MorphableHead, tmp_path: Path) -> None:
    one = write_video(tmp_path / "one.ts", [portrait(2 * index) for index in range(12)])
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() * 2)
    heard: list[Progress] = []
    dataset = track(both, tmp_path / "set", head=head, size=SIZE, listener=heard.append)
    performance = dataset.performance()
    assert len(performance) == 24
    assert performance.times == pytest.approx(np.arange(24) / 25, abs=0.002)
    notes = performance.extra["notes"]
    assert "Time starts anew at 0.5 s" in notes[0]
    assert any(progress.message == notes[0] for progress in heard)
    assert performance.extra["plate"] == str(tmp_path / "set" / "plate.mp4")
    assert [frame.time for frame in Footage.open(performance.extra["plate"])] == pytest.approx(
        performance.times, abs=0.002
    )


def test_usual_footage_needs_no_plate(footage: Path, head: MorphableHead, tmp_path: Path) -> None:
    extra = track(footage, tmp_path / "set", head=head, size=SIZE).performance().extra
    assert "plate" not in extra
    assert not any("Time starts anew" in note for note in extra.get("notes", ()))


def test_a_cancelled_run_leaves_nothing(footage: Path, head: MorphableHead, tmp_path: Path) -> None:
    def cancel(progress: Progress) -> None:
        if progress.stage == "Cutting, matting and drawing" and progress.done >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        track(footage, tmp_path / "set", head=head, size=SIZE, listener=cancel)
    assert list(tmp_path.iterdir()) == []


def test_no_face(head: MorphableHead, tmp_path: Path) -> None:
    video = film(tmp_path / "wall.mp4", nobody, 4)
    with pytest.raises(UserError, match=r"No face was found in .*wall\.mp4; choose"):
        track(video, tmp_path / "set", head=head, size=SIZE)
    assert not (tmp_path / "set").exists()


def test_two_faces(head: MorphableHead, tmp_path: Path) -> None:
    pair = np.hstack([portrait(), portrait()[:, ::-1]])
    video = film(tmp_path / "pair.mp4", still(pair), 4)
    with pytest.raises(UserError, match="shows 2 faces; cut it"):
        track(video, tmp_path / "set", head=head, size=SIZE)


def test_a_poster_is_not_taken_for_the_person(head: MorphableHead, tmp_path: Path) -> None:
    """While the person is blurred a photo on the wall is all that shows a face."""
    poster = cv2.resize(portrait(), (110, 110), interpolation=cv2.INTER_AREA)

    def picture(index: int) -> np.ndarray:
        person = cv2.GaussianBlur(portrait(), (0, 0), 20) if 5 <= index < 11 else portrait()
        room = np.full((256, 448, 3), (120, 126, 130), np.uint8)
        room[10:120, 20:130], room[:, 192:] = poster, person
        return room

    performance = track_performance(film(tmp_path / "poster.mp4", picture, 18), head)
    assert (performance.confidence[5:11] == 0).all()
    assert (np.delete(performance.confidence, range(5, 11)) > 0.5).all()
    assert performance.translation[:, 0] == pytest.approx(np.full(18, performance.translation[0, 0]), abs=0.01)


def test_a_photo_on_the_wall_that_is_there_first_is_not_the_person(head: MorphableHead, tmp_path: Path) -> None:
    """Somebody comes into the picture later, and is larger and there for longer."""
    small = cv2.resize(portrait()[:, ::-1], (110, 110), interpolation=cv2.INTER_AREA)
    small = (small * np.linspace(0.2, 1, 110)[None, :, None]).astype(np.uint8)

    def picture(index: int) -> np.ndarray:
        room = np.full((256, 448, 3), (120, 126, 130), np.uint8)
        room[10:120, 20:130] = small
        if index >= 3:
            room[:, 192:] = portrait()
        return room

    video = write_video(tmp_path / "wall.mp4", [picture(index) for index in range(16)], fps=5, codec="mpeg4")
    heard: list[Progress] = []
    performance = track_performance(video, head, heard.append)
    assert (performance.confidence[:3] == 0).all()
    assert (performance.confidence[3:] > 0.5).all()
    assert "Finding the main face" in {progress.stage for progress in heard}


def test_shared_footage_with_a_poster(shared: Path, head: MorphableHead) -> None:
    video = shared / "faults" / "poster.mp4"
    if not video.is_file():
        pytest.skip("needs the faulty footage of the shared media")
    performance = track_performance(video, head)
    assert (performance.confidence[20:30] == 0).all()
    assert (performance.confidence[[*range(20), *range(32, 50)]] > 0.5).all()


def test_a_face_that_leaves(head: MorphableHead, tmp_path: Path) -> None:
    video = film(tmp_path / "gone.mp4", lambda i: portrait() if i < 4 else nobody(), 12)
    with pytest.raises(UserError, match="seen in only 4 of the 12 frames"):
        track(video, tmp_path / "set", head=head, size=SIZE)


def test_a_face_of_sixteen_pixels(head: MorphableHead, tmp_path: Path) -> None:
    tiny = cv2.resize(portrait(), None, fx=16 / 110, fy=16 / 110, interpolation=cv2.INTER_AREA)
    tiny = tiny[: len(tiny) // 2 * 2, : len(tiny) // 2 * 2]
    wide = nobody()
    wide[100 : 100 + len(tiny), 100 : 100 + len(tiny)] = tiny
    for name, picture in (("close.mp4", tiny), ("far.mp4", wide)):
        video = film(tmp_path / name, still(picture), 4)
        with pytest.raises(UserError, match=r"pixels wide"):
            track(video, tmp_path / "set", head=head, size=SIZE)


def test_photos_need_exactly_one_face_of_some_size() -> None:
    assert landmarks_of_photo(portrait(), "me.jpg").shape == (478, 3)
    with pytest.raises(UserError, match=r"No face was found in wall\.jpg"):
        landmarks_of_photo(nobody(), "wall.jpg")
    with pytest.raises(UserError, match=r"pair\.jpg shows 2 faces"):
        landmarks_of_photo(np.hstack([portrait(), portrait()[:, ::-1]]), "pair.jpg")
    with pytest.raises(UserError, match="pixels wide"):
        landmarks_of_photo(cv2.resize(portrait(), (40, 40), interpolation=cv2.INTER_AREA), "tiny.jpg")


def test_a_small_face_in_a_large_picture_is_found_where_it_is() -> None:
    wide = np.full((540, 960, 3), (90, 110, 100), np.uint8)
    small = cv2.resize(portrait(), (220, 220), interpolation=cv2.INTER_AREA)
    wide[200:420, 700:920] = small
    with LandmarkDetector(still=True) as detector:
        face = detector.detect(wide)
        alone = detector.detect(small)
    assert face is not None
    assert alone is not None
    assert face[1, :2] - alone[1, :2] == pytest.approx([700, 200], abs=4)


def test_real_footage_with_sound(shared: Path, head: MorphableHead, tmp_path: Path) -> None:
    video = shared / "media" / "videos" / "direct_address.mp4"
    short = tmp_path / "short.mp4"
    with av.open(str(video)) as source, av.open(str(short), "w") as target:
        chosen = source.streams.video[0], source.streams.audio[0]
        copies = {stream.index: target.add_stream_from_template(stream) for stream in chosen}
        for packet in source.demux(*chosen):
            if packet.dts is not None and packet.dts * packet.time_base < 0.5:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    dataset = track(short, tmp_path / "set", head=head, size=SIZE)
    assert Footage.open(short).has_sound
    assert dataset.sound == str(short)
    assert dataset.performance().extra["reprojection_error"] < 0.03
