# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of a dataset: who writes there, what lay there before, and how a finished folder takes it."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ...common.errors import UserError
from ...common.files import hidden_beside
from ..performances.plates import CLEAN, HEADLESS
from . import original_layout

PICTURE_FOLDERS = ("image", "back", "uv", "render")
PLATE = "plate.mp4"
"""Name of the footage's plate, in a dataset's folder, where one was written."""
OURS = {
    *PICTURE_FOLDERS,
    PLATE,
    f"{CLEAN}.png",
    f"{HEADLESS}.png",
    "dataset.json",
    "performance.npz",
    original_layout.IDENTITY_FILE,
    original_layout.EXPRESSION_FILE,
}
"""What a dataset's folder holds; anything else in it is its owner's and stays when the dataset is replaced."""


class Place:
    """Where a dataset will be, held by one run from the start to the end; use it in a `with` statement.

    A path that is a link means the folder that it points at: the link stays.

    Attributes:
        folder: the folder itself.
        partial: a hidden folder beside it, in which the dataset grows. It is empty at first, and removed at the end.
    """

    def __init__(self, given: Path) -> None:
        """Say where; nothing is touched yet."""
        self.folder = Path(os.path.realpath(given))
        self.partial = hidden_beside(self.folder, ".partial")
        self._former = hidden_beside(self.folder, ".former")
        self._held = ExitStack()

    def __enter__(self) -> Place:
        """Take the place, and make the partial folder.

        Raises:
            UserError: another run holds it, it is neither empty nor a dataset, or it cannot be written.
        """
        try:
            self._put_back()
            refuse_foreign(self.folder)
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with ExitStack() as held:
                held.enter_context(held_alone(self.folder))
                held.callback(shutil.rmtree, self.partial, ignore_errors=True)
                shutil.rmtree(self.partial, ignore_errors=True)
                self.partial.mkdir()
                self._held = held.pop_all()
        except OSError as error:
            raise UserError(f"{self.folder} cannot be written ({error.strerror}); choose another folder.") from error
        return self

    def __exit__(self, *_error: object) -> None:
        self._held.close()

    def fill(self) -> None:
        """Give the partial folder its name, in place of an earlier dataset, whose owner's own files it keeps.

        Raises:
            OSError: the system refuses; the earlier dataset is where it was.
        """
        shutil.rmtree(self._former, ignore_errors=True)
        if self.folder.exists():
            self.folder.replace(self._former)
        try:
            self.partial.replace(self.folder)
        except OSError:
            self._put_back()
            raise
        self._keep_foreign()
        shutil.rmtree(self._former, ignore_errors=True)

    def _put_back(self) -> None:
        """Give an earlier dataset its name again, where a run broke off between its going and the new one's coming."""
        if self._former.is_dir() and not self.folder.exists():
            self._former.replace(self.folder)

    def _keep_foreign(self) -> None:
        """Take over what an earlier dataset's folder held besides the dataset: footage, an overlay, notes."""
        for entry in self._former.iterdir() if self._former.is_dir() else ():
            if entry.name not in OURS and not (self.folder / entry.name).exists():
                entry.replace(self.folder / entry.name)


def held_alone(folder: Path) -> ExitStack:
    """Return what holds a folder's place until it is closed; a run that was killed holds it no more.

    Raises:
        UserError: another run holds it.
    """
    file = hidden_beside(folder, ".lock")
    lock = FileLock(file, timeout=0)
    held = ExitStack()
    try:
        lock.acquire()
        while not file.exists():  # whoever held it before removed the file while we were opening it
            lock.release()
            lock.acquire()
    except Timeout:
        raise UserError(
            f"Another run is writing {folder} at this moment; wait until it is done, or choose another folder."
        ) from None
    except NotImplementedError:  # a file system without locks
        return held
    held.callback(lock.release)
    held.callback(remove, file)
    return held


def remove(file: Path) -> None:
    """Remove a file; not to be able to does not matter."""
    with suppress(OSError):
        file.unlink()


def refuse_foreign(folder: Path) -> None:
    """Refuse to replace a folder that a user may miss.

    Raises:
        UserError: `folder` exists and is neither empty nor a dataset, or is the root of a disk.
    """
    if folder.is_symlink():  # links were followed: this one leads in a circle
        raise UserError(f"{folder} is a link that leads nowhere; choose another folder for the dataset.")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; choose another folder for the dataset.")
    if any(folder.iterdir()) and not (folder / "dataset.json").is_file():
        raise UserError(f"{folder} holds other files; choose an empty or a new folder for the dataset.")
    if os.path.ismount(folder):
        raise UserError(f"{folder} is a disk of its own and cannot be replaced; choose a folder in it for the dataset.")
