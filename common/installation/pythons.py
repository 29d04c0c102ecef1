# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a Python that an environment can be made with, or uv, which brings one; makes the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UV = "uv.exe" if os.name == "nt" else "uv"
QUESTION = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"
HOW_TO_GET_ONE = {
    "win32": "install it from python.org",
    "darwin": "install it from python.org",
    "linux": "on Debian and Ubuntu: `apt install python{0} python{0}-venv`",
}


@dataclass(frozen=True)
class Maker:
    """What an environment is made with: a Python, or uv, which brings one of a version."""

    python: str = ""
    uv: str = ""
    version: str = ""

    def command(self, folder: Path) -> list[str]:
        """The command that makes an environment with pip in it."""
        if self.python:
            return [self.python, "-m", "venv", str(folder)]
        return [self.uv, "venv", "--seed", "--python", self.version, str(folder)]


def interpreter(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def wheels_of(folder: Path) -> Path:
    """Where what has come for an environment is kept until all of it is installed."""
    return folder.with_name(f"{folder.name}-wheels")


def make_environment(folder: Path, versions: Sequence[str], place_for_uv: Path) -> None:
    """Make an empty environment with a Python of one of some versions; what is in the folder is removed.

    Raises:
        UserError: there is no such Python, or it cannot make one.
    """
    maker = find_maker(versions, place_for_uv)
    if folder.exists():
        shutil.rmtree(folder)
    done = subprocess.run(maker.command(folder), capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        hint = f"install the package python{maker.version}-venv" if maker.python else f"install Python {versions[0]}"
        said = (done.stderr or done.stdout).strip().splitlines()
        why = f" ({said[-1]})" if said else ""
        raise UserError(f"Could not make a Python environment in {folder}{why}; {hint} and try again.")


def works(folder: Path, versions: Sequence[str]) -> bool:
    """Tell whether an environment's Python runs, has pip, and is of one of some versions."""
    python = interpreter(folder)
    if not python.is_file():
        return False
    script = "import sys, pip._vendor.packaging.tags; print('%d.%d' % sys.version_info[:2])"
    return output_of([str(python), "-c", script]) in versions


def find_maker(versions: Sequence[str], place_for_uv: Path) -> Maker:
    """Return a Python of the first of some versions that there is, else uv, which is installed where there is none.

    Raises:
        UserError: there is neither.
    """
    ours = str(place_for_uv.parent)  # of its own environments none can be made anew
    there = [candidate for candidate in candidates(versions) if ours not in candidate]
    found: dict[str, str] = {}
    for candidate in there:
        found.setdefault(version_of(candidate), candidate)
    for version in versions:
        if version in found:
            return Maker(python=found[version], version=version)
    uv = shutil.which("uv") or uv_of_our_own(place_for_uv)
    if uv:
        return Maker(uv=uv, version=versions[0])
    how = HOW_TO_GET_ONE.get(sys.platform, HOW_TO_GET_ONE["linux"]).format(versions[0])
    raise UserError(
        f"Semblance needs Python {' or '.join(versions)} and found none; install it ({how}), or install uv "
        "(https://docs.astral.sh/uv), and try again."
    )


def candidates(versions: Sequence[str]) -> Iterator[str]:
    """Give Pythons that may be of one of some versions: this one, those on the path, pyenv's, Windows' launcher's."""
    windows = os.name == "nt"
    base = Path(sys.base_prefix, "python.exe" if windows else "bin/python3")  # what an active environment was made with
    if base.is_file():
        yield str(base)
    yield sys.executable
    for version in versions:
        named = shutil.which(f"python{version}")
        if named:
            yield named
        yield from map(str, sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python{version}")))
        launcher = shutil.which("py") if windows else None
        if launcher:
            yield output_of([launcher, f"-{version}", "-c", "import sys; print(sys.executable)"]) or launcher


def version_of(python: str) -> str:
    """Return "3.11" for a Python 3.11 that can make environments; empty for none."""
    return output_of([python, "-c", QUESTION])


def output_of(command: Sequence[str]) -> str:
    """What a program prints; empty where it fails."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def uv_of_our_own(folder: Path) -> str | None:
    """Install uv into a folder with this Python's pip; None when that does not work."""
    uv = folder / "bin" / UV
    if not uv.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "uv"]
        subprocess.run(command, capture_output=True, check=False)
    return str(uv) if uv.exists() else None
