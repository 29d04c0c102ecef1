# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands done by an engine on another machine (`--engine URL`): what they read goes there, what they make comes here.

The token is never a word of the command, which others on this machine could list.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing
from dataclasses import replace
from getpass import getpass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ...common.errors import UserError
from ...common.home import Home
from ...common.progress import Cancelled, Listener, Progress
from ...protocol import known_engines
from ...protocol.client import Address, Client, EngineUnreachable, UnknownCertificate, WrongToken
from ...protocol.jobs import JobRequest, Reenact
from ...protocol.messages import Job, JobState
from ...protocol.remote_jobs import Sender, fetched
from ...protocol.transfers import PATIENCE, Moving

TOKEN_VARIABLE, TOKEN_FILE_VARIABLE = "SEMBLANCE_ENGINE_TOKEN", "SEMBLANCE_ENGINE_TOKEN_FILE"
FINGERPRINT_VARIABLE = "SEMBLANCE_ENGINE_FINGERPRINT"
SECONDS_TO_ANSWER = 30.0
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_BETWEEN_STEPS = 0.002

EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="URL",
        envvar="SEMBLANCE_ENGINE",
        help=f"Have an engine on another machine do it, like https://192.168.1.20:8765; its token is asked for, unless "
        f"{TOKEN_VARIABLE} holds it or {TOKEN_FILE_VARIABLE} names its file.",
        show_default="this machine does it",
    ),
]

Result = TypeVar("Result")


def do_there(asked: JobRequest, home: Home, url: str, listener: Listener) -> dict[str, Any]:
    """Have the engine at `url` do a job; return what it made, on this machine.

    Raises:
        UserError: the engine cannot be reached, refuses the token or the job, or the job failed.
        Cancelled: the user stopped it.
    """
    if isinstance(asked, Reenact):
        asked = replace(asked, engines=None)  # the other machine has a place of its own for them
    address = reached(home, url)
    sender = Sender(address, home)
    request = moved(sender.prepared(asked), listener)
    with closing(Client(address, SECONDS_TO_ANSWER)) as client:
        job = client.submit(request)
        sender.notes.keep(home, job.id)
        job = followed(client, job, listener)
    if job.state is JobState.CANCELLED:
        raise Cancelled
    if job.state is JobState.FAILED:
        raise UserError(job.error or "The job failed; look into the engine's log.")
    return moved(fetched(address, home, job), listener).result


def reached(home: Home, url: str) -> Address:
    """The address of an engine that answers and accepts the token, its certificate known or accepted just now.

    Raises:
        UserError: it does not answer, or the user does not accept its certificate.
    """
    plain = Address.of_url(url, token())
    known = os.environ.get(FINGERPRINT_VARIABLE, "") or known_engines.fingerprint_of(home.folder, plain.place)
    address = replace(plain, fingerprint=known)
    try:
        greet(address)
    except UnknownCertificate as error:
        if not sys.stdin.isatty():
            raise
        print(error, file=sys.stderr)
        if not typer.confirm("Accept it?"):
            raise UserError("The certificate was not accepted; nothing was sent.") from None
        known_engines.accept(home.folder, plain.place, error.found)
        address = replace(plain, fingerprint=error.found)
        greet(address)
    return address


def greet(address: Address) -> None:
    """Ask an engine who it is.

    Raises:
        UserError: it does not answer, or not as an engine that accepts the token.
    """
    with closing(Client(address, SECONDS_TO_ANSWER)) as client:
        try:
            client.status()
        except WrongToken:
            raise UserError(
                f"The engine at {address.place} does not accept the token; copy it anew from engine.json in its home."
            ) from None
        except EngineUnreachable:
            raise UserError(
                f"The engine at {address.place} cannot be reached; start it with `semblance serve --host 0.0.0.0`, or "
                "correct the address."
            ) from None


def token() -> str:
    """The token that the environment names, else what the user types.

    Raises:
        UserError: its file cannot be read, or there is nobody to ask.
    """
    if said := os.environ.get(TOKEN_VARIABLE):
        return said
    if file := os.environ.get(TOKEN_FILE_VARIABLE):
        try:
            return Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{file} cannot be read as a token; correct {TOKEN_FILE_VARIABLE}.") from error
    if sys.stdin.isatty():
        return getpass("Token of the engine: ")
    raise UserError(f"The engine needs its token; put it into {TOKEN_VARIABLE}, or its file's name into "
                    f"{TOKEN_FILE_VARIABLE}.")  # fmt: skip


def followed(client: Client, job: Job, listener: Listener) -> Job:
    """Show how a job stands until it has ended; return it. It is cancelled when the user stops the command.

    Raises:
        EngineUnreachable: the engine was away for long.
    """
    heard, stopping = time.monotonic(), False
    while not job.state.ended:
        try:
            if job.stage and not stopping:
                done = round(job.fraction * 1000)
                listener(Progress(job.stage, done, 1000, job.message, job.seconds_left))
            time.sleep(SECONDS_BETWEEN_LOOKS)
            job, heard = client.job(job.id), time.monotonic()
        except Cancelled:
            stopping = True
            job = client.cancel(job.id)
        except EngineUnreachable:
            if time.monotonic() - heard > PATIENCE:
                raise
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return job


def moved(steps: Moving[Result], listener: Listener) -> Result:
    """Do a transfer to its end, showing how far it is."""
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            listener(Progress(step.doing, step.done, max(1, step.total), step.name))
            time.sleep(SECONDS_BETWEEN_STEPS)
    finally:
        steps.close()
