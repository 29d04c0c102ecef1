# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line. Exit codes: 0 done, 1 a fault of ours, 2 something the user can mend, 130 stopped by the user.

What a command needs is imported when it runs: `semblance --help` must not wait for PyTorch.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import typer

from ...common.cores import let_waiting_threads_rest
from ...common.errors import UserError
from ...common.failures import log_traceback, mendable, sentence_about
from ...common.home import Home, default_home
from ...common.progress import Cancelled
from ...protocol.jobs import JOBS
from . import avatars, checkpoints, credentials, engine, export, live, page, performances, tracking
from .heads import app as heads
from .job_options import command_of
from .terminal import print_anything
from .weights import app as weights

OURS, THEIRS, STOPPED = 1, 2, 130

app = typer.Typer(
    help="Photo-real portrait avatars from a video or a photo.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    tracking.track,
    tracking.photo,
    performances.convert,
    performances.overlay,
    avatars.build,
    avatars.pretrain,
    checkpoints.import_checkpoint,
    export.export,
    avatars.reenact,
    avatars.orbit,
    avatars.bake,
    avatars.evaluate,
    credentials.verify,
    live.live,
    engine.serve,
    page.page,
)
for command in COMMANDS:
    app.command()(command)
for job in JOBS.values():
    if job.kind not in [command.__name__ for command in COMMANDS]:
        app.command(job.kind.value)(command_of(job))

jobs = typer.Typer(help="Look at, stop, finish and retry the jobs of the running engine.", no_args_is_help=True)
jobs.command("list")(engine.list_jobs)
jobs.command("cancel")(engine.cancel_job)
jobs.command("retry")(engine.retry_job)
jobs.command("finish")(engine.finish_job)
jobs.command("remove")(engine.remove_job)
jobs.command("log")(engine.show_log)
app.add_typer(jobs, name="jobs")
app.add_typer(heads, name="heads")
app.add_typer(weights, name="weights")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line (`sys.argv` when no arguments are given) and leave with its exit code."""
    print_anything()
    let_waiting_threads_rest()
    try:
        require_working_folder()
        app(arguments, prog_name="semblance")
    except Cancelled:
        leave("Stopped.", STOPPED)
    except Exception as error:
        mended = mendable(error)
        if mended is not None:
            leave(str(mended), THEIRS)
        log = log_traceback(error, Home(default_home()).log)
        leave(sentence_about(error, log), OURS)


def require_working_folder() -> None:
    """Raise `UserError` when the folder in which the command was started is gone."""
    try:
        Path.cwd()
    except OSError as error:
        raise UserError(
            f"The folder that this command was started in cannot be used ({error.strerror}); change to another one."
        ) from error


def leave(sentence: str, code: int) -> None:
    """Say why, where somebody still listens, and exit."""
    with suppress(OSError):
        print(sentence, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
