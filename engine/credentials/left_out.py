# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a render was not signed: noted in the engine's home by the file's contents, so that `verify` can tell."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...neural.avatar_file import file_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from ...common.home import Home


def note_left_out(home: Home, path: Path, reason: str) -> None:
    """Note why a file, or every frame in a folder, was not signed."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    home.folder.mkdir(parents=True, exist_ok=True)
    with home.left_out.open("a", encoding="utf-8") as file:
        for each in sorted(path.glob("*.png")) if path.is_dir() else [path]:
            said = {"date": date, "file": str(each), "sha256": file_sha256(each), "reason": reason}
            file.write(json.dumps(said) + "\n")


def why_left_out(home: Home, path: Path) -> str:
    """Return the reason that was noted last for a file with these contents; empty where none was noted here."""
    if not home.left_out.is_file():
        return ""
    mark, reason = file_sha256(path), ""
    for line in home.left_out.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError, TypeError, KeyError):  # a line that was cut off
            said = json.loads(line)
            reason = said["reason"] if said["sha256"] == mark else reason
    return reason
