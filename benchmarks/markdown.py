# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that are printed and, as Markdown, committed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def report(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], notes: str, out: Path | None) -> None:
    """Print a table with a title above and notes below, and write it to `out`."""
    text = f"# {title}\n\n{table(headings, rows)}\n\n{notes}\n"
    print(text)
    if out:
        out.write_text(text, encoding="utf-8")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, figures to the right."""
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(line(row, widths) for row in (headings, ruler, *rows))


def line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """One row, padded to the columns' widths."""
    first, *others = zip(cells, widths, strict=True)
    return f"| {first[0]:<{first[1]}} | " + " | ".join(f"{cell:>{width}}" for cell, width in others) + " |"
