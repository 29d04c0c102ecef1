# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables as spreadsheets write them: any separator, decimal sign and encoding."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.performances.captures.registry import read_performance
from semblance.tracking.performances.captures.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

JAW = ARKIT_NAMES.index("jawOpen")
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16": b"",
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32": b"",
    "utf-16-le": b"",
    "cp1252": b"",
}
"""Each with the mark that Python does not write by itself."""


def written(rows: list[list[str]], separator: str, first: str, end: str = "\r\n") -> str:
    """A table as text; cells that hold the separator are quoted."""
    cells = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in rows]
    return first + end.join(separator.join(row) for row in cells) + end


@settings(max_examples=150)
@given(
    separator=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    said=st.sampled_from(["", "sep={}", '"sep={}"', "SEP={}", "sep={0}{0}{0}"]),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    jaws=st.lists(st.floats(0, 1).map(lambda value: round(value, 6)), min_size=2, max_size=9),
)
def test_tables_of_any_spreadsheet(
    tmp_path_factory: pytest.TempPathFactory,
    separator: str,
    decimal: str,
    said: str,
    encoding: str,
    end: str,
    jaws: list[float],
) -> None:
    numbers = [[f"{index / 25:.3f}", f"{jaw:.6f}"] for index, jaw in enumerate(jaws)]
    rows = [["time", "jawOpen"], *([cell.replace(".", decimal) for cell in row] for row in numbers)]
    text = written(rows, separator, said.format(separator) + end if said else "", end)
    path = tmp_path_factory.getbasetemp() / "spreadsheet.csv"
    path.write_bytes(ENCODINGS[encoding] + text.encode(encoding))
    performance = read_performance(path)
    assert performance.expression[:, JAW] == pytest.approx(jaws, abs=1e-6)
    assert performance.times == pytest.approx(np.arange(len(jaws)) / 25)


def test_lines_are_counted_with_the_separators_line(tmp_path: Path) -> None:
    path = tmp_path / "capture.csv"
    path.write_text("sep=;\ntime;jawOpen\n0;0\n0,1;wide\n")
    with pytest.raises(UserError, match=r"Line 4 of .* has “wide” in column jawOpen"):
        read_performance(path)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1,5", 1.5), ('"1,234.5"', 1234.5), ("1.234,5", 1234.5), ("0,123", 0.123), ("-,5", -0.5), ("1,5e-3", 0.0015)],
)
def test_signs_in_a_single_number(tmp_path: Path, cell: str, number: float) -> None:
    path = tmp_path / "capture.csv"
    path.write_text(f"a;b\n{cell};x\n")
    assert read_table(path).numbers(["a"])[0, 0] == number


def test_thousands_are_told_from_decimals_by_the_other_numbers(tmp_path: Path) -> None:
    path = tmp_path / "capture.csv"
    path.write_text('time_ms,jawOpen\n960.5,0.25\n"1,000.5",0.5\n"1,040",0.5\n')
    assert read_performance(path).times == pytest.approx([0, 0.04, 0.0795])
    path.write_text('time,jawOpen\n"0,960","0,25"\n"1,000","0,5"\n"1,040","0,5"\n')
    assert read_performance(path).times - read_performance(path).times[0] == pytest.approx([0, 0.04, 0.08])


def test_decimal_commas_between_commas_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "capture.csv"
    path.write_text("time,jawOpen\n0,0,0,5\n")
    with pytest.raises(UserError, match=r"decimal commas need another separator: export it with semicolons"):
        read_performance(path)


def test_a_line_that_names_the_separator_alone_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "capture.csv"
    for text in ("sep=;", "sep=;\n\n", "sep=;\ntime;jawOpen\n"):
        path.write_text(text)
        with pytest.raises(UserError, match="has no frames"):
            read_performance(path)


def test_the_shared_capture_with_a_separators_line(shared: Path) -> None:
    path = shared / "faults" / "excel-sep.csv"
    original = shared / "media" / "captures" / "livelink_head_and_face.csv"
    if not path.is_file() or not original.is_file():
        pytest.skip("needs the captures of the shared media")
    performance, whole = read_performance(path), read_performance(original)
    assert performance.fps == whole.fps
    assert performance.expression == pytest.approx(whole.expression[: len(performance)], abs=1e-6)
    assert performance.rotation == pytest.approx(whole.rotation[: len(performance)], abs=1e-6)
