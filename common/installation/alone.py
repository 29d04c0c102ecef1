# SPDX-License-Identifier: GPL-3.0-or-later
"""One set-up of a folder at a time: two Blenders may ask for it."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import UserError
from ..processes import is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let the body be the only one that sets up a folder; what a set-up that was ended left behind does not count.

    Raises:
        UserError: another process is at it.
    """
    mark = folder.with_name(f"{folder.name}.process")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError, ValueError):
        other = int(mark.read_text())
        if other != os.getpid() and is_alive(other):
            raise UserError(f"{folder} is being set up by another process already ({other}); wait for it to end.")
    mark.write_text(str(os.getpid()))
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
