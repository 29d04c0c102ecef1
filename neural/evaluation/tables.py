# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of figures as text, and how it is written in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Table:
    """A table of figures: a heading for each column, rows of text, and a line on what they are."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    @property
    def markdown(self) -> str:
        """The columns and rows in Markdown: the first column to the left, figures to the right.

        >>> print(Table("Fidelity", ("", "PSNR"), [("avatar", "28.10")]).markdown)
        |        |  PSNR |
        | ------ | ----: |
        | avatar | 28.10 |
        """
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        return "\n".join(line(row, widths) for row in (self.columns, ruler, *self.rows))


def line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return one row in Markdown, padded to the columns' widths."""
    first, *others = zip(cells, widths, strict=True)
    return " | ".join([f"| {first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in others)]) + " |"
