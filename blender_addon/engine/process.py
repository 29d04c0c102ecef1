# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the engine is, and how its programs are run. No bpy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.installation.pythons import wheels_of
from ...protocol import known_engines
from ...protocol.address import LOOPBACK, Address
from ...protocol.messages import Announcement
from ..words import translated

if TYPE_CHECKING:
    from pathlib import Path

OFFLINE = "Blender is not allowed to go online: turn on Allow Online Access in Preferences, System, Network."
NO_ADDRESS = "?"
"""The URL of an engine on another machine that has not been entered yet."""
SECONDS_TO_DIE = 5.0


@dataclass(frozen=True)
class EnginePlace:
    """Where the artist wants the engine.

    Attributes:
        home: the engine's folder on this machine: its state, datasets, avatars and logs.
        python: a Python that can run the engine; None for the one that Set Up Engine installs into `home`.
        url: of a remote engine; empty for one on this machine.
        token: its token; empty for the one that is kept on this machine (`tokens`).
        online: Blender allows its extensions to use the network.
    """

    home: Path
    python: Path | None = None
    url: str = ""
    token: str = ""
    online: bool = True

    @property
    def remote(self) -> bool:
        """True when the engine runs on another machine, or is started by somebody else."""
        return bool(self.url)

    def address(self, token: str) -> Address:
        """The remote engine's address, and the certificate that the artist has accepted.

        Raises:
            UserError: the URL is none, or would have the token sent unprotected.
        """
        plain = Address.of_url(self.url, token)
        return replace(plain, fingerprint=known_engines.fingerprint_of(self.home, plain.place))

    @property
    def environment(self) -> Path:
        """The folder that Set Up Engine installs into."""
        return self.home / "environment"

    @property
    def wheels(self) -> Path:
        """What Set Up Engine has fetched and not installed yet."""
        return wheels_of(self.environment)

    @property
    def log(self) -> Path:
        """What a running engine prints."""
        return self.home / "engine.log"

    @property
    def setup_log(self) -> Path:
        """What Set Up Engine printed."""
        return self.home / "setup.log"

    def interpreter(self) -> Path | None:
        """The Python to run the engine with; None when the engine is not set up yet."""
        if self.python:
            return self.python
        python = self.environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        return python if python.is_file() and (self.environment / "semblance-stamp").is_file() else None


def why_no_engine(place: EnginePlace) -> str:
    """Return why no engine can be reached or started there, as a sentence for the artist; empty when one can."""
    if place.remote:
        return why_not_reached(place)
    if Announcement.read(place.home):
        return ""
    return why_not_started(place)


def why_not_reached(place: EnginePlace) -> str:
    """Return why Blender must not ask a remote engine; empty when it may, as it always may on this machine."""
    if place.url == NO_ADDRESS:
        return "No address of a remote engine is entered: press Use Remote Engine in the Semblance preferences."
    with suppress(UserError):
        if place.online or Address.of_url(place.url, place.token).host in LOOPBACK:
            return ""
    return OFFLINE


def why_not_started(place: EnginePlace) -> str:
    """Return why no engine can be started on this machine; empty when one can."""
    python = place.interpreter()
    if python is None:
        return "The engine is not set up yet: press Set Up Engine."
    if not python.is_file():
        return translated("There is no Python at {python}: correct the path in the preferences.", python=python)
    return ""


def spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process that writes to a log file, without a console window and without Blender's Python settings.

    Raises:
        UserError: the program cannot be run.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    environment["PYTHONUNBUFFERED"] = "1"
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env=environment,
                creationflags=hidden,
                start_new_session=True,
            )
    except OSError as error:
        raise UserError(
            translated(
                "{program} cannot be run ({strerror}); correct its path in the preferences.",
                program=command[0],
                strerror=error.strerror,
            )
        ) from error


def end_with_children(process: subprocess.Popen[bytes]) -> None:
    """End a process that `spawn` started, and what it has started itself where the system can (pip)."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]  # Windows' only way to end the children too
        with suppress(OSError):
            subprocess.run(tree, capture_output=True, check=False)
        process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_DIE)  # until it is asked how it ended, the system keeps its number


def last_line(log: Path) -> str:
    """Return the last line of a log that says something."""
    lines = [line.strip() for line in read_end(log).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it said nothing"


def read_end(log: Path, most: int = 16384) -> str:
    """Return the last bytes of a log as text."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - most))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
