# SPDX-License-Identifier: GPL-3.0-or-later
"""`build`, `reenact` and `evaluate`: datasets to avatars, and what avatars do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...common.home import Home
from ...protocol.choices import PRESETS, PresetName, RegionName
from ...protocol.jobs import Bake, Build, Orbit, Reenact
from ...tracking.datasets.consent import read_consent
from .job_options import options_of
from .remote import EngineOption
from .shared import HomeOption, avatar_file, avatar_for, baked_dataset, dataset_folder, home_of, new_film, run
from .terminal import shown

NO_CONSENT_STATED = (
    "No consent of the person shown is stated, and the avatar and its films will say so; "
    'state it with --consent "who agreed to what".'
)


@options_of(Build)
def build(home: HomeOption = None, engine: EngineOption = None, **parameters: Any) -> None:
    """Train an avatar on a dataset."""
    from ..jobs.requests import checked, resolved

    avatar = parameters["avatar"] or str(avatar_for(Path(parameters["dataset"]), home_of(home)))
    asked = {**parameters, "avatar": avatar}
    job = resolved(checked(Build.kind, asked), home_of(home))
    assert isinstance(job, Build)
    if not job.consent and not read_consent(Path(job.dataset)).words:
        print(NO_CONSENT_STATED, file=sys.stderr)
    if not engine:
        say_what_is_missing()
        say_what_to_expect(home_of(home), job)
    run(Build, home, asked, engine)


@options_of(Build, only=("seconds", "steps"))
def pretrain(
    datasets: Annotated[list[str], typer.Argument(help="Folders of several people's datasets, or names in the home.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    preset: Annotated[PresetName, typer.Option(help="The preset of the avatars that will start from it.")] = "preview",
    resume: Annotated[bool, typer.Option(help="Continue where an earlier pre-training stopped.")] = True,
    home: HomeOption = None,
    **parameters: Any,
) -> None:
    """Train networks on several people, for `build --from`, which then learns a new person in fewer steps."""
    from ...neural.styleavatar.training.pretraining import pretrain

    folders = [dataset_folder(each, home_of(home)) for each in datasets]
    say_what_is_missing()
    with shown() as listener:
        base = pretrain(folders, out, preset=preset, resume=resume, listener=listener, **parameters)
    print(f"base: {base.path}")


@options_of(Reenact)
def reenact(home: HomeOption = None, engine: EngineOption = None, **parameters: Any) -> None:
    """Let another person's video drive an avatar."""
    avatar, driver = Path(parameters["avatar"]), Path(parameters["driver"])
    out = parameters["out"] or str(new_film(f"{avatar.stem}_{driver.stem}"))
    run(Reenact, home, {**parameters, "out": out}, engine)


@options_of(Orbit)
def orbit(home: HomeOption = None, engine: EngineOption = None, **parameters: Any) -> None:
    """Swing a camera about a head in 3D."""
    out = parameters["out"] or str(new_film(f"{Path(parameters['avatar']).stem}_orbit"))
    run(Orbit, home, {**parameters, "out": out}, engine)


@options_of(Bake)
def bake(home: HomeOption = None, engine: EngineOption = None, **parameters: Any) -> None:
    """Make a dataset of a head in 3D, to build a portrait on (build --kind portrait)."""
    dataset = parameters["dataset"] or str(baked_dataset(Path(parameters["avatar"]).stem, home_of(home)))
    run(Bake, home, {**parameters, "dataset": dataset}, engine)


def evaluate(
    avatar: Annotated[str, typer.Argument(help="Avatar file, or its name in the home.")],
    dataset: Annotated[str, typer.Argument(help="Dataset folder that it was built on, or its name in the home.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the table (HTML, Markdown, JSON) and pictures.", show_default=False),
    ] = None,
    region: Annotated[
        RegionName | None,
        typer.Option(help="What is compared; by default the head of a head in 3D, the person of a portrait."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Measure an avatar on the frames of its dataset that training never saw."""
    from ...neural.evaluation.evaluate import evaluate
    from ...neural.evaluation.output import save, show

    file = avatar_file(avatar, home_of(home))
    folder = dataset_folder(dataset, home_of(home))
    with shown() as listener:
        found = evaluate(file, folder, region=region, listener=listener)
    show(found)
    if out:
        save(found, out)


def say_what_to_expect(home: Home, job: Build) -> None:
    """Say how long a build will take on this machine, unless the user has said so."""
    from ...neural.kinds import usual_choice
    from ...tracking.datasets.dataset import Dataset
    from ..jobs.expectations import expectation

    if job.seconds is None and job.steps is None:
        kind = job.avatar_kind or usual_choice(Dataset.open(job.dataset))
        print(f"{PRESETS[job.preset].title}: {expectation(home, kind, job.preset).sentence}", file=sys.stderr)


def say_what_is_missing() -> None:
    """Say aloud, before hours go by, what this machine has to do without."""
    from ...neural.device import device_facts

    for sentence in device_facts().fallbacks:
        print(sentence, file=sys.stderr)
