# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the engine on this machine, repairs, updates and removes it, and says beforehand what that takes. No bpy.

The work is `run.py`'s, in a process of its own.
"""

from __future__ import annotations

import shutil
import sys
import threading
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.installation.completeness import whole_packages
from ...common.installation.graphics import graphics_of_this_machine, this_platform
from ...common.installation.shipped import LIBRARIES_DISK, LIBRARIES_DOWNLOAD, engine_stamp
from ...common.installation.stamp import NAME, read_stamp
from ...common.installation.telling import last_told
from ...common.installation.torch_builds import torch_requirement
from ...common.processes import is_alive
from ...protocol.messages import Announcement
from ..words import translated
from .process import EnginePlace, end_with_children, last_line, read_end, spawn

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...common.installation.torch_builds import Graphics, Platform

EXTENSION = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Wishes:
    """What the artist has chosen about the set-up.

    Attributes:
        wheels: a folder that everything is taken from; None for the network.
        torch: build of PyTorch; empty for the one that fits the machine.
    """

    wheels: Path | None = None
    torch: str = ""


class State(Enum):
    """How the engine on this machine stands; the value is what the button does about it."""

    ABSENT = "Set Up Engine"
    BEGUN = "Go On Setting Up"
    OUTDATED = "Update Engine"
    READY = "Repair Engine"


def state_of(place: EnginePlace) -> State:
    """Look whether the engine is set up, and from the source that this extension brings. Quick; nothing is checked."""
    if not (place.environment / NAME).is_file():
        return State.BEGUN if place.wheels.is_dir() else State.ABSENT
    stamp = read_stamp(place.environment)
    return State.READY if stamp and stamp == engine_stamp_of_extension(stamp.torch) else State.OUTDATED


@lru_cache(maxsize=4)
def engine_stamp_of_extension(torch: str) -> object:
    """The stamp of an engine that this extension would set up; an extension does not change while it is loaded."""
    return engine_stamp(EXTENSION, torch)


def damaged_packages(place: EnginePlace) -> list[str]:
    """Names of packages that were installed and are no longer whole; takes about a second."""
    stamp = read_stamp(place.environment)
    return sorted(set(stamp.packages) - set(whole_packages(place.environment))) if stamp else []


@dataclass(frozen=True)
class Outlook:
    """What setting up will take on this machine.

    Attributes:
        possible: an engine can be set up at all.
        machine: which graphics there are and which PyTorch fits, in a sentence.
        sizes: what is downloaded and how much stays on the disk, in a sentence.
    """

    possible: bool
    machine: str
    sizes: str = ""


def outlook(platform: Platform, graphics: Graphics, wishes: Wishes, free: int) -> Outlook:
    """Say what setting up will take; `free` bytes are left on the disk."""
    try:
        torch = torch_requirement(platform, graphics, wishes.torch)
    except UserError as error:
        return Outlook(False, str(error))
    cards = ", ".join(name for name, _ in graphics.cards)
    fits = (
        translated("{cards}: PyTorch gets the build {build}.", cards=cards, build=torch.build)
        if torch.gpu and cards
        else ""
    )
    machine = " ".join(filter(None, [fits, translated(torch.sentence)])) or translated(
        "PyTorch gets the build {build}.", build=torch.build
    )
    download, disk = LIBRARIES_DOWNLOAD + torch.download, LIBRARIES_DISK + torch.disk
    said = (
        "Reads about {download} and takes {disk} on the disk, {both} while setting up; {free:.0f} GB are free."
        if wishes.wheels
        else "Downloads about {download} and takes {disk} on the disk, {both} while setting up; {free:.0f} GB are free."
    )
    sizes = translated(
        said,
        download=gigabytes(download),
        disk=gigabytes(disk),
        both=gigabytes(download + disk),
        free=free / 1e9,
    )
    return Outlook(True, machine, sizes)


def gigabytes(megabytes: int) -> str:
    """Megabytes as people say them.

    >>> gigabytes(620), gigabytes(2730)
    ('620 MB', '2.7 GB')
    """
    return f"{megabytes} MB" if megabytes < 950 else f"{megabytes / 1000:.1f} GB"


class Look:
    """Looks at the machine and at the engine's files in the background, since both may take seconds."""

    def __init__(self, place: EnginePlace) -> None:
        self.graphics: Graphics | None = None
        self.damaged: list[str] = []
        self.ended = False
        self._place = place
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        try:
            self.graphics = graphics_of_this_machine()
            self.damaged = damaged_packages(self._place)
        finally:
            self.ended = True

    def outlook(self, wishes: Wishes) -> Outlook | None:
        """What setting up will take; None as long as that is not known."""
        if self.graphics is None:
            return None
        there = next(each for each in (self._place.home, *self._place.home.parents) if each.exists())
        return outlook(platform_of_this_machine(), self.graphics, wishes, shutil.disk_usage(there).free)


@cache
def platform_of_this_machine() -> Platform:
    """What this machine runs."""
    return this_platform()


def set_up(place: EnginePlace, wishes: Wishes) -> Generator[tuple[float, str], None, None]:
    """Install the engine into the home folder, or repair or update it; yields (share done 0 to 1, what is being done).

    Closing the generator ends the installation; what has been fetched is kept for the next try. An engine that is
    there is touched only when all that it lacks has come.

    Raises:
        UserError: it failed; the sentence names the log.
    """
    require_no_engine(place)
    place.home.mkdir(parents=True, exist_ok=True)
    script = EXTENSION / "run.py"
    if not script.is_file():
        raise UserError(translated("{script} is missing; install the extension again.", script=script))
    command = [any_python(), "-B", str(script), "engine", "--into", str(place.environment)]
    if wishes.wheels:
        command += ["--wheels", str(wishes.wheels)]
    if wishes.torch:
        command += ["--torch", wishes.torch]
    process = spawn(command, place.setup_log)
    try:
        while process.poll() is None:
            yield last_told(read_end(place.setup_log)) or (0.0, "Preparing")
        if process.returncode != 0:
            raise UserError(
                translated(
                    "Setting up the engine failed ({reason}); the whole log is {setup_log}.",
                    reason=reason_in(place),
                    setup_log=place.setup_log,
                )
            )
    finally:
        if process.poll() is None:
            end_with_children(process)


def reason_in(place: EnginePlace) -> str:
    """The sentence in the log of a failed set-up that says why: of two, `run.py`'s own only points at the other."""
    lines = [line.strip() for line in read_end(place.setup_log).splitlines() if line.strip()]
    if len(lines) > 1 and lines[-1].endswith("the reason is above."):
        return lines[-2].rstrip(".")
    return last_line(place.setup_log)


def any_python() -> str:
    """Return a Python for the installer, which needs nothing but the standard library: Blender's own will do."""
    return shutil.which("python3.11") or shutil.which("python3.12") or sys.executable


def remove(place: EnginePlace) -> Generator[float, None, None]:
    """Remove the engine from this machine, and what was fetched for it; yields the share done. Work is kept.

    Raises:
        UserError: it runs, or a file cannot be removed.
    """
    require_no_engine(place)
    (place.environment / NAME).unlink(missing_ok=True)
    packages = [folder for pattern in ("lib/*/*/*", "Lib/*/*") for folder in place.environment.glob(pattern)]
    everything = [*packages, place.environment, place.wheels, place.home / "uv"]
    for number, folder in enumerate(everything):
        yield number / len(everything)
        try:
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
        except OSError as error:
            raise UserError(
                translated(
                    "{filename} cannot be removed ({strerror}); close what uses it.",
                    filename=error.filename,
                    strerror=error.strerror,
                )
            ) from error


def require_no_engine(place: EnginePlace) -> None:
    """Raise `UserError` while the engine that would be changed is running."""
    announced = Announcement.read(place.home)
    if announced and place.environment.is_dir() and is_alive(announced.process):
        raise UserError(
            "The engine is running: close every Blender that uses it, and do this first after starting again."
        )
