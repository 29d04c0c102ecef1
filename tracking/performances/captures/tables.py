# SPDX-License-Identifier: GPL-3.0-or-later
"""Text files of others, in whatever encoding, with whatever separator and decimal sign."""

from __future__ import annotations

import codecs
import csv
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

LARGEST = 512 * 2**20
"""Bytes; a text file that is larger is no performance."""


@dataclass(frozen=True)
class Table:
    """A table with a heading, as text.

    Attributes:
        path: the file.
        names: the heading as it is written; keys: as it is compared.
        rows: the values, as many in each row as there are names.
        lines: the number of each row's line in the file.
        decimal_comma: numbers have a comma where others have a point.
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
        """A cell with a decimal point."""
        return cell.replace(",", ".") if self.decimal_comma else cell


def read_table(path: Path) -> Table:
    """Read a table: columns parted by commas, semicolons or tabs, its heading in the first line.

    Raises:
        UserError: it is absent, empty, no text or too large, or its lines differ in length.
    """
    text = read_text(path)
    heading = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=heading.count)
    reader = csv.reader(text.splitlines(), delimiter=separator)
    try:
        filled = [(row, reader.line_num) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise UserError(f"Line {reader.line_num} of {path} is damaged ({error}); export the file again.") from error
    if len(filled) < 2:
        raise UserError(f"{path} has no frames; choose another file.")
    names = tuple(name.strip() for name in filled[0][0])
    table = Table(path, names, [row for row, _ in filled[1:]], [line for _, line in filled[1:]], separator != ",")
    require_whole(table)
    return table


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, UTF-16 or, at the last, Latin-1.

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
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def require_whole(table: Table) -> None:
    """Raise `UserError` when names come twice or a line has more or fewer values than the heading has names."""
    keys = [name for name in table.keys if name]
    twice = next((name for name in keys if keys.count(name) > 1), None)
    if twice:
        raise UserError(f"{table.path} has the column {table.names[table.keys.index(twice)]} twice; remove one.")
    for row, line in zip(table.rows, table.lines, strict=True):
        if len(row) != len(table.names):
            raise UserError(
                f"Line {line} of {table.path} has {counted(len(row), 'value')} where the heading has "
                f"{counted(len(table.names), 'name')}; "
                "the file is damaged or cut off."
            )


def number_or_nan(cell: str) -> float:
    """The number in a cell; not a number where there is none."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")
