# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line. Exit codes: 0 done, 1 a fault of ours, 2 something the user can mend, 130 stopped by the user.

What a command needs is imported when it runs: `semblance --help` must not wait for PyTorch.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..common.errors import UserError
from ..common.progress import Cancelled
from .failures import log_traceback, mendable, sentence_about
from .home import HOME_VARIABLE, Home, default_home, is_name
from .protocol import Job, JobKind
from .terminal import shown

OURS, THEIRS, STOPPED = 1, 2, 130


class Preset(StrEnum):
    """How large the networks are."""

    PREVIEW = "preview"
    STANDARD = "standard"
    FINAL = "final"


app = typer.Typer(
    help="Photo-real portrait avatars from a video or a photo.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
jobs = typer.Typer(help="Look at and stop the jobs of the running engine.", no_args_is_help=True)
app.add_typer(jobs, name="jobs")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar=HOME_VARIABLE, help="The engine's folder.", show_default="your data folder"),
]
HeadOption = Annotated[str, typer.Option("--head", help="Morphable head: builtin or faceverse-v3.")]
HeadPathOption = Annotated[Path | None, typer.Option("--head-path", help="Your file of a head that is not built in.")]
SizeOption = Annotated[int, typer.Option("--size", help="Pixels of the portrait's side.")]
DatasetOption = Annotated[
    Path | None, typer.Option("--dataset", help="Folder to write.", show_default="in the home, named like the input")
]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line (`sys.argv` when no arguments are given) and leave with its exit code."""
    try:
        app(arguments, prog_name="semblance")
    except Cancelled:
        leave("Stopped.", STOPPED)
    except Exception as error:
        mended = mendable(error)
        if mended is not None:
            leave(str(mended), THEIRS)
        log = log_traceback(error, Home(default_home()).log)
        leave(sentence_about(error, log), OURS)


@app.command()
def track(
    video: Annotated[Path, typer.Argument(help="Portrait video.")],
    dataset: DatasetOption = None,
    head: HeadOption = "builtin",
    head_path: HeadPathOption = None,
    size: SizeOption = 512,
    home: HomeOption = None,
) -> None:
    """Track a portrait video: performance, mattes and maps, as a dataset."""
    folder = dataset or home_of(home).dataset(name_from(video))
    run(JobKind.TRACK, source=video, dataset=folder, head=head, head_path=head_path, size=size)


@app.command()
def photo(
    picture: Annotated[Path, typer.Argument(help="Portrait photo.")],
    dataset: DatasetOption = None,
    head: HeadOption = "builtin",
    head_path: HeadPathOption = None,
    size: SizeOption = 512,
    home: HomeOption = None,
) -> None:
    """Make a dataset from one portrait photo."""
    folder = dataset or home_of(home).dataset(name_from(picture))
    run(JobKind.PHOTO, photo=picture, dataset=folder, head=head, head_path=head_path, size=size)


@app.command()
def build(
    dataset: Annotated[str, typer.Argument(help="Dataset folder, or its name in the home.")],
    avatar: Annotated[
        Path | None, typer.Option(help="Avatar file to write.", show_default="in the home, named like the dataset")
    ] = None,
    preset: Annotated[Preset, typer.Option(help="preview 256, standard 512, final 1024 pixels.")] = Preset.PREVIEW,
    seconds: Annotated[float | None, typer.Option(help="Train so long.", show_default="by the preset")] = None,
    steps: Annotated[int | None, typer.Option(help="Train at most so many steps.", show_default=False)] = None,
    train_share: Annotated[float, typer.Option(help="Share of the frames to train on; the rest is for tests.")] = 0.8,
    resume: Annotated[bool, typer.Option(help="Go on where an earlier build stopped.")] = True,
    home: HomeOption = None,
) -> None:
    """Train an avatar on a dataset."""
    folder = placed(dataset, home_of(home).dataset(dataset))
    file = avatar or home_of(home).avatars / f"{folder.name}.safetensors"
    options = {"preset": preset.value, "seconds": seconds, "steps": steps, "train_share": train_share, "resume": resume}
    say_what_is_missing()
    run(JobKind.BUILD, dataset=folder, avatar=file, **options)


@app.command()
def reenact(
    avatar: Annotated[str, typer.Argument(help="Avatar file, or its name in the home.")],
    driver: Annotated[Path, typer.Argument(help="Video, performance file or dataset that drives it.")],
    out: Annotated[
        Path | None, typer.Option(help="Video (.mp4) or folder to write.", show_default="AVATAR_DRIVER.mp4 here")
    ] = None,
    background: Annotated[bool, typer.Option(help="Keep the avatar's own background.")] = True,
    absolute: Annotated[bool, typer.Option("--absolute", help="Take expression and pose as they are.")] = False,
    panels: Annotated[
        Path | None, typer.Option(help="Another video (.mp4): driver, maps and avatar.", show_default=False)
    ] = None,
    head_path: Annotated[
        Path | None, typer.Option(help="The avatar's head file, where it was moved.", show_default=False)
    ] = None,
    home: HomeOption = None,
) -> None:
    """Let another person's video drive an avatar."""
    file = placed(avatar, home_of(home).avatar(avatar))
    target = out or Path(f"{file.stem}_{driver.stem}.mp4")
    options = {"background": background, "absolute": absolute, "panels": panels, "head_path": head_path}
    run(JobKind.REENACT, avatar=file, driver=driver, out=target, **options)


@app.command()
def evaluate(
    avatar: Annotated[str, typer.Argument(help="Avatar file, or its name in the home.")],
    dataset: Annotated[str, typer.Argument(help="Dataset folder that it was built on, or its name in the home.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the table and a contact sheet.", show_default=False)
    ] = None,
    home: HomeOption = None,
) -> None:
    """Measure an avatar on the frames of its dataset that training never saw."""
    from .evaluate import evaluate, save, show

    file = placed(avatar, home_of(home).avatar(avatar))
    folder = placed(dataset, home_of(home).dataset(dataset))
    with shown() as listener:
        found = evaluate(file, folder, listener=listener)
    show(found)
    if out:
        save(found, out)


@app.command()
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
    from .engine import serve

    serve(home_of(home), port, host, parent)


@jobs.command("list")
def list_jobs(home: HomeOption = None) -> None:
    """List the engine's jobs, newest first."""
    from .engine_client import ask

    for values in ask(home_of(home).folder, "GET", "/v1/jobs"):
        print(line_about(Job.from_json(values)))


@jobs.command("cancel")
def cancel_job(
    job: Annotated[str, typer.Argument(help="The job's id, as the list shows it.")], home: HomeOption = None
) -> None:
    """Stop a job."""
    from urllib.parse import quote

    from .engine_client import ask

    print(line_about(Job.from_json(ask(home_of(home).folder, "POST", f"/v1/jobs/{quote(job, safe='')}/cancel"))))


def run(kind: JobKind, **values: Any) -> None:
    """Do a task here and now, showing its progress, and print what it made."""
    from .requests import checked
    from .tasks import TASKS

    absolute = {name: str(value.absolute()) if isinstance(value, Path) else value for name, value in values.items()}
    parameters = checked(kind, absolute)
    with shown() as listener:
        result = TASKS[kind](parameters, listener)
    for name, value in result.items():
        print(f"{name}: {value}")


def say_what_is_missing() -> None:
    """Say aloud, before hours go by, what this machine has to do without."""
    from .device import device_facts

    for sentence in device_facts().fallbacks:
        print(sentence, file=sys.stderr)


def line_about(job: Job) -> str:
    """A job in one line."""
    detail = job.error or (f"{job.stage} {job.fraction:.0%} {job.message}" if job.stage else "")
    return f"{job.id}  {job.kind:8} {job.state:10} {detail}".rstrip()


def home_of(folder: Path | None) -> Home:
    """The home that the user named, or the default one."""
    return Home((folder or default_home()).absolute())


def placed(given: str, in_home: Path) -> Path:
    """What the user means: a path that is there, else what has this name in the home, else the path as given."""
    path = Path(given)
    return in_home if not path.exists() and is_name(given) and in_home.exists() else path.absolute()


def name_from(source: Path) -> str:
    """A name in the home for what is made from `source`.

    Raises:
        UserError: the file's name does not do.
    """
    if not is_name(source.stem):
        raise UserError(f"The name of {source} does not do for a dataset; name a folder with --dataset.")
    return source.stem


def leave(sentence: str, code: int) -> None:
    """Say why, and exit."""
    print(sentence, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
