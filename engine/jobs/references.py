# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs for clients on other machines name, found in or given a place in the engine's home."""

from __future__ import annotations

import secrets
import shutil
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import Field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from ...common.errors import UserError
from ...common.files import full_disk_told, hidden_beside, written_whole
from ...common.home import Home
from ...neural.avatar_file import read_metadata
from ...protocol.archives import bare, respelled_performance, unpacking
from ...protocol.jobs import JobRequest
from ...protocol.parameters import Meaning
from ...protocol.references import DATASET_SUFFIX, Reference
from .avatar_heads import copy_with_head, imported_head
from .file_store import FileStore
from .requests import AnyJob

PATHS = (Meaning.PATH, Meaning.DATASET, Meaning.AVATAR)


def refuse_paths(job: JobRequest) -> None:
    """Refuse a job that names a path.

    Raises:
        UserError: it does.
    """
    for each in paths_of(job):
        if any(Path(text).is_absolute() for text in texts(getattr(job, each.name))):
            raise UserError(
                f"“{each.name}” names a path, and this engine reads none of other machines: send the file and name it "
                "by its contents, or name something in the engine's home."
            )


def materialised(job: AnyJob, home: Home, store: FileStore) -> AnyJob:
    """Return the job with references turned into paths, and a place for what it writes under a bare name. Waits for the
    disk.

    Raises:
        UserError: a file was not sent, or is damaged.
    """
    outputs = home.outputs / secrets.token_hex(6)
    found: dict[str, Any] = {}
    for each in paths_of(job):
        made = each.metadata["made"] and each.metadata["meaning"] is Meaning.PATH
        find = partial(path_to_write, folder=outputs) if made else partial(path_to_read, home=home, store=store)
        value = getattr(job, each.name)
        found[each.name] = tuple(map(find, value)) if isinstance(value, tuple) else value and find(value)
    return replace(job, **found)


def path_to_write(text: str, folder: Path) -> str:
    """Where something is written: a bare name means one in `folder`."""
    if Path(text).is_absolute():
        return text
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / text)


def path_to_read(text: str, home: Home, store: FileStore) -> str:
    """The path that a text means, when it is a reference; anything else stays."""
    reference = Reference.read(text)
    if reference is None:
        return text
    if reference.name.endswith(DATASET_SUFFIX):
        return str(dataset_of(reference, home, store))
    path = store.named(reference)
    if path.suffix == ".npz":
        without_paths(path, meaning_in(store))
    if path.suffix == ".safetensors":
        copy_with_head(path, path, imported_head(home))
    return str(path)


def adopted(reference: Reference, home: Home, store: FileStore) -> Path:
    """Give an avatar that was sent a place in the home, under its name and something of its contents; return it. Waits
    for the disk.

    Raises:
        UserError: it was not sent, or is no avatar that this Semblance can use.
    """
    path = home.avatars / f"{Path(reference.name).stem}_{reference.digest[:6]}.safetensors"
    if not path.is_file():
        sent = Path(path_to_read(str(reference), home, store))
        read_metadata(sent)
        copy = hidden_beside(path, ".partial")
        with full_disk_told(path):
            shutil.copyfile(sent, copy)
        copy.replace(path)
    return path


def dataset_of(reference: Reference, home: Home, store: FileStore) -> Path:
    """The dataset that an archive stands for, in the home; unpacked when it is not there yet."""
    folder = home.datasets / f"{reference.name.removesuffix(DATASET_SUFFIX)}_{reference.digest[:8]}"
    if not folder.is_dir():
        deque(unpacking(store.named(reference), folder, meaning_in(store)), maxlen=0)
    return folder


def without_paths(performance: Path, mean: Callable[[str], str]) -> None:
    """Let a performance that was sent name no files but those that were sent, too: never others of this machine."""
    data = performance.read_bytes()
    try:
        changed = respelled_performance(data, mean)
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # who opens it will say that it is damaged
    if changed != data:
        with written_whole(performance) as temporary:
            temporary.write_bytes(changed)


def meaning_in(store: FileStore) -> Callable[[str], str]:
    """What tells which file of the store a path in something that was sent means; of any other only its name stays."""

    def mean(text: str) -> str:
        if store.reference_to(text):
            return text
        reference = Reference.read(text)
        if reference and store.content(reference.digest):
            return str(store.named(reference))
        return bare(text)

    return mean


def paths_of(job: JobRequest | type[JobRequest]) -> Iterable[Field[Any]]:
    """The parameters of a job that are, or may be, paths."""
    return [each for each in fields(job) if each.metadata["meaning"] in PATHS]


def texts(value: Any) -> tuple[str, ...]:
    """The texts in a parameter."""
    return value if isinstance(value, tuple) else (value,) if value else ()
