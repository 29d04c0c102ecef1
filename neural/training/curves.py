# SPDX-License-Identifier: GPL-3.0-or-later
"""The losses of a training on disk: `curves.jsonl`, an object a line with `step`, `seconds` and losses by name."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from ...common.files import written_whole
from ...protocol.messages import Curve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

CURVES_FILE = "curves.jsonl"
"""Name of the file, beside a training's checkpoint and preview."""
MOST_ROWS = 4000
"""Rows that are looked at for a curve: a training of two hours has a hundred thousand."""


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


def read_curve(path: Path, most: int) -> Curve:
    """The losses in a file of `add_row`'s as a curve of at most so many points; without points where there is none."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return Curve()
    sample = [row for line in lines[:: math.ceil(len(lines) / MOST_ROWS) or 1] if (row := parsed(line))]
    if not sample:
        return Curve()
    size = math.ceil(len(sample) / most)
    points = [sample[begin : begin + size] for begin in range(0, len(sample), size)]
    names = list(dict.fromkeys(name for row in sample for name in row if name not in ("step", "seconds")))
    return Curve(
        steps=[int(point[-1]["step"]) for point in points],
        seconds=[float(point[-1]["seconds"]) for point in points],
        losses={name: [mean_of(row.get(name) for row in point) for point in points] for name in names},
        watched=names[0] if names else "",
    )


def parsed(line: bytes) -> dict[str, Any]:
    """A row; nothing for one that is still being written."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) and {"step", "seconds"} <= set(row) else {}


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of the numbers among the values; None where there is none."""
    numbers: Sequence[float] = [each for each in values if each is not None and math.isfinite(each)]
    return sum(numbers) / len(numbers) if numbers else None
