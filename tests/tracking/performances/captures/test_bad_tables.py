# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged and foreign tables: one sentence, with the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.tests.makers.performances import moving
from semblance.tracking.performances.captures import tables
from semblance.tracking.performances.captures.arkit_json import ARKIT
from semblance.tracking.performances.captures.live_link import LIVE_LINK
from semblance.tracking.performances.captures.plain_csv import PLAIN_CSV
from semblance.tracking.performances.captures.registry import read_performance, write_performance

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.performances.captures.capture_format import CaptureFormat


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"time,jawOpen\n", "has no frames"),
        (b"time,jawOpen\n0,0\n0.1,wide\n", "Line 3 of .* has “wide” in column jawOpen; a number is needed"),
        (b"time,jawOpen\n0,0\n\n0.1,nan\n", "Line 4 of .* has “nan” in column jawOpen"),
        (b"time,jawOpen\n0,0\n0.1,inf\n", "Line 3 of .* has “inf” in column jawOpen"),
        (b"time,jawOpen\n0,\n", "Line 2 of .* has nothing in column jawOpen"),
        (b"time,jawOpen\n0,0\n0.1\n", "Line 3 of .* has 1 value where the heading has 2 names"),
        (b"time,jawOpen,JAWOPEN\n0,0,0\n", "has the column jawOpen twice"),
        (b"time,smile\n0,0\n", "has none of ARKit's expression names"),
        (b"frame,jawOpen\n0,0\n", "has neither a column Timecode nor a column time"),
        (b"time,jawOpen\n0.2,0\n0.1,0\n", "In line 3 of .* time does not rise"),
        (b"time,jawOpen\n0,1e9\n", "has the value 1e.09 for jawOpen in frame 0"),
        (b"Timecode,JawOpen\n00:00:00:00,0\nnow,0\n", "Line 3 of .* has the timecode “now”"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not a text file"),
        (b"\xff\xfe\0", "its text cannot be read"),
        (b"Some notes of mine\nabout faces\n", "neither a column Timecode nor a column time"),
    ],
)
def test_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "capture.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as raised:
        read_performance(path)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no performance file at"):
        read_performance(tmp_path / "nothing.csv")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LARGEST", 10)
    path = tmp_path / "large.csv"
    path.write_text("time,jawOpen\n0,0\n")
    with pytest.raises(UserError, match="too large for a performance"):
        read_performance(path)


def read_or_refused(path: Path) -> bool:
    """Tell whether a file is a performance with frames, or refused with a sentence."""
    try:
        return len(read_performance(path)) > 0
    except UserError as error:
        return str(error).endswith(".")


@settings(max_examples=60)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: ("time,jawOpen\n" + text).encode()))
def test_anything_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.csv"
    path.write_bytes(content)
    assert read_or_refused(path)


@pytest.mark.parametrize("written", [PLAIN_CSV, LIVE_LINK, ARKIT], ids=lambda each: each.name)
@settings(max_examples=40)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    written: CaptureFormat,
    data: st.DataObject,
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.file"
    write_performance(moving(), path, written)
    whole = bytearray(path.read_bytes())
    start = data.draw(st.integers(0, len(whole) - 1))
    whole[start : start + data.draw(st.integers(0, 50))] = data.draw(st.binary(max_size=20))
    path.write_bytes(whole)
    assert read_or_refused(path)
