# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's home folder: where its jobs, datasets and avatars lie."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import category

from .errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOME_VARIABLE = "SEMBLANCE_HOME"
LONGEST_NAME = 100
"""Letters of what a dataset or an avatar in the home may be called."""
BESIDE_LETTERS = "_ .-"


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
    def weights(self) -> Path:
        """The folder of copied and fetched weights of others' networks."""
        return self.folder / "weights"

    @property
    def rates(self) -> Path:
        """How quickly this machine trains, as JSON."""
        return self.folder / "rates.json"

    @property
    def engines(self) -> Path:
        """The folder of engines that TensorRT has built."""
        return self.folder / "engines"

    @property
    def kernels(self) -> Path:
        """The folder of kernels that Warp has compiled."""
        return self.folder / "kernels"

    @property
    def credentials(self) -> Path:
        """The key and certificate that pictures are signed with, as PEM."""
        return self.folder / "credentials.pem"

    @property
    def left_out(self) -> Path:
        """Which renders were not signed, and why, a line of JSON each."""
        return self.folder / "without_credentials.jsonl"

    @property
    def files(self) -> Path:
        """The folder of files that clients have sent or may fetch, by their contents."""
        return self.folder / "files"

    @property
    def outputs(self) -> Path:
        """The folder of what jobs have made for clients on other machines."""
        return self.folder / "outputs"

    @property
    def datasets(self) -> Path:
        """The folder of datasets."""
        return self.folder / "datasets"

    def job(self, name: str) -> Path:
        """The folder of a job."""
        return self.folder / "jobs" / name

    def dataset(self, place: str) -> Path:
        """The folder that `place` means: an absolute path, or the name of a dataset in this home."""
        return self.datasets / place if is_name(place) else Path(place)

    def avatar(self, place: str) -> Path:
        """The file that `place` means: an absolute path, or the id of an avatar in this home."""
        return self.avatars / f"{place}.safetensors" if is_name(place) else Path(place)

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            UserError: the home cannot be made or written to.
        """
        try:
            for folder in (self.folder, self.avatars, self.folder / "jobs", self.datasets):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"The engine's home {self.folder} cannot be made ({error.strerror}); choose another with --home."
            ) from error
        if not os.access(self.folder, os.W_OK):
            raise UserError(f"The engine's home {self.folder} cannot be written to; choose another with --home.")


def is_name(place: str) -> bool:
    """Tell whether `place` is the bare name of something in the home and not a path: it cannot lead out of the folder.

    Names are letters of any script with their marks, figures and `_`, and behind these blanks, points and hyphens.
    """
    if not 0 < len(place) <= LONGEST_NAME or not (place[0].isalnum() or place[0] == "_"):
        return False
    return all(each.isalnum() or each in BESIDE_LETTERS or category(each).startswith("M") for each in place)


def default_home(extension_folder: str = "") -> Path:
    """The home used when none is given: `SEMBLANCE_HOME`, else the folder that Blender lends an installed extension,
    else a folder where this system keeps programs' data.
    """
    chosen = os.environ.get(HOME_VARIABLE) or extension_folder
    return Path(chosen) if chosen else data_folder(sys.platform, os.environ, Path.home())


@contextmanager
def default_home_set(home: Home) -> Iterator[None]:
    """Let `home` be the default one in the body, for what is looked up there without being told of it."""
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(home.folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[HOME_VARIABLE]
        else:
            os.environ[HOME_VARIABLE] = before


def data_folder(system: str, environment: Mapping[str, str], user: Path) -> Path:
    """Where a system (`sys.platform`) keeps this program's data, for a user whose own folder is `user`."""
    if system == "win32":
        return Path(environment.get("LOCALAPPDATA") or user / "AppData" / "Local") / "Semblance"
    if system == "darwin":
        return user / "Library" / "Application Support" / "Semblance"
    return Path(environment.get("XDG_DATA_HOME") or user / ".local" / "share") / "semblance"
