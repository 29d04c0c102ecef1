# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's home folder: where its jobs, datasets and avatars lie."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .errors import UserError

HOME_VARIABLE = "SEMBLANCE_HOME"
NAME = re.compile(r"\w[\w .-]{0,99}")
"""What a dataset or an avatar in the home may be called; it cannot lead out of the folder."""


@dataclass(frozen=True)
class Home:
    """The places in an engine's home folder."""

    folder: Path

    @property
    def database(self) -> Path:
        """The jobs' SQLite file."""
        return self.folder / "jobs.sqlite"

    @property
    def lock(self) -> Path:
        """A file that the running engine holds locked."""
        return self.folder / "engine.lock"

    @property
    def log(self) -> Path:
        """Where tracebacks go."""
        return self.folder / "semblance.log"

    @property
    def avatars(self) -> Path:
        """The folder of avatar files."""
        return self.folder / "avatars"

    @property
    def heads(self) -> Path:
        """The folder of copied head files."""
        return self.folder / "heads"

    @property
    def engines(self) -> Path:
        """The folder of engines that TensorRT has built."""
        return self.folder / "engines"

    def job(self, name: str) -> Path:
        """The folder of a job."""
        return self.folder / "jobs" / name

    def dataset(self, place: str) -> Path:
        """The folder that `place` means: an absolute path, or the name of a dataset in this home."""
        return self.folder / "datasets" / place if is_name(place) else Path(place)

    def avatar(self, place: str) -> Path:
        """The file that `place` means: an absolute path, or the id of an avatar in this home."""
        return self.avatars / f"{place}.safetensors" if is_name(place) else Path(place)

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            UserError: the home cannot be made or written to.
        """
        try:
            for folder in (self.folder, self.avatars, self.folder / "jobs", self.folder / "datasets"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"The engine's home {self.folder} cannot be made ({error.strerror}); choose another with --home."
            ) from error
        if not os.access(self.folder, os.W_OK):
            raise UserError(f"The engine's home {self.folder} cannot be written to; choose another with --home.")


def is_name(place: str) -> bool:
    """Tell whether `place` is the bare name of something in the home and not a path."""
    return NAME.fullmatch(place) is not None


def default_home() -> Path:
    """The home used when none is given: `SEMBLANCE_HOME`, else a folder where this system keeps programs' data."""
    if os.environ.get(HOME_VARIABLE):
        return Path(os.environ[HOME_VARIABLE])
    user = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", user / "AppData" / "Local")) / "Semblance"
    if sys.platform == "darwin":
        return user / "Library" / "Application Support" / "Semblance"
    return Path(os.environ.get("XDG_DATA_HOME") or user / ".local" / "share") / "semblance"
