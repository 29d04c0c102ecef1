# SPDX-License-Identifier: GPL-3.0-or-later
"""The words spoken between Blender and the engine, version 1. Standard library and NumPy only.

Control is JSON; arrays are `.npz` without pickles. Every request carries `Authorization: Bearer <token>`.

| endpoint | asks | answers |
| --- | --- | --- |
| `GET /v1/status` | | `Status` |
| `GET /v1/presence` | | 200 at once, then nothing until the asker goes: meanwhile the engine stays |
| `POST /v1/jobs` | `{"kind": "track", "parameters": {...}}` (`jobs.JobRequest`) | 201 `Job` |
| `GET /v1/jobs` | `?most=N` | list of `Job`, newest first |
| `GET /v1/jobs/{id}` | | `Job` |
| `POST /v1/jobs/{id}/cancel` | | `Job`, cancelling or ended |
| `POST /v1/jobs/{id}/retry` | | 201 `Job`: a new one, asked for like the one that has ended |
| `POST /v1/jobs/{id}/finish` | | `Job`: a build ends early with the avatar it has; it can go on later |
| `POST /v1/jobs/{id}/sooner` | | `Job`: one that waits, before the one that it waited behind |
| `POST /v1/jobs/{id}/later` | | `Job`: one that waits, behind the one that waited behind it |
| `DELETE /v1/jobs/{id}` | | `Job`: one that has ended, no longer listed; what it made stays |
| `GET /v1/jobs/{id}/curve` | `?most=N` | `Curve`: a training's losses so far |
| `GET /v1/jobs/{id}/log` | | text: the end of what the job has printed |
| `GET /v1/jobs/{id}/events` | | server-sent events, each a whole `Job`; ends when the job has ended |
| `GET /v1/jobs/{id}/preview` | | PNG or JPEG; a build's: footage above, maps, avatar below; 404 while there is none |
| `GET /v1/expectations` | | list of `expectations.Expectation`, each with its `sentence`: how long builds take here |
| `GET /v1/avatars` | | list of `AvatarInfo`, newest first |
| `POST /v1/avatars` | `{"file": "sha256:HEX/NAME.safetensors"}`, which was sent | 201 `AvatarInfo` |
| `GET /v1/avatars/{id}` | | `AvatarInfo` |
| `GET /v1/avatars/{id}/splats` | | `pack_arrays(**splats)` |
| `GET /v1/jobs/{id}/files` | | list of `Made`: the files that a job which is done has made |
| `GET /v1/datasets` | | list of `DatasetInfo` |
| `HEAD /v1/files/{sha256}` | | 204; `Upload-Offset`: bytes that are here, `Upload-Complete`: `?1` when that is all |
| `PUT /v1/files/{sha256}` | a piece, where `Content-Range: bytes FIRST-LAST/TOTAL` says | `FileState` |
| `GET /v1/files/{sha256}` | `Range: bytes=FIRST-LAST` | bytes |
| `GET /v1/jobs/{id}/file` | | the one file that a job has written, such as a film |
| `GET /v1/avatars/{id}/file` | | the avatar's file |
| `POST /v1/avatars/{id}/picture` | a pose in JSON (`engine.serving.posing`) | WebP |
| `POST /v1/verify` | `?name=NAME`, a file | what it says of how it was made, in words |
| `POST /v1/avatars/{id}/frames` | `pack_arrays(**inputs, **look)` | `pack_arrays(rgba[, depth])` |
| WebSocket `/v1/live` | the token in its first message | a live session (docs/developers.md) |

`GET /` and `/page/…` are the page's own files, the only ones that need no token; pages of other origins get 403.

A refusal is `{"detail": "one sentence"}` with 401 (token), 403 (name), 404, 405 (method), 409 (place of a piece), 413
(too large), 415 (type of the body), 416 (part), 422 (cannot be done as asked; also for what should be JSON and is none)
or 500.

The parameters of each kind of job are the fields of its class in `jobs`.

Frames: maps or a posed mesh, as the avatar's kind takes (`inputs`): `uv` and `texture` are `[N, 256, 256, 3]`, float16
or float32, 0 to 1; `vertices` is `[N, V, 3]`, `expression` `[N, E]`, `rotation` `[N, 3, 3]`,
`camera` `[6]` or `[N, 6]`, `view`, which may be left out, `[N, 3, 3]`; `N` is at most `MOST_FRAMES`. What `Look`
holds may be left out: `time_code` is a number or `[N]`, `foreground_offset` and `background_offset` are `[2]` or
`[N, 2]`; `rgba` is `[N, H, W, 4]` uint8, straight alpha, `depth` `[N, H, W]`
float32 metres, 0 where nothing is.
"""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from .jobs import JobKind

VERSION = 1
MOST_FRAMES = 64
"""Frames that one request may ask for."""
STATE_FILE = "engine.json"
"""Name of the file, in the engine's home folder, that announces a running engine."""


@dataclass(frozen=True)
class Message:
    """What the engine sends as a JSON object: a dataclass whose fields are the object's."""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read one that the engine sent; unknown fields of a newer engine are ignored."""
        return cls(**known_fields(cls, values))


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


@dataclass(frozen=True)
class Job(Message):
    """A long task in the engine, as Blender sees it.

    Attributes:
        id: unique name.
        kind, state: see the enums.
        parameters: what was asked for.
        stage, fraction, message, seconds_left: where it stands; fraction is 0 to 1 within the stage.
        preview: True when `GET /v1/jobs/{id}/preview` has a picture.
        error: one sentence when the job failed, else empty.
        result: what a finished job made: `dataset` and `frames`; `avatar` (path), `avatar_id`, and `kind`, `time_code`
            and `light` as its file has them; or `out` and, where frames go beyond what the avatar was trained on, a
            sentence about them in `beyond`.
        created: when it was asked for, seconds since 1970.
        turn: of the jobs that wait, the one with the smallest number is next.
        finishing: it was told to end with what it has.
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
    created: float = 0.0
    turn: float = 0.0
    finishing: bool = False

    def to_json(self) -> dict[str, Any]:
        """The job as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read one that the engine sent; unknown fields of a newer engine are ignored."""
        known = known_fields(cls, values)
        return cls(**{**known, "kind": JobKind(known["kind"]), "state": JobState(known["state"])})


@dataclass(frozen=True)
class Curve(Message):
    """The losses of a training over its steps: points that are means of neighbouring steps.

    Attributes:
        steps, seconds: where each point lies: steps done, and the training time they took; `[N]`, rising.
        losses: `[N]` numbers by the loss's name; None where no step of a point had that loss.
        watched: the loss to look at; empty while there is none.
    """

    steps: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    losses: dict[str, list[float | None]] = field(default_factory=dict)
    watched: str = ""


@dataclass(frozen=True)
class Status(Message):
    """What an engine is and can do.

    Attributes:
        version: Semblance's version; protocol: this protocol's version.
        device: "cuda" or "cpu"; device_name: as people call it.
        torch: version of PyTorch.
        fallbacks: sentences that say what is missing and what is done instead; empty on a machine that has everything.
        home: the engine's folder; process: the engine's process number.
        jobs_running, jobs_queued: how busy it is.
    """

    version: str
    protocol: int
    device: str
    device_name: str
    torch: str
    fallbacks: list[str]
    home: str
    process: int
    jobs_running: int
    jobs_queued: int


@dataclass(frozen=True)
class AvatarInfo(Message):
    """An avatar in the engine's home.

    Attributes:
        id: its name in the engine: the file's name without suffix.
        path: the avatar file, on the engine's machine.
        bytes: size of the file; modified: when it was written, seconds since 1970.
        metadata: what the file says of itself (head, identity, texture, camera, crop, resolution, ...).
        error: one sentence when the file cannot be read, else empty.
    """

    id: str
    path: str
    bytes: int
    modified: float
    metadata: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class DatasetInfo(Message):
    """A dataset in the engine's home.

    Attributes:
        id: its name.
        likeness: the same for datasets with the same pictures (`archives.likeness`).
    """

    id: str
    likeness: str


@dataclass(frozen=True)
class FileState:
    """How much of a file the engine has.

    Attributes:
        sha256: of its whole contents.
        bytes: how many are here; whole: they are all.
    """

    sha256: str
    bytes: int
    whole: bool


@dataclass(frozen=True)
class Made(Message):
    """A file that a job has made, to be fetched by its SHA-256.

    Attributes:
        parameter: the job's parameter that says where it belongs.
        sha256, bytes: of its contents; archive: it is an archive (`archives`) of a folder.
    """

    parameter: str
    sha256: str
    bytes: int
    archive: bool


@dataclass(frozen=True)
class Announcement:
    """What a running engine writes to its state file, for Blender to find it."""

    port: int
    token: str
    process: int
    version: int = VERSION
    host: str = "127.0.0.1"
    fingerprint: str = ""
    """Of its certificate; empty where it speaks plain HTTP."""

    def to_text(self) -> str:
        """The state file's contents."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, home: str | Path) -> Announcement | None:
        """The announcement in an engine's home folder; None when there is none or it cannot be read."""
        try:
            values = json.loads((Path(home) / STATE_FILE).read_text(encoding="utf-8"))
            said = cls(**known_fields(cls, values))
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        kinds = [type(each) for each in (said.port, said.token, said.process, said.host, said.fingerprint)]
        return said if kinds == [int, str, int, str, str] and 0 < said.port < 65536 else None


def known_fields(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """Return those of `values` that are fields of the dataclass `cls`."""
    names = {each.name for each in fields(cls)}
    return {name: value for name, value in values.items() if name in names}
