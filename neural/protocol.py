# SPDX-License-Identifier: GPL-3.0-or-later
"""The words spoken between Blender and the engine, version 1. Standard library and NumPy only.

Control is JSON; arrays are `.npz` without pickles. Every request carries `Authorization: Bearer <token>`.
"""

from __future__ import annotations

import enum
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 1
ARRAYS_TYPE = "application/x-npz"
STATE_FILE = "engine.json"
"""Name of the file, in the engine's home folder, that announces a running engine."""


class JobState(enum.StrEnum):
    """Life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"

    @property
    def ended(self) -> bool:
        """True when nothing more will happen to the job."""
        return self in (JobState.CANCELLED, JobState.FAILED, JobState.DONE)


class JobKind(enum.StrEnum):
    """What a job does."""

    TRACK = "track"
    PHOTO = "photo"
    BUILD = "build"
    REENACT = "reenact"


@dataclass(frozen=True)
class Job:
    """A long task in the engine, as Blender sees it.

    Attributes:
        id: unique name.
        kind, state: see the enums.
        parameters: what was asked for.
        stage, fraction, message, seconds_left: where it stands; fraction is 0 to 1 within the stage.
        preview: True when `GET /v1/jobs/{id}/preview` has a picture.
        error: one sentence when the job failed, else empty.
        result: what a finished job made (paths and figures).
    """

    id: str
    kind: JobKind
    state: JobState
    parameters: dict[str, Any] = field(default_factory=dict)
    stage: str = ""
    fraction: float = 0.0
    message: str = ""
    seconds_left: float | None = None
    preview: bool = False
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The job as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Job:
        """Read a job that the engine sent; unknown fields of a newer engine are ignored."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        return cls(**{**known, "kind": JobKind(known["kind"]), "state": JobState(known["state"])})


@dataclass(frozen=True)
class Announcement:
    """What a running engine writes to its state file, for Blender to find it."""

    port: int
    token: str
    process: int
    version: int = VERSION
    host: str = "127.0.0.1"

    def to_text(self) -> str:
        """The state file's contents."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, home: str | Path) -> Announcement | None:
        """The announcement in an engine's home folder; None when there is none or it cannot be read."""
        try:
            return cls(**json.loads((Path(home) / STATE_FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def pack_arrays(**arrays: np.ndarray) -> bytes:
    """Return the arrays as the bytes of an `.npz` (stored, not compressed: speed counts on loopback)."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Read arrays that `pack_arrays` wrote.

    Raises:
        ValueError: the bytes are no `.npz`, or hold a pickle.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except ValueError:
        raise
    except Exception as error:  # zipfile and numpy raise many kinds for damaged bytes
        raise ValueError(f"These are not packed arrays: {error}") from error
