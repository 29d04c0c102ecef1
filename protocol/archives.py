# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders carried between machines as one file each: plain tars, in which no path of either machine stays.

Paths in a dataset's description and performance are spelled anew on the way: `dataset:REST` is a file of the dataset,
`sha256:HEX/NAME` a file that both machines may have (`references`), anything else only a name.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from ..common.errors import UserError
from ..common.files import full_disk_told, hidden_beside, written_whole
from .arrays import pack_arrays, unpack_arrays
from .references import PIECE, PREFIX, SECONDS_A_STEP, is_file_name

Spelling = Callable[[str], str]
Steps = Generator[tuple[int, int], None, None]
"""Yields bytes done and to do."""
WITHIN = "dataset:"
PICTURE_FOLDERS = ("image", "back", "uv", "render")
OURS = (*PICTURE_FOLDERS, "dataset.json", "performance.npz", "plate.mp4", "clean_plate.png", "headless_plate.png")
"""What datasets are made of; anything else in their folder is its owner's."""
MOST_FILES = 400_000
MOST_PERFORMANCE = 1 << 30
"""Bytes of a performance."""
DAMAGED = "The archive of {name} is damaged or is none; send it again."


def packing(folder: Path, target: Path, spell: Spelling) -> Steps:
    """Write a folder's archive, the same for the same contents. `spell` tells what a path outside becomes.

    Raises:
        UserError: the disk is full.
    """
    files = files_in(folder)
    size, done = sum(each.stat().st_size for each in files), 0
    with written_whole(target) as partial, tarfile.open(partial, "w:", format=tarfile.PAX_FORMAT) as archive:
        began = time.monotonic()
        for file in files:
            text = respelled(file, lambda path: spelled_within(path, folder, spell))
            member = tarfile.TarInfo(file.relative_to(folder).as_posix())
            member.size = file.stat().st_size if text is None else len(text)
            with file.open("rb") if text is None else io.BytesIO(text) as opened:
                archive.addfile(member, opened)
            done += file.stat().st_size
            if time.monotonic() - began > SECONDS_A_STEP:
                yield done, size
                began = time.monotonic()


def unpacking(archive: Path, folder: Path, mean: Spelling) -> Steps:
    """Make a folder of its archive, whole or not at all; it takes the place of one that is there, of which only what
    is its owner's stays. `mean` tells which path a file outside has on this machine.

    Raises:
        UserError: the archive is damaged, or the disk is full.
    """
    partial, former = hidden_beside(folder, ".partial"), hidden_beside(folder, ".former")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with full_disk_told(folder):
            yield from extracting(archive, partial, folder.name)
        for file in (partial / "performance.npz", partial / "dataset.json"):
            if file.is_file() and (text := respelled(file, lambda path: meant_within(path, folder, mean))) is not None:
                file.write_bytes(text)
        for own in folder.iterdir() if folder.is_dir() else ():
            if own.name not in OURS and not (partial / own.name).exists():
                own.replace(partial / own.name)
        if folder.exists():
            folder.replace(former)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


def extracting(archive: Path, folder: Path, name: str) -> Steps:
    """Write the files of an archive into a new folder; nothing but plain files with plain names, no larger than it is.

    Raises:
        UserError: there is anything else.
    """
    size, done = archive.stat().st_size, 0
    try:
        with tarfile.open(archive, "r:") as opened:
            began = time.monotonic()
            for count, member in enumerate(opened):
                done += member.size
                if not is_plain(member) or count > MOST_FILES or done > size:
                    raise UserError(DAMAGED.format(name=name))
                target = folder.joinpath(*PurePosixPath(member.name).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                given = opened.extractfile(member)
                assert given is not None
                with given, target.open("xb") as made:
                    shutil.copyfileobj(given, made, PIECE)
                if time.monotonic() - began > SECONDS_A_STEP:
                    yield done, size
                    began = time.monotonic()
    except (tarfile.TarError, EOFError, FileExistsError, NotADirectoryError, ValueError) as error:
        raise UserError(DAMAGED.format(name=name)) from error


def is_plain(member: tarfile.TarInfo) -> bool:
    """Tell whether an archive's member is a plain file whose name leads nowhere else."""
    parts = member.name.split("/")
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.sparse
    return plain and 0 < len(parts) <= 4 and all(map(is_file_name, parts))


def files_in(folder: Path) -> list[Path]:
    """The files of a folder that are carried: those with plain names, sorted."""
    found = [each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()]
    return sorted(each for each in found if all(map(is_file_name, each.relative_to(folder).parts)))


def likeness(folder: Path) -> str:
    """What two copies of a dataset have in common, as 64 hexadecimal digits: the names and sizes of their pictures."""
    lines = []
    for part in PICTURE_FOLDERS:
        with suppress(OSError):
            lines += [f"{part}/{each.name} {each.stat().st_size}" for each in (folder / part).iterdir()]
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "replace")).hexdigest()


def respelled(file: Path, spell: Spelling) -> bytes | None:
    """The contents of a dataset's description or performance with other paths; None for any other file, and for one
    that is damaged: who opens it will say so.
    """
    if file.parent.name in PICTURE_FOLDERS or file.name not in ("performance.npz", "dataset.json"):
        return None
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        if file.name == "dataset.json":
            said = json.loads(file.read_text(encoding="utf-8"))
            return json.dumps({**said, "sound": respelled_in(said.get("sound", ""), spell)}, indent=1).encode()
        return respelled_performance(file.read_bytes(), spell)
    return None


def respelled_performance(data: bytes, spell: Spelling) -> bytes:
    """A performance with other paths in its header. Raises ValueError when it is none."""
    arrays = unpack_arrays(data, MOST_PERFORMANCE)
    said = json.loads(str(arrays["header"]))
    said["source"], said["extra"] = respelled_in(said["source"], spell), respelled_in(said["extra"], spell)
    return pack_arrays(**{**arrays, "header": np.array(json.dumps(said))})


def respelled_in(value: Any, spell: Spelling) -> Any:
    """A value of JSON with other paths."""
    if isinstance(value, dict):
        return {name: respelled_in(each, spell) for name, each in value.items()}
    if isinstance(value, list):
        return [respelled_in(each, spell) for each in value]
    return spell(value) if isinstance(value, str) and is_path(value) else value


def is_path(text: str) -> bool:
    """Tell whether a text is a path of some machine, or stands for one."""
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    return absolute or text.startswith((WITHIN, PREFIX))


def bare(path: str) -> str:
    """The last part of a path of any machine."""
    return PureWindowsPath(PurePosixPath(path).name).name


def spelled_within(path: str, folder: Path, spell: Spelling) -> str:
    """How an archive of a folder spells a path."""
    with suppress(ValueError):
        return WITHIN + Path(path).relative_to(folder).as_posix()
    return spell(path)


def meant_within(path: str, folder: Path, mean: Spelling) -> str:
    """Which path of this machine is meant in an archive that became a folder."""
    rest = path.removeprefix(WITHIN)
    if rest != path:
        parts = rest.split("/")
        return str(folder.joinpath(*parts)) if all(map(is_file_name, parts)) else bare(rest)
    return mean(path)


def head_file_of(folder: Path) -> Path | None:
    """The file of a dataset's head, which lies outside of it; None for a head that needs none."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        arrays = unpack_arrays((folder / "performance.npz").read_bytes(), MOST_PERFORMANCE)
        path = json.loads(str(arrays["header"]))["extra"].get("head_path")
        return Path(path) if path else None
    return None
