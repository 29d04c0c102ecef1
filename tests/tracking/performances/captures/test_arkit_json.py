# SPDX-License-Identifier: GPL-3.0-or-later
"""ARKit's captures as JSON, in the shapes that apps export."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.performances.captures.registry import read_performance

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.performances.performance import Performance

JAW, BLINK = ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("eyeBlinkLeft")
OPENING = [0.0, 0.25, 0.5]
LOOKS_RIGHT_IN_ARKIT = [[0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]]
"""A quarter turn that takes +z (out of the face) to -x, the subject's right; as columns."""


def read(tmp_path: Path, document: Any) -> Performance:
    path = tmp_path / "capture.json"
    path.write_text(json.dumps(document))
    return read_performance(path)


FRAMES = [{"time": 5 + i / 30, "blendShapes": {"jawOpen": jaw}} for i, jaw in enumerate(OPENING)]


@pytest.mark.parametrize(
    "document",
    [
        {"frames": FRAMES},
        FRAMES,
        {"frames": [{"timestamp": i * 33.333, "BlendShapes": {"JawOpen": jaw}} for i, jaw in enumerate(OPENING)]},
        {"fps": 30, "frames": [{"jawOpen": jaw} for jaw in OPENING]},
        {"time": [0, 1 / 30, 2 / 30], "jawOpen": OPENING},
        {"frameRate": 30, "blendShapes": {"jawOpen": OPENING}},
        {"fps": 30, "blendShapeNames": ["jawOpen"], "frames": [{"weights": [jaw]} for jaw in OPENING]},
        {"exportFps": 30.0, "facsNames": ["jawOpen"], "weightMat": [[jaw] for jaw in OPENING]},
    ],
    ids=["frames", "list", "milliseconds", "flat", "columns", "nested columns", "arrays", "matrix"],
)
def test_the_shapes_that_apps_export(tmp_path: Path, document: Any) -> None:
    performance = read(tmp_path, document)
    assert performance.expression[:, JAW] == pytest.approx(OPENING)
    assert performance.times == pytest.approx(np.arange(3) / 30, abs=1e-4)
    assert performance.fps == pytest.approx(30, abs=0.01)


@pytest.mark.parametrize("name", ["eyeBlinkLeft", "EyeBlinkLeft", "eyeBlink_L", "eyeblink_left", "Face.eyeBlink_L"])
def test_names_in_any_spelling(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, [{name: 0.5}]).expression[0, BLINK] == 0.5


def test_two_halves_make_a_whole(tmp_path: Path) -> None:
    performance = read(tmp_path, [{"browInnerUp_L": 0.25, "browInnerUp_R": 0.75}])
    assert performance.expression[0, ARKIT_NAMES.index("browInnerUp")] == 0.5


def test_percent(tmp_path: Path) -> None:
    performance = read(tmp_path, [{"jawOpen": 50}, {"jawOpen": 100}])
    assert performance.expression[:, JAW] == pytest.approx([0.5, 1])
    assert "Expressions are given in percent." in performance.extra["notes"]


@pytest.mark.parametrize("layout", ["columns", "rows", "flat"])
def test_transforms_are_the_heads(tmp_path: Path, layout: str) -> None:
    matrix = np.array(LOOKS_RIGHT_IN_ARKIT, float).T
    matrix[:3, 3] = 0.1, 0.2, -0.5
    written = {"columns": matrix.T.tolist(), "rows": matrix.tolist(), "flat": matrix.T.ravel().tolist()}[layout]
    performance = read(tmp_path, [{"jawOpen": 0.0, "transform": written}])
    assert performance.rotation[0] @ (0, 0, -1) == pytest.approx([-1, 0, 0], abs=1e-6), "it looks to its right"
    assert performance.translation[0] == pytest.approx([0.1, -0.2, 0.5])


def test_eyes_look_along_their_z(tmp_path: Path) -> None:
    eighth = np.array([[np.cos(0.3), 0, -np.sin(0.3), 0], [0, 1, 0, 0], [np.sin(0.3), 0, np.cos(0.3), 0], [0, 0, 0, 1]])
    columns = eighth.T.tolist()
    performance = read(tmp_path, [{"jawOpen": 0.0, "leftEyeTransform": columns, "rightEyeTransform": columns}])
    assert performance.gaze[0] == pytest.approx(np.array([[0, 0.3], [0, 0.3]]), abs=1e-6)


def test_frames_without_a_face_have_no_confidence(tmp_path: Path) -> None:
    performance = read(tmp_path, [{"jawOpen": 0, "isTracked": True}, {"jawOpen": 0, "isTracked": False}])
    assert performance.confidence.tolist() == [1, 0]


def test_dropped_frames_are_found(tmp_path: Path) -> None:
    performance = read(tmp_path, [{"time": frame / 60, "jawOpen": frame / 10} for frame in (0, 1, 2, 5, 6)])
    assert performance.confidence.tolist() == [1, 1, 1, 0, 0, 1, 1]
    assert performance.expression[:, JAW] == pytest.approx(np.arange(7) / 10)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"version": 2}, "has none of ARKit's expression names"),
        ([], "has none of ARKit's expression names"),
        ([1, 2], "has none of ARKit's expression names"),
        ([{"jawOpen": "wide"}], 'Frame 0 of .* has "wide" for jawopen; a number is needed'),
        ([{"jawOpen": 0}, {"jawOpen": None}], "Frame 1 of .* has null for jawopen"),
        ([{"jawOpen": float("nan")}], "Frame 0 of .* has NaN for jawopen"),
        ([{"jawOpen": 1e9}], "has the value 1e.09 for jawOpen in frame 0; 0 to 1 is needed"),
        ([{"time": 1, "jawOpen": 0}, {"time": 0, "jawOpen": 0}], "Time does not rise after frame 0"),
        ([{"jawOpen": 0, "transform": [1, 2, 3]}], "Frame 0 of .* has a transform that is not 4 x 4 numbers"),
        ([{"jawOpen": 0, "transform": np.diag([2, 2, 2, 1]).tolist()}], "is not a rotation and translation"),
        ({"facsNames": ["jawOpen"], "weightMat": [[0, 1]]}, "not as long as its list of names"),
        ({"time": [0], "jawOpen": [0, 1]}, "has 1 times for 2 frames"),
        ({"jawOpen": [0, 1], "mouthPucker": [0]}, "columns of different lengths"),
    ],
)
def test_wrong_documents_get_one_sentence(tmp_path: Path, document: Any, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        read(tmp_path, document)
    assert str(raised.value).endswith(".")


def test_broken_json_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "capture.json"
    path.write_text('{"frames": [\n{"time": 0,}\n]}')
    with pytest.raises(UserError, match=r"Line 2 of .* is not JSON"):
        read_performance(path)


def test_a_number_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "capture.json"
    path.write_text(f'[{{"jawOpen": {"9" * 6000}}}]')
    with pytest.raises(UserError, match=r"Frame 0 of .* has Infinity for jawopen"):
        read_performance(path)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "capture.json"
    path.write_text("[" * 200_000)
    with pytest.raises(UserError):
        read_performance(path)
