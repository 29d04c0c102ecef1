# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients are told. To those on other machines no path of this one is named: files go by reference or by name."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...common.home import Home
from ...protocol.archives import bare
from ...protocol.messages import AvatarInfo, Job, Status
from ..jobs.file_store import FileStore

PATH_IN_TEXT = re.compile(r"(?<![\w./:])(?:[A-Za-z]:)?[/\\](?:[^\s/\\:;,'\"“”()\[\]]+[/\\])*([^\s/\\:;,'\"“”()\[\]]+)")
"""An absolute path among words; a name with blanks in it ends at the first."""


class Plain:
    """Tells everything: to clients on this machine."""

    def text(self, text: str) -> str:
        """Words."""
        return text

    def job(self, job: Job) -> Job:
        """A job."""
        return job

    def avatar(self, info: AvatarInfo) -> AvatarInfo:
        """An avatar."""
        return info

    def status(self, status: Status) -> Status:
        """What the engine is."""
        return status


class Discreet(Plain):
    """Tells no path: to clients on other machines."""

    def __init__(self, home: Home, store: FileStore) -> None:
        self._home, self._store = home, store
        known = {str(home.folder): "", sys.prefix: "", str(Path.home()): ""}
        self._known = sorted((each for each in known if len(each) > 1), key=len, reverse=True)

    def text(self, text: str) -> str:
        """Words without paths: of each its last part."""
        for folder in self._known:
            text = text.replace(folder + "/", "").replace(folder + "\\", "").replace(folder, bare(folder))
        return PATH_IN_TEXT.sub(r"\1", text)

    def job(self, job: Job) -> Job:
        """A job without paths."""
        return replace(
            job,
            parameters=self._values(job.parameters),
            result=self._values(job.result),
            error=self.text(job.error),
            message=self.text(job.message),
        )

    def avatar(self, info: AvatarInfo) -> AvatarInfo:
        """An avatar without paths."""
        return replace(info, path=bare(info.path), metadata=self._values(info.metadata), error=self.text(info.error))

    def status(self, status: Status) -> Status:
        """What the engine is, without its folder."""
        return replace(status, home="", process=0)

    def _values(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._values(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._values(each) for each in value]
        return self._name(value) if isinstance(value, str) and Path(value).is_absolute() else value

    def _name(self, path: str) -> str:
        if reference := self._store.reference_to(path):
            return str(reference)
        own = Path(path).parent in (self._home.avatars, self._home.datasets)
        return Path(path).name.removesuffix(".safetensors") if own else bare(path)
