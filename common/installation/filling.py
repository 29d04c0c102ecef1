# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an environment hold what locks ask for, and a PyTorch: brings the wheels that it lacks, then installs them.

Run by the environment's own Python. What is there and whole stays, so that the same call installs, goes on after a
break, repairs, and updates.
"""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.version import Version

from ..errors import UserError
from .completeness import whole_packages
from .downloads import bring, digest_of, path_of, size_on_server
from .indexes import PYPI, Found, files_of, is_folder
from .packages import Wanted, applying, best, read_lock, requirements_in, together
from .stamp import NAME as STAMP
from .stamp import read_stamp
from .telling import MEGABYTE, Meter, Teller

if TYPE_CHECKING:
    from collections.abc import Sequence

FETCHING, INSTALLING = (0.03, 0.75), (0.75, 0.97)
"""Shares of the whole set-up, by the time that they take."""
KEPT = {"pip", "setuptools", "wheel", "semblance"}
"""Never removed as superfluous."""
PAGES_AT_ONCE = 8
BATCH = 150 * MEGABYTE
"""Wheels are given to pip in lots of about this size, so that it can be told how far it is."""
GROWTH = 3.4
"""How much larger packages are than their wheels, all in all."""
SPARE = 200 * MEGABYTE
"""Bytes that stay free."""


@dataclass(frozen=True)
class Filling:
    """What to fill an environment with.

    Attributes:
        locks: files of requirements with hashes.
        torch: requirement of PyTorch; empty for none. index: where it is; empty for pip's index.
        wheels: folder that keeps what has come until all of it is installed.
        place: a folder of wheels that everything is taken from; None for the indexes that pip is set to use.
        download, disk: megabytes that PyTorch is expected to take, as wheels and installed.
    """

    locks: tuple[Path, ...]
    torch: str
    index: str
    wheels: Path
    place: Path | None
    download: int = 0
    disk: int = 0


def fill(filling: Filling) -> None:
    """Bring and install what this Python's environment lacks, and remove what nothing asks for any more.

    Raises:
        UserError: a file cannot be had, the disk has no room, or pip cannot install what came.
    """
    environment = Path(sys.prefix)
    before = read_stamp(environment)
    wheels, wanted = bring_all(filling, whole_packages(environment))
    superfluous = set(before.packages if before else ()) - wanted - KEPT
    if wheels or superfluous:
        (environment / STAMP).unlink(missing_ok=True)
    if wheels:
        install(wheels)
    if superfluous:
        run_pip("uninstall", "--yes", *sorted(superfluous))


def bring_all(filling: Filling, there: dict[str, str]) -> tuple[list[Path], set[str]]:
    """Bring the wheels of all that is wanted and not `there` (name to version); return where they are.

    With them come the names of all that is wanted, whether it was there or not.

    Raises:
        UserError: a file cannot be had, or the disk has no room.
    """
    filling.wheels.mkdir(parents=True, exist_ok=True)
    wanted = [each for lock in filling.locks for each in read_lock(lock.read_text(encoding="utf-8"))]
    places = [str(filling.place)] if filling.place else places_of_pip()
    lacking = [each for each in wanted if not is_there(each, there)]
    torch = Wanted(Requirement(filling.torch)) if filling.torch else None
    teller = Teller(*FETCHING)
    teller.tell(0, f"Looking for {len(lacking)} packages")
    files = find(lacking, places)
    meter = Meter(teller)
    meter.expected = sum(file.size for file in files)
    grown = int(GROWTH * meter.expected)
    if torch and not is_there(torch, there):
        meter.expected += filling.download * MEGABYTE
        grown += filling.disk * MEGABYTE
    require_room(filling.wheels, meter.expected - size_of_folder(filling.wheels), grown)
    wheels: list[Path] = []
    names = {each.name for each in wanted}
    if torch:
        places = [str(filling.place)] if filling.place else torch_places(places, filling.index)
        wheels, names = bring_with_needs(torch, names, there, places, filling.wheels, meter)
    meter.expected = meter.done + sum(file.size for file in files)
    return wheels + [bring(file, filling.wheels, meter.of(package_of(file))) for file in files], names


def bring_with_needs(
    first: Wanted, known: set[str], there: dict[str, str], places: Sequence[str], folder: Path, meter: Meter
) -> tuple[list[Path], set[str]]:
    """Bring a package that no lock has, and what it needs that none has either, each with its own needs.

    Returns the wheels, and the names known with those of all these.

    What several packages of one level ask of another counts together: CUDA's libraries name each other loosely, and
    the collection beside them that names them exactly is needed by PyTorch directly, as they are.
    """
    wheels: list[Path] = []
    level, seen = [first], set(known)
    while level:
        needs: list[Requirement] = []
        for wanted in level:
            seen.add(wanted.name)
            if is_there(wanted, there):
                lines = importlib.metadata.requires(wanted.name) or []
            else:
                (file,) = find([wanted], places)
                wheels.append(bring(file, folder, meter.of(package_of(file))))
                lines = requirements_in(wheels[-1])
            needs += applying(lines, wanted.requirement.extras)
        level = [wanted for wanted in map(Wanted, together(needs)) if wanted.name not in seen]
    return wheels, seen


def is_there(wanted: Wanted, there: dict[str, str]) -> bool:
    """Tell whether a package is among those that are whole (name to version), in a version that will do."""
    return wanted.name in there and wanted.accepts(Version(there[wanted.name]))


def find(wanted: Sequence[Wanted], places: Sequence[str]) -> list[Found]:
    """Return the file of each package, from the first place that has one that fits.

    Raises:
        UserError: one is nowhere, or a place cannot be reached.
    """
    with ThreadPoolExecutor(PAGES_AT_ONCE) as pool:
        return list(pool.map(lambda each: find_one(each, places), wanted))


def find_one(wanted: Wanted, places: Sequence[str]) -> Found:
    """The same for one package; its size is asked for where the index does not tell it."""
    for place in places:
        file = best(wanted, with_hashes(files_of(place, wanted.name), wanted, place))
        if file:
            return file if file.size else replace(file, size=size_on_server(file))
    where = " or ".join(places)
    raise UserError(
        f"No wheel of {wanted.requirement.name}{wanted.requirement.specifier} for Python "
        f"{sys.version_info[0]}.{sys.version_info[1]} and this system was found in {where}."
    )


def with_hashes(files: Sequence[Found], wanted: Wanted, place: str) -> list[Found]:
    """Leave out what comes over the network without a hash; read those of a folder's files where a lock names some."""
    if not is_folder(place):
        return [file for file in files if file.sha256]
    here = [(file, path_of(file)) for file in files]
    return [replace(file, sha256=digest_of(path)) if wanted.hashes and path else file for file, path in here]


def package_of(file: Found) -> str:
    """Name of the package in a wheel's name."""
    return file.name.partition("-")[0]


def places_of_pip() -> list[str]:
    """Return where pip is set to look for packages: folders first, then its index and the further ones."""
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    settings: dict[str, str] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name not in settings or key.startswith(":env:"):
            settings[name] = str(ast.literal_eval(value))
    found = settings.get("find-links", "").split()
    return [*found, settings.get("index-url", PYPI), *settings.get("extra-index-url", "").split()]


def torch_places(places: Sequence[str], index: str) -> list[str]:
    """The places of a build of PyTorch: folders first, then its own index, then pip's."""
    folders = [place for place in places if is_folder(place)]
    return [*folders, *filter(None, [index]), *(place for place in places if not is_folder(place))]


def require_room(folder: Path, download: int, grown: int) -> None:
    """Raise `UserError` where a disk has no room for so many bytes of wheels, and of what they become."""
    needed, free = max(0, download) + grown + SPARE, shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"Setting up needs {needed / 1e9:.1f} GB in {folder.parent}, of which {max(0, download) / 1e9:.1f} GB for "
            f"the time of setting up, and {free / 1e9:.1f} GB are free; free some space and try again."
        )


def size_of_folder(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def install(wheels: Sequence[Path]) -> None:
    """Install wheels with pip, without asking any index.

    Raises:
        UserError: pip says no; it has printed why.
    """
    teller, sizes = Teller(*INSTALLING), [wheel.stat().st_size for wheel in wheels]
    options = ["--no-index", "--no-deps", "--force-reinstall"]
    done = 0
    while done < len(wheels):
        lot = 1
        while done + lot < len(wheels) and sum(sizes[done : done + lot + 1]) <= BATCH:
            lot += 1
        names = [wheel.name.partition("-")[0] for wheel in wheels[done : done + lot]]
        more = f" and {lot - 1} more" if lot > 1 else ""
        teller.tell(sum(sizes[:done]) / sum(sizes), f"Installing {names[0]}{more}")
        run_pip("install", *options, *map(str, wheels[done : done + lot]))
        done += lot


def run_pip(*words: str) -> None:
    """Run this environment's pip, whatever the user's settings.

    Raises:
        UserError: it says no; it has printed why.
    """
    quiet = ["--isolated", "--disable-pip-version-check", "-qq"]
    if subprocess.run([sys.executable, "-m", "pip", *quiet, *words], check=False).returncode != 0:
        raise UserError(f"pip could not {words[0]} what is named above; close what uses the engine and try again.")
