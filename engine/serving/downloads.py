# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made, as files to download: avatars and films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import FileResponse

from ...protocol.messages import Job
from .known import BINARY, KnownAvatar, KnownJob

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
    async def avatar_file(path: KnownAvatar) -> Response:
        return answer_with(path)


def file_of(job: Job) -> FileResponse:
    """Answer with the one file that a job has written; 404 when there is none."""
    path = Path(str(job.result.get("out", "")))
    if not job.result.get("out") or not path.is_file():
        raise HTTPException(404, f"The job {job.id} has written no file that is still there; look at its result.")
    return answer_with(path)


def answer_with(path: Path) -> FileResponse:
    """Answer with a file, under its own name."""
    kind = TYPES.get(path.suffix.lower(), ANYTHING)
    return FileResponse(path, media_type=kind, filename=path.name, headers={"Cache-Control": "no-store"})
