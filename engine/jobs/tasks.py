# SPDX-License-Identifier: GPL-3.0-or-later
"""The long tasks, as the engine's workers and the command line do them: a job in, what was made out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...common.home import Home, default_home
from ...common.progress import Listener
from ...protocol.jobs import Bake, Build, JobKind, Mark, Measure, NewDataset, Orbit, Photo, Reenact, Render, Track
from ...tracking.datasets.consent import Consent, note_consent
from ...tracking.datasets.dataset import Dataset, Layout
from ...tracking.datasets.origin import origin_facts
from ...tracking.heads.registry import open_head

if TYPE_CHECKING:
    from ...neural.rendering.label import Label
    from ..credentials.statement import Statement


def track(job: Track, listener: Listener) -> dict[str, Any]:
    """Turn footage into a dataset."""
    from ...neural.pretrained.mattings import choose_matting
    from ...tracking.track import track

    head = open_head(job.head, job.head_path)
    matting = choose_matting(job.matting, job.head_only)
    dataset = track(
        Path(job.source),
        Path(job.dataset),
        head=head,
        size=job.size,
        layout=Layout(job.layout),
        matting=matting,
        listener=listener,
    )
    return finished(dataset, job, job.source, matting.facts)


def photo(job: Photo, listener: Listener) -> dict[str, Any]:
    """Turn one photo into a dataset."""
    from ...neural.pretrained.coarse_sources import choose_coarse
    from ...neural.pretrained.mattings import choose_matting
    from ...tracking.photos.photo import photo_dataset

    head = open_head(job.head, job.head_path)
    matting = choose_matting(job.matting, job.head_only)
    coarse = choose_coarse(job.coarse, job.driver)
    dataset = photo_dataset(
        Path(job.photo),
        Path(job.dataset),
        head=head,
        more=[Path(each) for each in job.more],
        size=job.size,
        matting=matting,
        coarse=coarse.maker,
        driver=path_or_none(job.driver),
        listener=listener,
    )
    return finished(dataset, job, job.photo, {**matting.facts, **coarse.facts})


def build(job: Build, listener: Listener) -> dict[str, Any]:
    """Train an avatar on a dataset."""
    from ...neural.kinds import BUILDS, usual_choice
    from .expectations import note_training

    kind = job.avatar_kind or usual_choice(Dataset.open(job.dataset))
    if job.consent:
        note_consent(Path(job.dataset), Consent(job.consent, job.consent_by, job.consent_for))
    built = BUILDS[kind](
        Path(job.dataset),
        Path(job.avatar),
        preset=job.preset,
        seconds=job.seconds,
        steps=job.steps,
        train_share=job.train_share,
        resume=job.resume,
        base=path_or_none(job.base),
        updates=job.updates,
        restore=job.restore,
        listener=listener,
    )
    note_training(Home(default_home()), kind, job.preset, Path(f"{job.avatar}.training"))
    said = built.metadata
    return {
        "avatar": job.avatar,
        "avatar_id": Path(job.avatar).stem,
        "kind": said.kind,
        "time_code": said.time_code,
        "light": said.light,
    }


def reenact(job: Reenact, listener: Listener) -> dict[str, Any]:
    """Drive an avatar by another performance."""
    from ...neural.avatar_file import read_plate
    from ...neural.rendering.reenact import reenact
    from ..credentials.statement import statement_of

    avatar, driver, panels, look = Path(job.avatar), Path(job.driver), path_or_none(job.panels), job.look()
    said = statement_of(avatar, driver)
    plate = job.background and job.plate and not any(look.background_offset) and read_plate(avatar) is not None
    files = {Path(job.out): plate} | ({panels: True} if panels else {})
    with signing(job, said, files, listener):
        beyond = reenact(
            avatar,
            driver,
            Path(job.out),
            background=job.background,
            plate=job.plate,
            absolute=job.absolute,
            head_path=path_or_none(job.head_path),
            panels=panels,
            look=look,
            label=label_of(job),
            runtime=job.runtime,
            engines=path_or_none(job.engines),
            listener=listener,
        )
    return {"out": job.out, **({"beyond": beyond} if beyond else {})}


def orbit(job: Orbit, listener: Listener) -> dict[str, Any]:
    """Swing a camera about a head in 3D."""
    from ...neural.rendering.orbit import orbit
    from ..credentials.statement import statement_of

    performance = path_or_none(job.performance)
    said = statement_of(Path(job.avatar), performance)
    with signing(job, said, {Path(job.out): False}, listener):
        orbit(
            Path(job.avatar),
            Path(job.out),
            yaw=job.yaw,
            pitch=job.pitch,
            performance=performance,
            size=job.size,
            label=label_of(job),
            head_path=path_or_none(job.head_path),
            listener=listener,
        )
    return {"out": job.out}


def bake(job: Bake, listener: Listener) -> dict[str, Any]:
    """Make a dataset of a head in 3D, to build a portrait on; its person agreed to what the head's agreed to."""
    from ...neural.avatar_file import read_metadata
    from ...neural.rendering.bake import bake

    dataset = bake(
        Path(job.avatar),
        Path(job.dataset),
        plate=path_or_none(job.plate),
        size=job.size,
        head_path=path_or_none(job.head_path),
        listener=listener,
    )
    said = read_metadata(job.avatar).provenance
    if said.consent:
        consent = Consent(said.consent, said.consent_by, said.consent_for, said.consent_date)
        note_consent(dataset.folder, consent)
    return {"dataset": str(dataset.folder), "frames": len(dataset.names)}


def mark(job: Mark, listener: Listener) -> dict[str, Any]:
    """Sign a finished film or picture."""
    from ..credentials.marking import mark, usable_key
    from ..credentials.statement import statement_of

    said = statement_of(Path(job.avatar), path_or_none(job.driver), composite=job.filmed)
    mark(Path(job.file), said, usable_key(Home(default_home()).credentials), listener)
    return {"signed": job.file}


def measure(_job: Measure, listener: Listener) -> dict[str, Any]:
    """Find out how quickly this machine trains."""
    import torch

    from ...neural.device import device_facts
    from ...neural.styleavatar.training.speed import rates
    from .expectations import expectations, note_rates

    home, found = Home(default_home()), rates(torch.device(device_facts().device), listener)
    note_rates(home, {f"portrait {name}": rate for name, rate in found.items()})
    return {each.preset: each.sentence for each in expectations(home) if each.kind == "portrait"}


TASKS: dict[JobKind, Callable[[Any, Listener], dict[str, Any]]] = {
    JobKind.TRACK: track,
    JobKind.PHOTO: photo,
    JobKind.BUILD: build,
    JobKind.REENACT: reenact,
    JobKind.ORBIT: orbit,
    JobKind.BAKE: bake,
    JobKind.MARK: mark,
    JobKind.MEASURE: measure,
}


def signing(
    job: Render, said: Statement, files: Mapping[Path, bool], listener: Listener
) -> AbstractContextManager[None]:
    """Have what the body writes signed, unless the job says why not; `files` as in `credentials.marking.marked`."""
    from ..credentials.marking import marked

    return marked(files, said, Home(default_home()), job.no_credentials, listener)


def label_of(job: Render) -> Label | None:
    """The label that a job asks for."""
    from ...neural.rendering.label import Label

    return Label(job.label, job.label_corner, job.label_size) if job.label else None


def path_or_none(path: str | None) -> Path | None:
    """The path, where there is one."""
    return Path(path) if path else None


def finished(dataset: Dataset, job: NewDataset, source: str, facts: dict[str, str]) -> dict[str, Any]:
    """What a new dataset's job has made, and what is to be said of its footage; the facts are kept in the dataset, too,
    and the file that it was made from.
    """
    remember(dataset, {**facts, **origin_facts(Path(source))}, job.head_path)
    notes = dataset.performance().extra.get("notes")
    told = {"notes": " ".join(notes)} if notes else {}
    return {"dataset": str(dataset.folder), "frames": len(dataset.names), **facts, **told}


def remember(dataset: Dataset, facts: dict[str, str], head_path: str | None) -> None:
    """Note facts in the dataset's performance, and where the file of its head lies, for the avatar built on it."""
    if head_path:
        facts = {**facts, "head_path": str(head_path)}
    performance = dataset.performance()
    noted = replace(performance, extra={**performance.extra, **facts})
    noted.save(dataset.performance_file)
