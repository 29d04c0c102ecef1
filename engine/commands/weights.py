# SPDX-License-Identifier: GPL-3.0-or-later
"""`weights`: which networks of others can be used, and bringing or fetching their files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.files import written_whole
from .shared import HomeOption, home_of
from .terminal import shown

if TYPE_CHECKING:
    from ...common.home import Home
    from ...neural.pretrained.recognition import Recognised

app = typer.Typer(help="List, import, check and fetch the weights of others' networks.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name of a network, as the list shows it.")]


@app.command("list")
def list_weights(home: HomeOption = None) -> None:
    """Show every network: whether it is there, what it adds, its licence, its size and where it comes from."""
    from ...neural.pretrained.registry import REGISTRY, said_size
    from ...neural.pretrained.weights import folders, places

    place = home_of(home)
    for name, weights in REGISTRY.items():
        found = places(name, place)
        lines = [
            f"{name}: {weights.title}, {status(found)}",
            f"  adds:    {weights.adds}",
            f"  without: {weights.without}",
            f"  licence: {weights.licence}. {weights.terms}",
            f"  size:    {said_size(weights.size)}{'; can be fetched' if weights.can_be_fetched else ''}",
            f"  source:  {weights.source}",
        ]
        lines += [f"  file:    {file.names[0]}, {said_sha256(file.sha256)}" for file in weights.files.values()]
        print("\n".join(lines))
    print("Looked for in " + ", ".join(map(str, folders(place))) + ", and where they were imported from.")


@app.command("import")
def import_weights(
    path: Annotated[Path, typer.Argument(help="Your file of weights, or a folder of such files.")],
    copy: Annotated[bool, typer.Option("--copy", help="Copy them into the engine's folder.")] = False,
    home: HomeOption = None,
) -> None:
    """Recognise weights by their contents, check them, and remember where they are."""
    from ...neural.pretrained.weights import IMPORTED

    place, path = home_of(home), path.absolute()
    found = recognised_in(path) if path.is_dir() else {path: checked([path])[path][0]}
    place.prepare()
    kept = {file: copied(file, place.weights) if copy else file for file in found}
    IMPORTED.remember(place.folder, {each.part: kept[file] for file, each in found.items()})
    for file, each in found.items():
        print(f"Imported {each.title} from {file}.")


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(help="Name of a network, or the path of a file; all that are there without.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Check weights whole (what they are, their numbers, their SHA-256) and say what was checked."""
    from ...neural.pretrained.registry import REGISTRY

    place = home_of(home)
    if name is not None and name not in REGISTRY and Path(name).exists():
        files = [Path(name)]
    else:
        files = present_files([name] if name else list(REGISTRY), place)
    if not files and name:
        raise absent(name)
    if not files:
        print("There are no weights on this machine; `semblance weights list` shows what there could be.")
    for file, (found, lines) in checked(files).items():
        print("\n".join([f"{found.title}: {file}", *(f"  {line}" for line in lines)]))


@app.command()
def fetch(name: NameArgument, home: HomeOption = None) -> None:
    """Fetch a network from where its authors publish it, where its licence allows that; goes on where it stopped."""
    from ...neural.pretrained.fetching import fetch as fetched
    from ...neural.pretrained.registry import entry, how_to_bring, said_size

    weights, place = entry(name), home_of(home)
    if not weights.can_be_fetched:
        raise UserError(f"Semblance does not fetch {weights.title}: {how_to_bring(name)}.")
    print(f"{weights.title}, {weights.licence}, {said_size(weights.size)}. {weights.terms}")
    place.prepare()
    for file in weights.files.values():
        with shown() as listener:
            print(f"Fetched {fetched(file, place.weights, listener)}.")


def said_sha256(digits: str) -> str:
    """Return a line about what is published of a file's SHA-256."""
    if not digits:
        return "no SHA-256 is published"
    return f"SHA-256 {digits}" if len(digits) == 64 else f"SHA-256 begins with {digits}"


def status(found: dict[str, Path | None]) -> str:
    """Return whether a network is there, by the places of its parts."""
    there = [path for path in found.values() if path]
    if not there:
        return "not on this machine"
    if len(there) == len(found):
        return f"in {there[0] if len(there) == 1 else there[0].parent}"
    return "incomplete: " + ", ".join(part for part, path in found.items() if not path) + " is missing"


def present_files(names: list[str], home: Home) -> list[Path]:
    """Return the files of these networks that are on this machine. Raises UserError for an unknown name."""
    from ...neural.pretrained.registry import entry
    from ...neural.pretrained.weights import places

    return [path for name in names if entry(name) for path in places(name, home).values() if path]


def absent(name: str) -> UserError:
    """Return the error that a network is not on this machine."""
    from ...neural.pretrained.registry import how_to_bring

    return UserError(f"{name} is not on this machine: {how_to_bring(name)}.")


def checked(files: list[Path]) -> dict[Path, tuple[Recognised, list[str]]]:
    """Check files whole, showing progress; return what each is and what was checked.

    Raises:
        UserError: one of them is unsound.
    """
    from ...neural.pretrained.recognition import verified

    sizes = [file.stat().st_size if file.is_file() else 0 for file in files]
    with shown() as listener:
        clock = Clock("Checking", sum(sizes), listener)
        return {file: verified(file, clock, sum(sizes[:number])) for number, file in enumerate(files)}


def recognised_in(folder: Path) -> dict[Path, Recognised]:
    """Check every file of weights in a folder; print why one is passed over.

    Raises:
        UserError: there is none that Semblance knows.
    """
    from ...neural.pretrained.recognition import candidates

    found: dict[Path, Recognised] = {}
    for file in candidates(folder):
        try:
            found[file] = checked([file])[file][0]
        except UserError as error:
            print(f"Passed over: {error}")
    if not found:
        raise UserError(
            f"{folder} has no file of weights that Semblance knows; `semblance weights list` shows which it does."
        )
    return found


def copied(file: Path, folder: Path) -> Path:
    """Copy a file into `folder`; return where it is now.

    Raises:
        UserError: it cannot be copied.
    """
    target = folder / file.name
    if target == file:
        return file
    try:
        with written_whole(target) as partial:
            shutil.copyfile(file, partial)
    except OSError as error:
        raise UserError(f"{file} could not be copied into {folder}: {error}; import it without --copy.") from error
    return target
