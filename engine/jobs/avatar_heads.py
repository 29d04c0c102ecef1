# SPDX-License-Identifier: GPL-3.0-or-later
"""Avatars on their way between machines: where a head's file lies is each machine's own matter."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

from ...common.errors import UserError
from ...common.files import written_whole
from ...common.home import Home
from ...tracking.heads.imported import imported_heads

MOST_HEADER = 64 << 20


def copy_with_head(avatar: Path, target: Path, head_file: Callable[[str], str]) -> None:
    """Copy an avatar's file, which may be onto itself; `head_file` tells the path of the file of a head by its name.

    Raises:
        UserError: the disk is full, or the file is none of an avatar.
    """
    try:
        with avatar.open("rb") as given, written_whole(target) as partial, partial.open("wb") as made:
            (length,) = struct.unpack("<Q", given.read(8))
            if length > MOST_HEADER:
                raise ValueError
            header = json.loads(given.read(length))
            description = json.loads(header["__metadata__"]["description"])
            description["head_path"] = head_file(str(description.get("head"))) if description.get("head_path") else ""
            header["__metadata__"]["description"] = json.dumps(description)
            text = json.dumps(header).encode()
            text += b" " * (-len(text) % 8)
            made.write(struct.pack("<Q", len(text)) + text)
            shutil.copyfileobj(given, made)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{avatar.name} is damaged or is not an avatar; build the avatar again.") from error


def imported_head(home: Home) -> Callable[[str], str]:
    """What tells where a head's file lies that was imported into a home; nothing for one that was not."""
    return lambda head: str(imported_heads(home.folder).get(head) or "")
