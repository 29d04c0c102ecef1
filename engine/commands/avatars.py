# SPDX-License-Identifier: GPL-3.0-or-later
"""`build`, `reenact` and `evaluate`: datasets to avatars, and what avatars do."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ...common.errors import UserError
from ...protocol.jobs import JobKind, RuntimeName
from .shared import HomeOption, home_of, placed, run
from .terminal import shown

TimeCodeOption = Annotated[
    float | None, typer.Option(help="Moment of the training footage, 0 to 1.", show_default="the avatar's")
]
OffsetOption = Annotated[str, typer.Option(metavar="X,Y", help="Move it right and down, by 1/128 of the side each.")]
NOT_MOVED = "0,0"


class Preset(StrEnum):
    """How large the networks are."""

    PREVIEW = "preview"
    STANDARD = "standard"
    FINAL = "final"


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
    base: Annotated[
        Path | None, typer.Option("--from", help="Networks to start from, made by pretrain.", show_default=False)
    ] = None,
    home: HomeOption = None,
) -> None:
    """Train an avatar on a dataset."""
    folder = placed(dataset, home_of(home).dataset(dataset))
    file = avatar or home_of(home).avatars / f"{folder.name}.safetensors"
    options = {"preset": preset.value, "seconds": seconds, "steps": steps, "train_share": train_share, "resume": resume}
    say_what_is_missing()
    run(JobKind.BUILD, dataset=folder, avatar=file, base=base, **options)


def pretrain(
    datasets: Annotated[list[str], typer.Argument(help="Folders of several people's datasets, or names in the home.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    preset: Annotated[Preset, typer.Option(help="The preset of the avatars that will start from it.")] = Preset.PREVIEW,
    seconds: Annotated[float | None, typer.Option(help="Train so long.", show_default="by the preset")] = None,
    steps: Annotated[int | None, typer.Option(help="Train at most so many steps.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option(help="Go on where an earlier pre-training stopped.")] = True,
    home: HomeOption = None,
) -> None:
    """Train networks on several people, for `build --from`, which then learns a new person in fewer steps."""
    from ...neural.styleavatar.training.pretraining import pretrain

    folders = [placed(each, home_of(home).dataset(each)) for each in datasets]
    say_what_is_missing()
    with shown() as listener:
        base = pretrain(
            folders, out, preset=preset.value, seconds=seconds, steps=steps, resume=resume, listener=listener
        )
    print(f"base: {base.path}")


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
    time_code: TimeCodeOption = None,
    foreground_offset: OffsetOption = NOT_MOVED,
    background_offset: OffsetOption = NOT_MOVED,
    runtime: Annotated[
        RuntimeName, typer.Option(help="What executes the network; tensorrt needs an NVIDIA GPU and its own package.")
    ] = "torch",
    home: HomeOption = None,
) -> None:
    """Let another person's video drive an avatar."""
    file = placed(avatar, home_of(home).avatar(avatar))
    target = out or Path(f"{file.stem}_{driver.stem}.mp4")
    options: dict[str, Any] = {"background": background, "absolute": absolute, "panels": panels, "head_path": head_path}
    look: dict[str, Any] = {"foreground_offset": pair(foreground_offset), "background_offset": pair(background_offset)}
    look["time_code"] = time_code
    run(JobKind.REENACT, home, avatar=file, driver=driver, out=target, runtime=runtime, **look, **options)


def evaluate(
    avatar: Annotated[str, typer.Argument(help="Avatar file, or its name in the home.")],
    dataset: Annotated[str, typer.Argument(help="Dataset folder that it was built on, or its name in the home.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the table (HTML, Markdown, JSON) and pictures.", show_default=False),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Measure an avatar on the frames of its dataset that training never saw."""
    from ...neural.evaluation.evaluate import evaluate
    from ...neural.evaluation.output import save, show

    file = placed(avatar, home_of(home).avatar(avatar))
    folder = placed(dataset, home_of(home).dataset(dataset))
    with shown() as listener:
        found = evaluate(file, folder, listener=listener)
    show(found)
    if out:
        save(found, out)


def pair(text: str) -> tuple[float, float]:
    """The two numbers of X,Y.

    Raises:
        UserError: they are not two numbers.
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"{text!r} is not an offset; give it as X,Y in feature cells, for example 8,-2.5.") from None
    return x, y


def say_what_is_missing() -> None:
    """Say aloud, before hours go by, what this machine has to do without."""
    from ...neural.device import device_facts

    for sentence in device_facts().fallbacks:
        print(sentence, file=sys.stderr)
