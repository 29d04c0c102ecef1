# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that are printed and, as Markdown, committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from semblance.neural.evaluation.tables import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def report(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], notes: str, out: Path | None) -> None:
    """Print a table with a title above and notes below, and write it to `out`."""
    text = f"# {title}\n\n{Table(title, headings, rows).markdown}\n\n{notes}\n"
    print(text)
    if out:
        out.write_text(text, encoding="utf-8")
