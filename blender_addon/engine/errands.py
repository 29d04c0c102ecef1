# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender asked a job for: where its result belongs. No bpy.

It lies beside the engine's other data until the result is where it belongs, so that a job which ends while another file
is open, or no Blender at all, is offered later.
"""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ...common.file_format import FileFormat
from ...common.files import written_whole
from ...common.home import is_name
from ...protocol.messages import known_fields

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = FileFormat("semblance-errand", 1)
FOLDER = "errands"


class Purpose(enum.StrEnum):
    """What is done with a job's result."""

    NEW_AVATAR = "new avatar"
    DRIVE = "drive"
    BUILD = "build"


@dataclass(frozen=True)
class Errand:
    """What a job was asked for.

    Attributes:
        purpose: what is done with its result.
        scene, head: ids of what it was asked for; empty for none.
        name: what the head was called, for sentences.
        start: the scene's frame at which a motion begins.
    """

    purpose: Purpose
    scene: str = ""
    head: str = ""
    name: str = ""
    start: int = 1


def file_of(home: Path, job: str) -> Path | None:
    """The file about a job; None for what is no job's id."""
    return home / FOLDER / f"{job}.json" if is_name(job) else None


def keep(home: Path, job: str, errand: Errand) -> None:
    """Note what a job was asked for."""
    if file := file_of(home, job):
        with written_whole(file) as temporary:
            temporary.write_text(json.dumps(FORMAT.header | asdict(errand)), encoding="utf-8")


def read(home: Path, job: str) -> Errand | None:
    """Return what a job was asked for; None when nobody waits for its result, or the note cannot be read."""
    file = file_of(home, job)
    try:
        said = json.loads(file.read_text(encoding="utf-8")) if file else None
        if not isinstance(said, dict) or said.get("version") != FORMAT.version:
            return None
        known = known_fields(Errand, said)
        return Errand(**{**known, "purpose": Purpose(known["purpose"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget(home: Path, job: str) -> None:
    """Note that a job's result is where it belongs."""
    if file := file_of(home, job):
        file.unlink(missing_ok=True)
