# SPDX-License-Identifier: GPL-3.0-or-later
"""What the endpoints of jobs have in common: the scheduler, and the job that a path names."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from ..jobs.scheduler import Scheduler
from ..jobs.store import Record


def scheduler_of(request: Request) -> Scheduler:
    """The scheduler that the application serves."""
    scheduler: Scheduler = request.app.state.scheduler
    return scheduler


def known_job(request: Request, id: str) -> Record:
    """The job that the path names, else 404."""
    record = scheduler_of(request).store.get(id)
    if record is None:
        raise HTTPException(404, f"There is no job {id}; list the jobs to see which there are.")
    return record


KnownJob = Annotated[Record, Depends(known_job)]
