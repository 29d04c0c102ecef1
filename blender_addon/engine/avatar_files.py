# SPDX-License-Identifier: GPL-3.0-or-later
"""Avatar files carried between machines: into the engine's home and out of it. No bpy.

Only the header is read here, which says that a file is an avatar; the engine checks all of it before it is used.
"""

from __future__ import annotations

import json
import struct
import time
from typing import TYPE_CHECKING, Any

from ...common.errors import UserError
from ...common.files import written_whole
from ...common.home import Home, is_name
from ...protocol.remote_jobs import avatar_sent
from ..words import translated
from .jobs import Bar, connecting, free_name, moving

if TYPE_CHECKING:
    from pathlib import Path

    from .jobs import Task
    from .process import EnginePlace

FORMAT = "semblance-avatar"
SUFFIX = ".safetensors"
MOST_HEADER = 16 << 20
"""Bytes of the largest header that is read."""
PIECE = 1 << 20
SECONDS_A_STEP = 0.01


def read_description(file: Path) -> dict[str, Any]:
    """Return what an avatar file says of itself.

    Raises:
        UserError: it is missing, or no avatar.
    """
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            header = json.loads(opened.read(length)) if length <= MOST_HEADER else {}
        said = header["__metadata__"]
        description = json.loads(said["description"])
        if said["format"] == FORMAT and isinstance(description, dict):
            return description
    except OSError as error:
        raise UserError(
            translated(
                "{file} cannot be read ({strerror}); choose an avatar's file.", file=file, strerror=error.strerror
            )
        ) from error
    except (struct.error, ValueError, KeyError, TypeError):
        pass
    raise UserError(
        translated(
            "{file} is no avatar; choose a {suffix} file that Export Avatar has written.", file=file.name, suffix=SUFFIX
        )
    )


def importing(home: Path, source: Path) -> Task[tuple[str, dict[str, Any]]]:
    """Copy an avatar's file into the engine's home; its result is the avatar's id and what the file says of itself.

    The id is the file's name; a number is added where another avatar has it. A file that is there is not copied again.

    Raises:
        UserError: the file is no avatar, or the disk is full.
    """
    description, folder = read_description(source), Home(home).avatars
    stem = source.stem if is_name(source.stem) else free_name(source.stem, ())
    name, number = stem, 1
    while (target := folder / f"{name}{SUFFIX}").exists() and not same(source, target):
        number += 1
        name = f"{stem}_{number}"
    if not target.exists():
        yield from copying(source, target)
    return name, description


def sending(place: EnginePlace, source: Path) -> Task[tuple[str, dict[str, Any]]]:
    """Send an avatar's file to an engine on another machine; its result is as `importing`'s.

    Raises:
        UserError: the file is no avatar, or the engine cannot be reached or refuses it.
    """
    description = read_description(source)
    client = yield from connecting(place)
    client.close()
    return (yield from moving(avatar_sent(client.address, source))), description


def exporting(home: Path, avatar: str, target: Path) -> Task[Path]:
    """Copy an avatar of the engine's home to a file of the artist's; its result is that file.

    Raises:
        UserError: the avatar is gone, or the file cannot be written.
    """
    source = Home(home).avatar(avatar)
    read_description(source)
    if target.suffix != SUFFIX:
        target = target.with_name(target.name + SUFFIX)
    yield from copying(source, target)
    return target


def same(first: Path, second: Path) -> bool:
    """Tell whether two files are the same avatar: their size and all that they say of themselves, also when they were
    built.
    """
    if first.stat().st_size != second.stat().st_size:
        return False
    try:
        return read_description(first) == read_description(second)
    except UserError:
        return False


def copying(source: Path, target: Path) -> Task[None]:
    """Copy a file in pieces, so that nothing waits for it."""
    size, done = max(1, source.stat().st_size), 0
    try:
        with written_whole(target) as temporary, source.open("rb") as given, temporary.open("wb") as made:
            while True:
                began = time.monotonic()
                while time.monotonic() - began < SECONDS_A_STEP:
                    if not (piece := given.read(PIECE)):
                        break
                    made.write(piece)
                    done += len(piece)
                else:
                    yield Bar(translated("Copying {share:.0%}", share=done / size), done / size)
                    continue
                break
    except OSError as error:
        raise UserError(
            translated(
                "{target} cannot be written ({strerror}); choose another place.", target=target, strerror=error.strerror
            )
        ) from error
