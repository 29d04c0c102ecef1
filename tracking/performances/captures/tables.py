# SPDX-License-Identifier: GPL-3.0-or-later
"""Text files of others, in whatever encoding, with whatever separator and decimal sign."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ....common.errors import UserError
from ....common.words import counted
from .names import key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ...heads.arrays import Doubles

SEPARATORS = ",;\t|"
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|:^~ ]?)"?[,;\t| ]*', re.IGNORECASE)
COMMA_NUMBER = re.compile(r"\s*[+-]?[\d.]*,\d+(?:[eE][+-]?\d+)?\s*")
POINT_NUMBER = re.compile(r"\s*[+-]?[\d,]*\.\d+(?:[eE][+-]?\d+)?\s*")
THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?\s*")
LOOKED_AT = 200
"""Rows by which the decimal sign is told."""
LARGEST = 512 * 2**20
"""Bytes; a text file that is larger is no performance."""
SAMPLE = 256
"""Bytes by which an encoding is told that a file does not name."""


@dataclass(frozen=True)
class Table:
    """A table with a heading, as text.

    Attributes:
        path: the file.
        names: the heading as it is written; keys: as it is compared.
        rows: the values, as many in each row as there are names.
        lines: the number of each row's line in the file.
        decimal_comma: most numbers have a comma for a decimal sign; where they have not, commas may part thousands.
    """

    path: Path
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    decimal_comma: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """The heading as it is compared."""
        return tuple(map(key, self.names))

    def texts(self, name: str) -> list[str]:
        """The column whose key is `name`."""
        column = self.keys.index(name)
        return [row[column] for row in self.rows]

    def numbers(self, names: Sequence[str]) -> Doubles:
        """Return `[T, N]`: the columns whose keys are `names`.

        Raises:
            UserError: something in them is no number, or not a finite one.
        """
        keys = self.keys
        columns = [keys.index(name) for name in names]
        cells = [[self.number_text(row[column]) for column in columns] for row in self.rows]
        try:
            values = np.array(cells, np.float64).reshape(len(cells), len(columns))
        except ValueError:
            values = np.array([[number_or_nan(cell) for cell in row] for row in cells])
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            name, cell = self.names[columns[column]], self.rows[row][columns[column]].strip()
            what = f"“{cell[:40]}”" if cell else "nothing"
            raise UserError(f"Line {self.lines[row]} of {self.path} has {what} in column {name}; a number is needed.")
        return values

    def number_text(self, cell: str) -> str:
        """A cell with a decimal point, and nothing between thousands."""
        if not self.decimal_comma and THOUSANDS.fullmatch(cell):
            return cell.replace(",", "")
        return cell.replace(".", "").replace(",", ".") if COMMA_NUMBER.fullmatch(cell) else cell


def read_table(path: Path) -> Table:
    """Read a table: columns parted by commas, semicolons, tabs or bars, its heading in the first line.

    A line `sep=;` before the heading, as spreadsheets write it, says what parts them. Decimal signs are points or
    commas, whatever parts the columns: the numbers tell.

    Raises:
        UserError: it is absent, empty, no text or too large, or its lines differ in length.
    """
    lines = read_text(path).splitlines()
    first = next(index for index, line in enumerate(lines) if line.strip())
    said = SEPARATOR_LINE.fullmatch(lines[first].strip("\ufeff "))
    body = lines[first + 1 :] if said else lines[first:]
    skipped = len(lines) - len(body)
    heading = next((line for line in body if line.strip()), "")
    separator = said[1] if said and said[1] else max(SEPARATORS, key=heading.count)
    reader = csv.reader(body, delimiter=separator)
    try:
        filled = [(row, skipped + reader.line_num) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        number = skipped + reader.line_num
        raise UserError(f"Line {number} of {path} is damaged ({error}); export the file again.") from error
    if len(filled) < 2:
        raise UserError(f"{path} has no frames; choose another file.")
    names = tuple(name.strip() for name in filled[0][0])
    rows = [row for row, _ in filled[1:]]
    table = Table(path, names, rows, [line for _, line in filled[1:]], has_decimal_commas(rows))
    require_whole(table, separator)
    return table


def has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether numbers have a comma for a decimal sign: more of them in the first rows than have a point."""
    cells = [cell for row in rows[:LOOKED_AT] for cell in row]
    commas = sum(COMMA_NUMBER.fullmatch(cell) is not None for cell in cells)
    return commas > sum(POINT_NUMBER.fullmatch(cell) is not None for cell in cells)


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, UTF-16, UTF-32 or, at the last, Latin-1.

    Raises:
        UserError: it is absent, empty, no text or too large.
    """
    if not path.is_file():
        raise UserError(f"There is no performance file at {path}.")
    if path.stat().st_size > LARGEST:
        raise UserError(f"{path} is larger than {LARGEST // 2**20} MB, too large for a performance; split it.")
    data = path.read_bytes()
    try:
        text = decoded(data)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is damaged: its text cannot be read; export the file again.") from error
    if "\0" in text:
        raise UserError(f"{path} is not a text file; choose a performance.")
    if not text.strip():
        raise UserError(f"{path} is empty; choose another file.")
    return text


def decoded(data: bytes) -> str:
    """Text in whatever encoding it has."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) and len(data) % 4 == 0:
        return data.decode("utf-32")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    if encoding := unmarked_utf16(data):
        return data.decode(encoding)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def unmarked_utf16(data: bytes) -> str:
    """The encoding of text in UTF-16 without a byte order mark, by the zeros beside plain letters; empty for others."""
    start = data[:SAMPLE]
    for encoding, zeros, letters in (("utf-16-le", start[1::2], start[::2]), ("utf-16-be", start[::2], start[1::2])):
        if len(data) % 2 == 0 and zeros and zeros.count(0) == len(zeros) and not letters.count(0):
            return encoding
    return ""


def require_whole(table: Table, separator: str) -> None:
    """Raise `UserError` when names come twice or a line has more or fewer values than the heading has names."""
    keys = [name for name in table.keys if name]
    twice = next((name for name in keys if keys.count(name) > 1), None)
    if twice:
        raise UserError(f"{table.path} has the column {table.names[table.keys.index(twice)]} twice; remove one.")
    for row, line in zip(table.rows, table.lines, strict=True):
        if len(row) != len(table.names):
            commas = separator == "," and len(row) > len(table.names)
            raise UserError(
                f"Line {line} of {table.path} has {counted(len(row), 'value')} where the heading has "
                f"{counted(len(table.names), 'name')}; "
                + ("numbers with decimal commas need another separator: export it with semicolons." if commas else "")
                + ("" if commas else "the file is damaged or cut off.")
            )


def number_or_nan(cell: str) -> float:
    """The number in a cell; not a number where there is none."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")
