# SPDX-License-Identifier: GPL-3.0-or-later
"""The losses of a training on disk: `curves.jsonl`, an object a line with `step`, `seconds` and losses by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...common.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def add_row(path: Path, step: int, seconds: float, losses: Mapping[str, float]) -> None:
    """Add the losses of a step, which ended after `seconds` of training."""
    row = {"step": step, "seconds": round(seconds, 3)} | {name: round(value, 6) for name, value in losses.items()}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def forget_rows_after(path: Path, step: int) -> None:
    """Drop the rows of steps after `step`, which were undone, and a row that a kill cut short."""
    if not path.is_file():
        return
    rows = [row for row in path.read_text(encoding="utf-8").splitlines() if row.endswith("}")]
    kept = [row for row in rows if json.loads(row)["step"] <= step]
    with written_whole(path) as partial:
        partial.write_text("".join(f"{row}\n" for row in kept), encoding="utf-8")
