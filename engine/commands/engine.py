# SPDX-License-Identifier: GPL-3.0-or-later
"""`serve` and `jobs`: the engine that Blender talks to."""

from __future__ import annotations

from typing import Annotated

import typer

from ...protocol.messages import Job
from .shared import HomeOption, home_of


def serve(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 lets the system choose.")] = 0,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on. Off this machine the token can be overheard: prefer an SSH tunnel."),
    ] = "127.0.0.1",
    parent: Annotated[
        int | None, typer.Option(min=1, help="Leave when this process has gone.", show_default=False)
    ] = None,
) -> None:
    """Run the engine that Blender talks to."""
    from ..serving.process import serve

    serve(home_of(home), port, host, parent)


def list_jobs(home: HomeOption = None) -> None:
    """List the engine's jobs, newest first."""
    from ..serving.engine_client import ask

    for values in ask(home_of(home).folder, "GET", "/v1/jobs"):
        print(line_about(Job.from_json(values)))


def cancel_job(
    job: Annotated[str, typer.Argument(help="The job's id, as the list shows it.")], home: HomeOption = None
) -> None:
    """Stop a job."""
    from urllib.parse import quote

    from ..serving.engine_client import ask

    print(line_about(Job.from_json(ask(home_of(home).folder, "POST", f"/v1/jobs/{quote(job, safe='')}/cancel"))))


def line_about(job: Job) -> str:
    """A job in one line."""
    detail = job.error or (f"{job.stage} {job.fraction:.0%} {job.message}" if job.stage else "")
    return f"{job.id}  {job.kind:8} {job.state:10} {detail}".rstrip()
