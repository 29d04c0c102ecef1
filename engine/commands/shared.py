# SPDX-License-Identifier: GPL-3.0-or-later
"""What commands have in common: options, places in the home, and doing a job here and now."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from unicodedata import normalize

import typer

from ...common.errors import UserError
from ...common.home import HOME_VARIABLE, Home, default_home, default_home_set, is_name
from ...protocol.jobs import JobRequest
from .remote import do_there
from .terminal import shown

if TYPE_CHECKING:
    from ...tracking.heads.head import MorphableHead

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar=HOME_VARIABLE, help="The engine's folder.", show_default="your data folder"),
]
HeadOption = Annotated[str, typer.Option("--head", help="Morphable head, as `semblance heads list` names it.")]
HeadPathOption = Annotated[Path | None, typer.Option("--head-path", help="Its file or folder, unless it was imported.")]


def run(job: type[JobRequest], home: Path | None, parameters: dict[str, Any], engine: str | None = None) -> None:
    """Do a job here and now, or have the engine at the URL `engine` do it; show its progress, print what it made;
    heads are looked up in `home`.
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
