# SPDX-License-Identifier: GPL-3.0-or-later
"""The Face Landmarker is called as FaceMesh is; its model here is put together from those in MediaPipe's own wheel."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import mediapipe
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tracking.detection import face_mesh
from semblance.tracking.detection.landmarks import LandmarkDetector

MODULES = "mediapipe/modules"
PARTS = {
    "face_detector.tflite": "face_detection/face_detection_short_range.tflite",
    "face_landmarks_detector.tflite": "face_landmark/face_landmark.tflite",
}


@pytest.fixture
def model(tmp_path, monkeypatch) -> Path:
    modules = Path(mediapipe.__file__).parent / "modules"
    if not (modules / PARTS["face_detector.tflite"]).is_file():
        pytest.skip("this MediaPipe brings no models")
    file = tmp_path / "face_landmarker.task"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, part in PARTS.items():
            archive.write(modules / part, name)
    monkeypatch.setenv(face_mesh.MODEL_VARIABLE, str(file))
    return file


class Landmarker:
    """Stands in for MediaPipe's: one face, and what it was asked."""

    asked: ClassVar[list] = []

    @classmethod
    def create_from_options(cls, options):
        cls.asked.append(str(options.running_mode).rpartition(".")[2])
        return cls()

    def detect(self, picture):
        return self.detect_for_video(picture, None)

    def detect_for_video(self, picture, time):
        self.asked.append(time)
        points = [SimpleNamespace(x=0.5, y=0.25, z=index / 478) for index in range(478)]
        return SimpleNamespace(face_landmarks=[points])

    def close(self):
        self.asked.append("closed")


def test_its_landmarks_come_as_face_mesh_s_do(model, monkeypatch):
    from mediapipe.tasks.python import vision

    monkeypatch.setattr(vision, "FaceLandmarker", Landmarker)
    Landmarker.asked.clear()
    with LandmarkDetector() as detector:
        started = len(Landmarker.asked)
        for _ in range(2):
            found = detector.detect(np.zeros((200, 400, 3), np.uint8))
        detector._mesh.reset()
        detector.detect(np.zeros((200, 400, 3), np.uint8))
    np.testing.assert_allclose(found[[0, 239]], [(200, 50, 0), (200, 50, 200)], atol=1e-3)
    assert Landmarker.asked[0] == "VIDEO"
    times = Landmarker.asked[started:-1]
    assert times[0] < times[1], "in a video, times grow"
    assert times[2:] == ["closed", "VIDEO", 0], "after a reset they begin anew"
    Landmarker.asked.clear()
    with LandmarkDetector(still=True) as detector:
        detector.detect(np.zeros((200, 400, 3), np.uint8))
    assert Landmarker.asked == ["IMAGE", None, None, "closed"]


def test_no_face_is_none(model):
    with LandmarkDetector(still=True) as detector:
        assert detector.detect(np.zeros((256, 256, 3), np.uint8)) is None


def test_the_model_among_the_weights_is_taken(model, tmp_path, monkeypatch):
    monkeypatch.delenv(face_mesh.MODEL_VARIABLE)
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    assert face_mesh.model_file() is None
    kept = tmp_path / "home" / "weights" / face_mesh.MODEL_NAME
    kept.parent.mkdir(parents=True)
    model.rename(kept)
    assert face_mesh.model_file() == kept


def test_a_file_that_is_none_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(face_mesh.MODEL_VARIABLE, str(tmp_path / "none.task"))
    with pytest.raises(UserError, match=r"names .*none\.task"):
        face_mesh.open_face_mesh(True, 1)
    (tmp_path / "none.task").write_bytes(b"PK no")
    with pytest.raises(UserError, match="no face landmarker model"):
        face_mesh.open_face_mesh(True, 1)


def test_a_mediapipe_without_models_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.delenv(face_mesh.MODEL_VARIABLE, raising=False)
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path))

    def gone(_name):
        raise ModuleNotFoundError("No module named 'mediapipe.python'")

    monkeypatch.setattr(face_mesh, "solution", gone)
    with pytest.raises(UserError, match=r"face_landmarker\.task"):
        face_mesh.open_face_mesh(True, 1)
