# SPDX-License-Identifier: GPL-3.0-or-later
"""What commands have in common: options, places in the home, and doing a job here and now."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from unicodedata import normalize

import typer

from ...common.errors import UserError
from ...common.files import free_name
from ...common.home import HOME_VARIABLE, Home, default_home, default_home_set, is_name
from ...protocol.jobs import JobRequest
from .remote import do_there
from .terminal import shown

if TYPE_CHECKING:
    from ...tracking.heads.head import MorphableHead

AVATAR = ".safetensors"
"""How the names of avatar files end."""
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar=HOME_VARIABLE, help="The engine's folder.", show_default="your data folder"),
]
HeadOption = Annotated[str, typer.Option("--head", help="Morphable head, as `semblance heads list` names it.")]
HeadPathOption = Annotated[Path | None, typer.Option("--head-path", help="Its file or folder, unless it was imported.")]


def run(job: type[JobRequest], home: Path | None, parameters: dict[str, Any], engine: str | None = None) -> None:
    """Do a job here and now, or have the engine at the URL `engine` do it; show its progress, print what it made (rows
    of numbers are for programs); heads are looked up in `home`.
    """
    from ...neural.processor import giving_way
    from ..jobs.requests import checked, resolved
    from ..jobs.tasks import TASKS

    asked = resolved(checked(job.kind, parameters), home_of(home))
    with shown() as listener, default_home_set(home_of(home)):
        if engine:
            result = do_there(asked, home_of(home), engine, listener)
        else:
            result = TASKS[job.kind](asked, giving_way(listener))
    for name, value in result.items():
        if not isinstance(value, list | tuple):
            print(f"{name}: {value}")


def home_of(folder: Path | None) -> Home:
    """The home that the user named, or the default one."""
    return Home((folder or default_home()).absolute())


def opened_head(name: str, path: str | Path | None, home: Path | None = None) -> MorphableHead:
    """Open a head: from the path that the user gave, else from where it was imported.

    Raises:
        UserError: there is neither, or the file is damaged.
    """
    from ...tracking.heads.registry import open_head
    from ..jobs.requests import head_file

    return open_head(name, head_file(name, path, home_of(home)))


def dataset_folder(given: str, home: Home) -> Path:
    """The dataset that the user means: a path or a name in the home."""
    return path_or_in_home(given, home.dataset(given))


def avatar_file(given: str, home: Home) -> Path:
    """The avatar that the user means: a path or a name in the home."""
    return path_or_in_home(given, home.avatar(given))


def path_or_in_home(given: str, in_home: Path) -> Path:
    """A path that is there, else what has this name in the home, else the path as given."""
    path = Path(given)
    return in_home if not path.exists() and is_name(given) and in_home.exists() else path.absolute()


def new_film(name: str) -> Path:
    """The film of a name in the working folder, with a number where there is one already: who named nothing expects
    nothing to be replaced.
    """
    return free_name(Path(f"{name}.mp4").absolute(), Path.exists, ".mp4")


def baked_dataset(avatar: str, home: Home) -> Path:
    """The folder in the home for what is baked of an avatar, with a number where there is one already."""
    return free_name(home.dataset(f"{avatar}_baked"), Path.exists)


def avatar_for(dataset: Path, home: Home) -> Path:
    """The file in the home for an avatar of a dataset: of the folder's name, and never that of other footage."""
    wanted = home.avatars / f"{dataset.name}{AVATAR}"
    file = free_name(wanted, lambda path: path.exists() and not may_be_built_on(path, dataset), AVATAR)
    if file != wanted:
        print(f"{dataset.name} is the avatar of other footage; this one will be {file.stem}.", file=sys.stderr)
    return file


def may_be_built_on(avatar: Path, dataset: Path) -> bool:
    """Tell whether an avatar file is of a dataset's footage, by its SHA-256; True where that cannot be told."""
    from ...neural.avatar_file import read_metadata
    from ...tracking.datasets.dataset import Dataset
    from ...tracking.datasets.origin import FOOTAGE_SHA256

    try:
        built = read_metadata(avatar).provenance.footage_sha256
        filmed = Dataset.open(dataset).performance().extra.get(FOOTAGE_SHA256, "")
    except UserError:
        return True
    return not built or not filmed or built == filmed


def dataset_for(source: Path, home: Home) -> Path:
    """The folder in the home for a dataset that is made from `source`: of its name, and never another file's.

    Raises:
        UserError: the file's name does not do.
    """
    from ...tracking.datasets.origin import free_place

    name = normalize("NFC", source.stem).rstrip(" .")
    if not is_name(name):
        raise UserError(f"The name of {source} cannot be a dataset's; choose a folder with --dataset.")
    folder = free_place(home.dataset(name), source)
    if folder.name != name:
        print(f"{name} is the dataset of another file; this one will be {folder.name}.", file=sys.stderr)
    return folder
