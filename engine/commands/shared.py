# SPDX-License-Identifier: GPL-3.0-or-later
"""What commands have in common: options, places in the home, and doing a task here and now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...common.errors import UserError
from ...common.home import HOME_VARIABLE, Home, default_home, is_name
from ...protocol.jobs import JobKind
from .terminal import shown

if TYPE_CHECKING:
    from ...tracking.heads.head import MorphableHead

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar=HOME_VARIABLE, help="The engine's folder.", show_default="your data folder"),
]
HeadOption = Annotated[str, typer.Option("--head", help="Morphable head, as `semblance heads list` names it.")]
HeadPathOption = Annotated[Path | None, typer.Option("--head-path", help="Its file or folder, unless it was imported.")]
SizeOption = Annotated[int, typer.Option("--size", help="Pixels of the portrait's side.")]
MattingOption = Annotated[
    str, typer.Option("--matting", help="auto, builtin or rvm (Robust Video Matting, from your own file; GPL-3.0).")
]
HeadOnlyOption = Annotated[bool, typer.Option("--head-only", help="Remove the clothes: keep head, hair and neck.")]
DatasetOption = Annotated[
    Path | None, typer.Option("--dataset", help="Folder to write.", show_default="in the home, named like the input")
]


def run(kind: JobKind, home: Path | None = None, /, **values: Any) -> None:
    """Do a task here and now, showing its progress, and print what it made; heads are looked up in `home`."""
    from ..jobs.requests import checked, placed
    from ..jobs.tasks import TASKS

    absolute = {name: str(value.absolute()) if isinstance(value, Path) else value for name, value in values.items()}
    parameters = placed(checked(kind, absolute), home_of(home))
    with shown() as listener:
        result = TASKS[kind](parameters, listener)
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


def placed(given: str, in_home: Path) -> Path:
    """What the user means: a path that is there, else what has this name in the home, else the path as given."""
    path = Path(given)
    return in_home if not path.exists() and is_name(given) and in_home.exists() else path.absolute()


def name_from(source: Path) -> str:
    """A name in the home for what is made from `source`.

    Raises:
        UserError: the file's name does not do.
    """
    if not is_name(source.stem):
        raise UserError(f"The name of {source} does not do for a dataset; name a folder with --dataset.")
    return source.stem
