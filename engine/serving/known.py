# SPDX-License-Identifier: GPL-3.0-or-later
"""What the endpoints have in common: whom they ask, and what a request names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from ..jobs.scheduler import Scheduler
from ..jobs.store import Record
from .avatar_cache import AvatarCache

BINARY = {"schema": {"type": "string", "format": "binary"}}
"""A body of bytes, in OpenAPI's words."""


def scheduler_of(request: Request) -> Scheduler:
    """The scheduler that the application serves."""
    scheduler: Scheduler = request.app.state.scheduler
    return scheduler


def avatars_of(request: Request) -> AvatarCache:
    """The application's avatars."""
    avatars: AvatarCache = request.app.state.avatars
    return avatars


def known_job(request: Request, id: str) -> Record:
    """The job that the path names, else 404."""
    record = scheduler_of(request).store.get(id)
    if record is None:
        raise HTTPException(404, f"There is no job {id}; list the jobs to see which there are.")
    return record


def known_avatar(request: Request, id: str) -> Path:
    """The avatar file that the path names, else 404."""
    path = avatars_of(request).find(id)
    if path is None:
        raise HTTPException(404, f"There is no avatar {id} in the engine's home; build it, or choose another.")
    return path


KnownJob = Annotated[Record, Depends(known_job)]
KnownAvatar = Annotated[Path, Depends(known_avatar)]
