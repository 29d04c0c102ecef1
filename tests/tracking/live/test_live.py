# SPDX-License-Identifier: GPL-3.0-or-later
"""Live tracking: pictures in at their own pace, new frames out, with their latency."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.footage import plain, portrait, write_video
from semblance.tracking.detection.landmarks import LandmarkDetector
from semblance.tracking.live.live_frames import joined, live_frames
from semblance.tracking.live.live_solver import CALIBRATION, LiveSolver
from semblance.tracking.live.meter import Meter
from semblance.tracking.live.source import Camera, PlayedFile, Shot, played
from semblance.tracking.media.footage import Footage

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

APART = 0.15
"""Seconds from picture to picture."""
UNTIL_KNOWN = round(CALIBRATION / APART) + 1
"""Pictures with a face until the person is known."""


def nobody() -> np.ndarray:
    return np.full((256, 256, 3), (90, 110, 100), np.uint8)


class InStep:
    """Gives a picture whenever one has come out at the other end, so that none is dropped; ends when nobody reads."""

    name, fps, size = "a test", 1 / APART, (256, 256)

    def __init__(self, pictures: Sequence[np.ndarray]) -> None:
        self._pictures = pictures
        self.taken = threading.Semaphore(1)

    def shots(self) -> Generator[Shot, None, None]:
        for index, picture in enumerate(self._pictures):
            if not self.taken.acquire(timeout=300):
                return
            yield Shot(picture, index * APART, captured=100 + index)


class FakeClock:
    """Time passes only where somebody sleeps, or works."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_person_is_met_followed_lost_and_found_again(head):
    faces = [portrait(2 * index) for index in range(UNTIL_KNOWN + 6)]
    source = InStep([nobody(), *faces[: UNTIL_KNOWN + 3], nobody(), nobody(), nobody(), *faces[UNTIL_KNOWN + 3 :]])
    meter = Meter()
    frames = []
    with closing(live_frames(source, head, dropped=meter.drop, clock=lambda: 200.0)) as live:
        for frame in live:
            frames.append(frame)
            source.taken.release()
    assert len(frames) == len(faces) + 4, "nothing is dropped while the reader keeps up, and the end is the end"
    assert meter.read().dropped == 0
    known = [frame for frame in frames if frame.performance is not None]
    assert len(known) == len(frames) - 1 - UNTIL_KNOWN
    assert all((frame.maps is None) == (frame.performance is None) for frame in frames)
    assert [frame.latency for frame in frames[:3]] == [100, 99, 98]

    take = joined([frame.performance for frame in known])
    assert take.times[0] == 0
    assert take.fps == pytest.approx(1 / APART)
    assert (take.confidence[[0, 1, 2, 6, 7, 8]] > 0.5).all()
    assert (take.confidence[3:6] == 0).all()
    assert (take.translation[3:6] == take.translation[2]).all()
    assert take.translation[8, 0] > take.translation[2, 0] > take.translation[0, 0]
    uv_map, texture_map = known[0].maps
    assert uv_map.shape == texture_map.shape == (256, 256, 3)
    assert 0.1 < uv_map[..., 2].mean() < 0.9


def test_while_the_person_is_away_a_poster_is_not_followed(head):
    room = np.full((256, 448, 3), (120, 126, 130), np.uint8)
    room[10:120, 20:130] = cv2.resize(portrait(), (110, 110), interpolation=cv2.INTER_AREA)
    there = room.copy()
    there[:, 192:] = portrait()
    source = InStep([*[there] * (UNTIL_KNOWN + 3), *[room] * 8, there])
    with closing(live_frames(source, head)) as live:
        frames = []
        for frame in live:
            frames.append(frame)
            source.taken.release()
    assert [frame.landmarks is None for frame in frames[-9:]] == [True] * 8 + [False]
    assert [frame.performance.confidence[0] > 0.5 for frame in frames[-9:]] == [False] * 8 + [True]


@pytest.mark.slow
def test_one_who_comes_back_with_another_face_is_not_taken_for_the_person(head):
    """Whatever the picture says: the identity that was solved does not fit."""
    with LandmarkDetector(still=True) as detector:
        face = detector.detect(portrait())
    solver = LiveSolver(head, width=256, size=64, source="a test", fps=10)
    noise = np.random.default_rng(1).normal(0, 0.3, (UNTIL_KNOWN + 20, *face.shape)).astype(np.float32)
    for index in range(UNTIL_KNOWN + 10):
        performance = solver.solve(portrait(), face + noise[index], index * APART)
    assert performance.confidence[0] > 0.5
    solver.solve(portrait(), None, (UNTIL_KNOWN + 10) * APART)
    other = (face - face.mean(0)) * np.float32((1.45, 1, 1)) + face.mean(0)
    assert solver.solve(portrait(), other, (UNTIL_KNOWN + 11) * APART).confidence[0] == 0
    assert solver.solve(portrait(), face, (UNTIL_KNOWN + 12) * APART).confidence[0] > 0.5


def test_a_reader_that_stops_ends_everything_even_before_a_face_was_seen(head):
    before = set(threading.enumerate())
    source = InStep([nobody()] * 5)
    with closing(live_frames(source, head)) as live:
        assert next(live).performance is None
        source.taken.release(5)
    assert before.issuperset(threading.enumerate())


def test_a_face_that_is_too_small_is_said(head):
    with LandmarkDetector(still=True) as detector:
        landmarks = detector.detect(portrait())
    solver = LiveSolver(head, width=256, size=64, source="a test", fps=10)
    for index in range(UNTIL_KNOWN - 1):
        assert solver.solve(portrait(), landmarks / 4, index * APART) is None
    with pytest.raises(UserError, match=r"a test is only \d+ pixels wide"):
        solver.solve(portrait(), landmarks / 4, UNTIL_KNOWN * APART)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames, a tenth of a second apart."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_video(path, [plain(40 * level) for level in range(6)], fps=10, codec="mpeg4")


def test_a_file_plays_at_the_pace_of_its_own_times(film):
    clock = FakeClock()
    captured = [shot.captured for shot in PlayedFile(Footage.open(film), clock, clock.sleep).shots()]
    assert captured == pytest.approx([50, 50.1, 50.2, 50.3, 50.4, 50.5])


def test_after_a_late_frame_a_file_plays_on_and_never_in_a_rush(film):
    clock, captured = FakeClock(), []
    for shot in PlayedFile(Footage.open(film), clock, clock.sleep).shots():
        captured.append(shot.captured)
        clock.now += 0.35 if len(captured) == 2 else 0.02
    assert captured == pytest.approx([50, 50.1, 50.45, 50.55, 50.65, 50.75])


def test_the_meter_tells_the_last_second():
    meter = Meter()
    assert meter.read().fps == 0
    for index in range(50):
        finished = index / 25
        meter.finish(finished - (0.5 if index < 20 else 0.03), finished)
    meter.finish(2.0 - 0.08, 2.0)
    meter.drop()
    reading = meter.read()
    assert reading.fps == pytest.approx(25)
    assert reading.latency == pytest.approx(0.03)
    assert reading.slowest == pytest.approx(0.08)
    assert reading.dropped == 1


def test_a_camera_that_is_not_there_is_one_sentence(capfd):
    with pytest.raises(UserError, match="Camera 97 cannot be opened; check that it is connected"):
        Camera(97)
    assert capfd.readouterr().err == ""


def test_a_stream_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="There is no video"):
        played(tmp_path / "none.mp4")
