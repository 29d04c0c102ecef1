# SPDX-License-Identifier: GPL-3.0-or-later
"""Times under any name and in any unit, or a sentence that says that they were not understood."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.tracking.performances.captures.moments import time_names, understood, unit_in
from semblance.tracking.performances.captures.names import key
from semblance.tracking.performances.captures.registry import read_performance

if TYPE_CHECKING:
    from semblance.tracking.performances.performance import Performance

FRAMES = 12
UNITS = {
    "timestamp_ms": 1e3, "timeStampMs": 1e3, "Time (ms)": 1e3, "elapsedMilliseconds": 1e3, "millis": 1e3,
    "t_us": 1e6, "timestamp_us": 1e6, "Timestamp (µs)": 1e6, "captureTimeMicros": 1e6, "host_time_ns": 1e9,
    "presentationTimestampNanos": 1e9, "seconds": 1, "time_sec": 1, "Elapsed Time (s)": 1, "deviceTimestamp": 1,
    "timestamp": 1, "t": 1, "videoTime": 1,
}  # fmt: skip
"""How many make a second, by the name that apps give them."""


def read(folder: Path, document: Any) -> Performance:
    path = folder / "capture.json"
    path.write_text(json.dumps(document))
    return read_performance(path)


def notes(performance: Performance) -> str:
    return " ".join(performance.extra["notes"])


@pytest.mark.parametrize(("name", "unit"), UNITS.items())
@pytest.mark.parametrize("fps", [24, 30, 120])
def test_json_and_tables_with_times_under_any_name(tmp_path: Path, name: str, unit: float, fps: float) -> None:
    times = [1.7e6 + round(frame / fps * unit, 3) for frame in range(FRAMES)]
    frames = [{name: time, "blendShapes": {"jawOpen": 0.5}} for time in times]
    columns = {name: times, "jawOpen": [0.5] * FRAMES}
    table = tmp_path / "capture.csv"
    table.write_text("\n".join([f"{name},jawOpen", *(f"{time},0.5" for time in times)]), encoding="utf-8")
    for performance in (read(tmp_path, {"frames": frames}), read(tmp_path, columns), read_performance(table)):
        assert performance.fps == pytest.approx(fps, rel=0.01)
        assert np.diff(performance.times) == pytest.approx(np.full(FRAMES - 1, 1 / fps), abs=1e-3)
        assert "not understood" not in notes(performance)


@pytest.mark.parametrize(
    "texts",
    [
        ["00:00:59.960", "00:01:00.000", "00:01:00.040"],
        ["23:59:59,960", "24:00:00,000", "24:00:00,040"],
        ["23:59:59.960", "00:00:00.000", "00:00:00.040"],
        ["59:59.96", "60:00.00", "60:00.04"],
        ["10:00:00:23", "10:00:00:24", "10:00:01:00"],
        ["2026-11-28T10:00:00.960Z", "2026-11-28T10:00:01.000Z", "2026-11-28T10:00:01.040Z"],
        ["2026-11-28 10:00:00.960", "2026-11-28 10:00:01.000", "2026-11-28 10:00:01.040"],
        ["0.96", "1.00", "1.04"],
        ["0,96", "1,00", "1,04"],
        ["960", "1000", "1040"],
    ],
)
@pytest.mark.parametrize("name", ["time", "timestamp", "timecode"])
def test_times_of_day_dates_and_timecode(tmp_path: Path, texts: list[str], name: str) -> None:
    table = tmp_path / "capture.csv"
    table.write_text("\n".join([f"{name};jawOpen", *(f"{text};0.5" for text in texts)]))
    for performance in (read(tmp_path, [{name: text, "jawOpen": 0.5} for text in texts]), read_performance(table)):
        assert performance.times - performance.times[0] == pytest.approx([0, 0.04, 0.08], abs=1e-6)
        assert performance.fps == pytest.approx(25)


@pytest.mark.parametrize(
    "frames",
    [
        [{"jawOpen": 0}, {"jawOpen": 1}],
        [{"when": index / 30, "jawOpen": 0} for index in range(3)],
        [{"time": {"seconds": 1, "nanos": index}, "jawOpen": 0} for index in range(3)],
        [{"time": 0, "jawOpen": 0}, {"time": 0, "jawOpen": 0}],
        [{"time": 0, "jawOpen": 0}, {"time": None, "jawOpen": 0}],
        [{"time": "then", "jawOpen": 0}, {"time": "later", "jawOpen": 0}],
        [{"exposureTime": 0.01, "jawOpen": 0}, {"exposureTime": 0.02, "jawOpen": 0}],
        [{"time": True, "jawOpen": 0}, {"time": 2, "jawOpen": 0}],
    ],
)
def test_json_without_times_says_so(tmp_path: Path, frames: list[dict[str, Any]]) -> None:
    performance = read(tmp_path, frames)
    assert performance.fps == 60
    assert "When its frames were taken was not understood, so 60 frames a second are assumed" in notes(performance)
    assert "not understood" not in notes(read(tmp_path, {"fps": 30, "frames": frames[:1]}))


@pytest.mark.parametrize(
    "document", [{"fps": "24"}, {"metadata": {"frameRate": 24}}, {"header": {"FPS": 24.0}, "fps": None}]
)
def test_a_frame_rate_is_found_where_apps_put_it(tmp_path: Path, document: dict[str, Any]) -> None:
    performance = read(tmp_path, document | {"frames": [{"jawOpen": 0}, {"jawOpen": 1}]})
    assert performance.fps == 24
    assert "not understood" not in notes(performance)


def test_a_unit_that_cannot_be_right_is_not_believed(tmp_path: Path) -> None:
    performance = read(tmp_path, [{"timestamp_ms": index / 30, "jawOpen": 0} for index in range(9)])
    assert performance.fps == pytest.approx(30)
    assert "Times are taken for seconds." in notes(performance)


def test_the_time_that_is_understood_is_taken(tmp_path: Path) -> None:
    frames = [{"timestamp": "unknown", "frameTime": 33.3, "elapsed_ms": 40 * index, "jawOpen": 0} for index in range(9)]
    assert read(tmp_path, frames).fps == pytest.approx(25)


def test_a_table_whose_times_are_not_understood(tmp_path: Path) -> None:
    table = tmp_path / "capture.csv"
    table.write_text("time,jawOpen\n0.5,0\n0.5,0\n")
    with pytest.raises(UserError, match=r"The times in column time of .* were not understood; give them in seconds"):
        read_performance(table)


def test_timecode_in_json_that_goes_back(tmp_path: Path) -> None:
    frames = [{"timecode": f"00:00:0{second}:10", "jawOpen": 0} for second in (1, 2, 1)]
    with pytest.raises(UserError, match=r"In frame 2 of .* time goes back"):
        read(tmp_path, frames)


@pytest.mark.parametrize(
    "name", ["jawOpen", "eyeBlinkLeft", "exposureTime", "deltaTime", "count", "", "mouthLeft", "in"]
)
def test_other_names_are_no_times(name: str) -> None:
    assert time_names([key(name)]) == []


def test_units_by_name() -> None:
    assert [unit_in(key(name)) for name in ("timestamp_ms", "t (ns)", "usec", "times", "timecode")] == [
        1e-3, 1e-9, 1e-6, None, None,
    ]  # fmt: skip


@given(
    st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12), max_size=6),
    st.sampled_from(["time", "timestampms", "timecode"]),
)
def test_any_values_are_understood_or_not(values: list[Any], name: str) -> None:
    with suppress(UserError):
        moments = understood(values, name, range(len(values)), Path("take.json"), "frame")
        assert moments is None or (np.isfinite(moments.seconds).all() and len(moments.seconds) == len(values))


def test_the_shared_capture_in_milliseconds(shared: Path) -> None:
    path = shared / "faults" / "timestamp-ms.json"
    if not path.is_file():
        pytest.skip("needs the faulty captures of the shared media")
    performance = read_performance(path)
    assert performance.fps == pytest.approx(30)
    assert performance.times[-1] == pytest.approx(59 / 30, abs=1e-3)
