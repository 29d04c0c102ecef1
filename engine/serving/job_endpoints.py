# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints about a job: how its training goes, that it is good enough, its turn, and that it is no longer listed; and
about what to expect of builds.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request

from ...neural.training.curves import CURVES_FILE, read_curve
from ...protocol.messages import Curve, Job
from ..jobs.expectations import expectations
from .known import KnownJob, scheduler_of
from .refusals import shown_by

MOST_POINTS = 2000
USUAL_POINTS = 200


def add_job_endpoints(app: FastAPI) -> None:
    """Add them."""

    @app.get("/v1/expectations", name="expectations")
    async def what_to_expect(request: Request) -> list[dict[str, Any]]:
        found = await asyncio.to_thread(expectations, scheduler_of(request).home)
        return [asdict(each) | {"sentence": each.sentence} for each in found]

    @app.post("/v1/jobs/{id}/finish")
    async def finish(request: Request, record: KnownJob) -> Job:
        return shown_by(request).job(scheduler_of(request).finish(record).job)

    @app.post("/v1/jobs/{id}/sooner")
    async def sooner(request: Request, record: KnownJob) -> Job:
        return shown_by(request).job(scheduler_of(request).move(record, -1).job)

    @app.post("/v1/jobs/{id}/later")
    async def later(request: Request, record: KnownJob) -> Job:
        return shown_by(request).job(scheduler_of(request).move(record, 1).job)

    @app.delete("/v1/jobs/{id}")
    async def remove(request: Request, record: KnownJob) -> Job:
        scheduler_of(request).remove(record)
        return shown_by(request).job(record.job)

    @app.get("/v1/jobs/{id}/curve")
    async def curve(record: KnownJob, most: Annotated[int, Query(ge=1, le=MOST_POINTS)] = USUAL_POINTS) -> Curve:
        if not record.picture:
            return Curve()
        return await asyncio.to_thread(read_curve, Path(record.picture).with_name(CURVES_FILE), most)
