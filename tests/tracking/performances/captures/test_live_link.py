# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face captures: the real one, and what other writers make of the format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.tests.makers.performances import moving
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.performances.captures.live_link import LIVE_LINK
from semblance.tracking.performances.captures.registry import read_performance, write_performance

if TYPE_CHECKING:
    from pathlib import Path

FORWARD = np.array([0, 0, -1.0])


@pytest.fixture
def capture(shared: Path) -> Path:
    return shared / "media" / "captures" / "livelink_head_and_face.csv"


def test_a_real_capture(capture: Path) -> None:
    performance = read_performance(capture)
    assert performance.fps == 60
    assert len(performance) == 187
    assert np.flatnonzero(performance.confidence == 0).tolist() == [6, 7, 8, 9, 10, 11, 12]
    assert np.diff(performance.times) == pytest.approx(np.full(186, 1 / 60), rel=0.01)
    assert "7 dropped frames are interpolated." in performance.extra["notes"]
    assert performance.expression[0, ARKIT_NAMES.index("jawOpen")] == pytest.approx(0.0773283392)
    assert performance.expression[0, ARKIT_NAMES.index("eyeBlinkRight")] == pytest.approx(0.0001781950)


def test_eyes_of_a_real_capture_look_where_its_expressions_say(capture: Path) -> None:
    performance = read_performance(capture)

    def look(name: str) -> np.ndarray:
        return performance.expression[:, ARKIT_NAMES.index(f"eyeLook{name}")]

    to_right = look("InLeft") - look("OutLeft"), look("OutRight") - look("InRight")
    down = look("DownLeft") - look("UpLeft"), look("DownRight") - look("UpRight")
    for eye in (0, 1):
        assert np.corrcoef(performance.gaze[:, eye, 1], to_right[eye])[0, 1] > 0.99
        assert np.corrcoef(performance.gaze[:, eye, 0], down[eye])[0, 1] > 0.99


@pytest.mark.parametrize(
    ("column", "axis", "direction"), [("HeadYaw", 0, -1), ("HeadPitch", 1, 1)], ids=["to the right", "down"]
)
def test_head_angles_turn_the_face(tmp_path: Path, column: str, axis: int, direction: int) -> None:
    angles = {name: 0.3 if name == column else 0 for name in ("HeadYaw", "HeadPitch", "HeadRoll")}
    path = tmp_path / "turn.csv"
    path.write_text(f"Timecode,JawOpen,{','.join(angles)}\n00:00:00:00.000,0,{','.join(map(str, angles.values()))}\n")
    seen = read_performance(path).rotation[0] @ FORWARD
    assert seen[axis] == pytest.approx(direction * np.sin(0.3), abs=1e-6)


def test_columns_in_any_order_case_and_spelling(capture: Path, tmp_path: Path) -> None:
    rows = [line.split(",") for line in capture.read_text().splitlines()]
    order = np.random.default_rng(0).permutation(len(rows[0]))
    rows[0] = [name.swapcase() if index % 2 else name.lower() for index, name in enumerate(rows[0])]
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join(",".join(row[index] for index in order) for row in rows))
    assert np.array_equal(read_performance(shuffled).expression, read_performance(capture).expression)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(capture: Path, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "marked.csv"
    path.write_text(capture.read_text(), encoding=encoding)
    assert len(read_performance(path)) == 187


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_and_decimal_commas(capture: Path, tmp_path: Path, separator: str) -> None:
    path = tmp_path / "german.csv"
    path.write_text(capture.read_text().replace(",", separator).replace(".", ","))
    assert np.array_equal(read_performance(path).expression, read_performance(capture).expression)


def test_a_frame_that_comes_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("Timecode,JawOpen\n00:00:00:01.0,0.1\n00:00:00:01.0,0.2\n00:00:00:02.0,0.3\n")
    assert read_performance(path).expression[:, ARKIT_NAMES.index("jawOpen")] == pytest.approx([0.1, 0.3])


def test_what_is_written_has_the_apps_columns(capture: Path, tmp_path: Path) -> None:
    write_performance(moving(), tmp_path / "take.csv", LIVE_LINK)
    written = (tmp_path / "take.csv").read_text().splitlines()
    assert written[0].lower() == capture.read_text().splitlines()[0].lower()
    assert written[1].startswith("00:00:00:00.000,61,")
    assert {line.count(",") for line in written} == {62}
