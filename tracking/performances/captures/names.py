# SPDX-License-Identifier: GPL-3.0-or-later
"""ARKit's expression names as other programs spell them, and their values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ....common.errors import UserError
from ...heads.head import ARKIT_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...heads.arrays import Floats, Numbers

PERCENT = 2.0
"""Where a value is above this, all of the file's are taken for percent."""
LARGEST = 200.0
"""Percent; what is larger is no expression."""


def key(name: str) -> str:
    """Return a name as it is compared: `EyeBlinkLeft`, `eyeBlink_L`, `Face.eye_blink_left` all are "eyeblinkleft"."""
    last = re.split(r"[./|]", name.strip())[-1].lower()
    sided = re.sub(r"[_ ](l|r)$", lambda side: {"l": "left", "r": "right"}[side[1]], last)
    return re.sub(r"[^a-z0-9]", "", sided)


KEYS = tuple(map(key, ARKIT_NAMES))
"""How the names of `ARKIT_NAMES` are compared."""


def expressions(columns: Mapping[str, Numbers], where: object) -> tuple[Floats, tuple[str, ...]]:
    """Return `[T, 52]`, 0 to 1, of `columns [T]` by key, and a sentence on each thing that is not as it should be.

    Names that are not there are zero; a name that is there in two halves (ICT-FaceKit's `browInnerUp_L/_R`) is their
    mean; percent are divided by 100; what is left outside 0 to 1 is cut off.

    Raises:
        UserError: `where` has none of the names, or a value that is no expression's.
    """
    found = {name: own_column(columns, each) for name, each in zip(ARKIT_NAMES, KEYS, strict=True)}
    missing = [name for name, values in found.items() if values is None]
    present = {name: values for name, values in found.items() if values is not None}
    if not present:
        raise UserError(f"{where} has none of ARKit's expression names (eyeBlinkLeft, jawOpen, ...); export it again.")
    frames = len(next(iter(present.values())))
    table = np.stack([present.get(name, np.zeros(frames)) for name in ARKIT_NAMES], 1)
    notes = [f"Expressions that the file lacks stay 0: {', '.join(missing)}."] if missing else []
    largest = np.abs(table).max(initial=0)
    if largest > LARGEST:
        frame, column = np.unravel_index(np.abs(table).argmax(), table.shape)
        raise UserError(
            f"{where} has the value {table[frame, column]:g} for {ARKIT_NAMES[column]} in frame {frame}; "
            "0 to 1 is needed."
        )
    if largest > PERCENT:
        notes.append("Expressions are given in percent.")
        table = table / 100
    return np.clip(table, 0, 1).astype(np.float32), tuple(notes)


def own_column(columns: Mapping[str, Numbers], name: str) -> Numbers | None:
    """The values `[T]` of one expression: its column, or the mean of its two halves; None where it has none."""
    if name in columns:
        return columns[name]
    halves = [columns[name + side] for side in ("left", "right") if name + side in columns]
    return np.mean(halves, 0) if len(halves) == 2 else None
