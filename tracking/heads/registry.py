# SPDX-License-Identifier: GPL-3.0-or-later
"""The heads that Semblance knows, by name."""

from __future__ import annotations

from pathlib import Path

from ...common.errors import UserError
from . import builtin, faceverse
from .head import MorphableHead

HEAD_NAMES: tuple[str, ...] = (builtin.NAME, faceverse.NAME)


def open_head(name: str, path: str | Path | None = None) -> MorphableHead:
    """Return the head called `name`; one that does not come with Semblance is read from the user's file at `path`.

    Raises:
        UserError: there is no such head, or its file is missing, damaged or of another kind.
    """
    if name == builtin.NAME:
        return builtin.load_builtin()
    if name == faceverse.NAME:
        if path is None:
            raise UserError(f"The head {name} needs its model file; choose the path of faceverse_v3_6_s.npy.")
        return faceverse.load_faceverse_v3(path)
    raise UserError(f"There is no head called {name!r}; choose one of {', '.join(HEAD_NAMES)}.")
