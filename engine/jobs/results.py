# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job has made, as files that a client on another machine can fetch."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from pathlib import Path

from ...common.errors import UserError
from ...common.home import Home
from ...protocol.archives import bare, likeness, packing
from ...protocol.jobs import JOBS
from ...protocol.messages import DatasetInfo, Job, JobState, Made
from ...protocol.parameters import Meaning
from .avatar_heads import copy_with_head
from .file_store import FileStore
from .references import paths_of

PACKED = "packed"
"""Name of the folder, beside the files, in which archives grow."""


def made_by(job: Job, home: Home, store: FileStore) -> list[Made]:
    """Keep what a job has made for clients to fetch. Waits for the disk.

    Raises:
        UserError: the job is not done, or what it made is gone.
    """
    if job.state is not JobState.DONE:
        raise UserError(f"The job {job.id} is not done; wait for it.")
    made = []
    for each in paths_of(JOBS[job.kind]):
        path = job.parameters.get(each.name)
        if each.metadata["made"] and path:
            if not Path(path).exists():
                raise UserError(f"What the job {job.id} made is no longer there; retry the job.")
            made.append(kept(each.name, Path(path), home, store, avatar=each.metadata["meaning"] is Meaning.AVATAR))
    return made


def kept(parameter: str, path: Path, home: Home, store: FileStore, *, avatar: bool) -> Made:
    """Keep one file or folder."""
    folder = home.outputs / PACKED
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{path.stem}.tar"

    def spell(text: str) -> str:
        return str(store.reference_to(text) or bare(text))

    try:
        if path.is_dir():
            deque(packing(path, archive, spell), maxlen=0)
            return Made(parameter, *store.keep(archive), archive=True)
        if avatar:
            copy_with_head(path, archive, lambda _: "")
            return Made(parameter, *store.keep(archive), archive=False)
        return Made(parameter, *store.keep(path), archive=False)
    finally:
        archive.unlink(missing_ok=True)


class Datasets:
    """The datasets in a home, each looked at once as long as it stays as it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, DatasetInfo]] = {}

    def infos(self) -> list[DatasetInfo]:
        """Every dataset that is whole. Waits for the disk."""
        found = []
        for each in sorted(self._folder.glob("*/dataset.json")):
            with suppress(OSError):
                name, stamp = each.parent.name, each.stat().st_mtime_ns
                known = self._known.get(name)
                if known is None or known[0] != stamp:
                    known = self._known[name] = (stamp, DatasetInfo(name, likeness(each.parent)))
                found.append(known[1])
        return found
