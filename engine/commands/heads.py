# SPDX-License-Identifier: GPL-3.0-or-later
"""`heads`: which morphable heads there are, and bringing one's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from ...common.errors import UserError
from .shared import HomeOption, home_of

app = typer.Typer(help="List, import and check morphable heads.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name of a head, as the list shows it.")]


@app.command("list")
def list_heads(home: HomeOption = None) -> None:
    """Show every head: whether it is there, its licence and where it comes from."""
    from ...tracking.heads.builtin import NAME
    from ...tracking.heads.imported import imported_heads
    from ...tracking.heads.registry import KINDS

    imported = imported_heads(home_of(home).folder)
    print(f"{NAME}: built in")
    for name, kind in KINDS.items():
        print(f"{name}: {status(imported.get(name))}\n  licence: {kind.licence}\n  source:  {kind.source}")


@app.command("import")
def import_head(
    path: Annotated[Path, typer.Argument(help="Your file or folder of a head, whichever it is.")],
    copy: Annotated[bool, typer.Option("--copy", help="Copy it into the engine's folder.")] = False,
    home: HomeOption = None,
) -> None:
    """Recognise a head by its contents, check it, and remember where it is: --head finds it from then on."""
    from ...tracking.heads.imported import remember_imported
    from ...tracking.heads.recognition import recognise, verified
    from ...tracking.heads.registry import model_file, open_head

    names, path = recognise(path), path.absolute()
    print("\n".join(verified(open_head(names[0], path))))
    place = home_of(home)
    place.prepare()
    file = model_file(names[0], copied(path, place.heads) if copy else path)
    remember_imported(place.folder, names, file)
    print(f"Imported {' and '.join(names)} from {file}.")


@app.command()
def verify(
    head: Annotated[str, typer.Argument(help="Name of a head, or the path of one.")], home: HomeOption = None
) -> None:
    """Check a head and say what was checked."""
    from ...tracking.heads.imported import imported_heads
    from ...tracking.heads.recognition import recognise, verified
    from ...tracking.heads.registry import HEAD_NAMES, open_head

    imported = imported_heads(home_of(home).folder)
    found = {head: imported.get(head)} if head in HEAD_NAMES else dict.fromkeys(recognise(Path(head)), Path(head))
    for name, path in found.items():
        print("\n".join([f"{name}:", *(f"  {line}" for line in verified(open_head(name, path)))]))


@app.command()
def licence(name: NameArgument) -> None:
    """Show under which licence a head comes, and from where."""
    from ...tracking.heads.builtin import NAME
    from ...tracking.heads.registry import HEAD_NAMES, KINDS

    if name not in HEAD_NAMES:
        raise UserError(f"There is no head called {name!r}; choose one of {', '.join(HEAD_NAMES)}.")
    print(
        "GPL-3.0-or-later; it comes with Semblance." if name == NAME else f"{KINDS[name].licence}\n{KINDS[name].source}"
    )


def status(path: Path | None) -> str:
    """Return whether a head that is the user's to bring is there."""
    if path is None:
        return "not imported"
    return f"imported, {path}" if path.exists() else f"imported, but gone from {path}"


def copied(path: Path, folder: Path) -> Path:
    """Copy a head's file or folder into `folder`, with what belongs beside it; return where it is now.

    Raises:
        UserError: it cannot be copied.
    """
    from ...tracking.heads.faceverse_v3_older import SIDECAR
    from ...tracking.heads.flame import TEXTURE_FILE
    from ...tracking.heads.ict import FOLDER, NAME, model_folder

    try:
        if path.is_dir() or path.suffix.lower() == ".obj":
            return Path(shutil.copytree(model_folder(path), folder / NAME / FOLDER, dirs_exist_ok=True))
        own = folder / path.stem
        own.mkdir(parents=True, exist_ok=True)
        for beside in (path.with_name(SIDECAR), path.with_name(TEXTURE_FILE)):
            if beside.is_file():
                shutil.copy2(beside, own)
        return Path(shutil.copy2(path, own))
    except (OSError, shutil.Error) as error:
        raise UserError(f"{path} could not be copied into {folder}: {error}; import it without --copy.") from error
