# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made, as files to download: avatars and films."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse

from ...protocol.messages import Job
from ..jobs.results import kept
from .files import store_of
from .known import BINARY, KnownAvatar, KnownJob, scheduler_of

TYPES = {".mp4": "video/mp4", ".png": "image/png", ".jpg": "image/jpeg", ".npz": "application/x-npz"}
ANYTHING = "application/octet-stream"
FILES: dict[int | str, dict[str, Any]] = {200: {"content": dict.fromkeys(sorted({*TYPES.values(), ANYTHING}), BINARY)}}
"""What OpenAPI says of an endpoint that answers with a file."""


def add_downloads(app: FastAPI) -> None:
    """Add the endpoints of files to download."""

    @app.get("/v1/jobs/{id}/file", response_class=Response, responses=FILES)
    async def job_file(record: KnownJob) -> Response:
        return file_of(record.job)

    @app.get("/v1/avatars/{id}/file", response_class=Response, responses=FILES)
    async def avatar_file(request: Request, path: KnownAvatar) -> Response:
        if not request.app.state.remote:
            return answer_with(path, path.name)
        home, store = scheduler_of(request).home, store_of(request)
        made = await asyncio.to_thread(kept, "avatar", path, home, store, avatar=True)
        return answer_with(store.content(made.sha256) or path, path.name)


def file_of(job: Job) -> FileResponse:
    """Answer with the one file that a job has written; 404 when there is none."""
    path = Path(str(job.result.get("out", "")))
    if not job.result.get("out") or not path.is_file():
        raise HTTPException(404, f"The job {job.id} has written no file that is still there; look at its result.")
    return answer_with(path, path.name)


def answer_with(path: Path, name: str) -> FileResponse:
    """Answer with a file, under a name."""
    kind = TYPES.get(Path(name).suffix.lower(), ANYTHING)
    return FileResponse(path, media_type=kind, filename=name, headers={"Cache-Control": "no-store"})
