# SPDX-License-Identifier: GPL-3.0-or-later
"""`serve` and `jobs`: the engine that Blender talks to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ...common.errors import UserError
from ...protocol.address import Address
from ...protocol.client import Client, EngineUnreachable, NotAnEngine, WrongToken
from ...protocol.messages import STATE_FILE, Announcement, Job
from .shared import HomeOption, home_of

SECONDS_TO_ANSWER = 30.0


def serve(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 lets the system choose.")] = 0,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in, over TLS and with the token."),
    ] = "127.0.0.1",
    while_used: Annotated[
        bool, typer.Option("--while-used", help="Exit when nobody uses it any more and every job has ended.")
    ] = False,
    remote: Annotated[
        bool,
        typer.Option("--remote", help="Serve this machine, too, as if it were another: over TLS, without paths."),
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="Certificate for TLS (PEM).", show_default="one made here, at first use")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Its key (PEM).", show_default=False)] = None,
) -> None:
    """Run the engine that Blender talks to."""
    from ..serving.process import serve

    serve(home_of(home), port, host, while_used, remote=remote, certificate=certificate, key=key)


def list_jobs(home: HomeOption = None) -> None:
    """List the engine's jobs, newest first."""
    with running_engine(home_of(home).folder) as engine:
        for job in engine.jobs():
            print(line_about(job))


def cancel_job(
    job: Annotated[str, typer.Argument(help="The job's id, as the list shows it.")], home: HomeOption = None
) -> None:
    """Stop a job."""
    with running_engine(home_of(home).folder) as engine:
        print(line_about(engine.cancel(job)))


def retry_job(
    job: Annotated[str, typer.Argument(help="The job's id, as the list shows it.")], home: HomeOption = None
) -> None:
    """Ask for the same job once more; a build continues where it stopped."""
    with running_engine(home_of(home).folder) as engine:
        print(line_about(engine.retry(job)))


def finish_job(
    job: Annotated[str, typer.Argument(help="The job's id, as the list shows it.")], home: HomeOption = None
) -> None:
    """End a build early, with the avatar that it has; building again goes on from there."""
    with running_engine(home_of(home).folder) as engine:
        print(line_about(engine.finish(job)))


def remove_job(
    job: Annotated[str, typer.Argument(help="The job's id, as the list shows it.")], home: HomeOption = None
) -> None:
    """Take a job that has ended off the list; what it made stays."""
    with running_engine(home_of(home).folder) as engine:
        print(line_about(engine.remove(job)))


def show_log(
    job: Annotated[str, typer.Argument(help="The job's id, as the list shows it.")], home: HomeOption = None
) -> None:
    """Print the end of what a job has printed."""
    with running_engine(home_of(home).folder) as engine:
        print(engine.log(job), end="")


@contextmanager
def running_engine(home: Path) -> Iterator[Client]:
    """Give a client of the engine that runs for the folder `home`.

    Raises:
        UserError: no engine runs there, it has gone, it refuses the token, or it refuses what is asked.
    """
    announced = Announcement.read(home)
    if announced is None:
        raise UserError(f"No engine is running for {home}; start one with `semblance serve`.")
    with closing(Client(Address.announced(announced), SECONDS_TO_ANSWER)) as client:
        try:
            yield client
        except EngineUnreachable:
            raise UserError(
                f"The engine that {home / STATE_FILE} announces does not answer; start it again with `semblance serve`."
            ) from None
        except WrongToken:
            raise UserError(
                "The token is missing or wrong; read it anew from engine.json in the engine's home."
            ) from None
        except NotAnEngine:
            raise UserError(
                f"What answers on port {announced.port} is not a Semblance engine; start one with `semblance serve`."
            ) from None


def line_about(job: Job) -> str:
    """A job in one line."""
    detail = job.error or (f"{job.stage} {job.fraction:.0%} {job.message}" if job.stage else "")
    return f"{job.id}  {job.kind:8} {job.state:10} {detail}".rstrip()
