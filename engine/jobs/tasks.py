# SPDX-License-Identifier: GPL-3.0-or-later
"""The long tasks, as jobs and the command line start them: parameters in, what was made out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...common.progress import Listener
from ...protocol.jobs import JobKind
from ...protocol.look import Look
from ...tracking.datasets.dataset import Dataset, Layout
from ...tracking.heads.registry import open_head
from .requests import BuildParameters, PhotoParameters, ReenactParameters, TrackParameters


def track(parameters: TrackParameters, listener: Listener) -> dict[str, Any]:
    """Turn footage into a dataset."""
    from ...neural.pretrained.mattings import choose_matting
    from ...tracking.track import track

    head = open_head(parameters.head, parameters.head_path)
    folder = Path(parameters.dataset)
    layout = Layout(parameters.layout)
    matting = choose_matting(parameters.matting, parameters.head_only)
    dataset = track(
        Path(parameters.source),
        folder,
        head=head,
        size=parameters.size,
        layout=layout,
        matting=matting,
        listener=listener,
    )
    remember(dataset, matting.facts, parameters.head_path)
    return {"dataset": str(dataset.folder), "frames": len(dataset.names), **matting.facts}


def photo(parameters: PhotoParameters, listener: Listener) -> dict[str, Any]:
    """Turn one photo into a dataset."""
    from ...neural.pretrained.mattings import choose_matting
    from ...tracking.photos.photo import photo_dataset

    head = open_head(parameters.head, parameters.head_path)
    folder = Path(parameters.dataset)
    matting = choose_matting(parameters.matting, parameters.head_only)
    dataset = photo_dataset(
        Path(parameters.photo), folder, head=head, size=parameters.size, matting=matting, listener=listener
    )
    remember(dataset, matting.facts, parameters.head_path)
    return {"dataset": str(dataset.folder), "frames": len(dataset.names), **matting.facts}


def build(parameters: BuildParameters, listener: Listener) -> dict[str, Any]:
    """Train an avatar on a dataset."""
    from ...neural.kinds import USUAL

    avatar = Path(parameters.avatar)
    built = USUAL.build(
        Path(parameters.dataset),
        avatar,
        preset=parameters.preset,
        seconds=parameters.seconds,
        steps=parameters.steps,
        train_share=parameters.train_share,
        resume=parameters.resume,
        base=Path(parameters.base) if parameters.base else None,
        listener=listener,
    )
    return {"avatar": str(avatar), "avatar_id": avatar.stem, "time_code": built.metadata.time_code}


def reenact(parameters: ReenactParameters, listener: Listener) -> dict[str, Any]:
    """Drive an avatar by another performance."""
    from ...neural.rendering.reenact import reenact

    out, head_path, panels = Path(parameters.out), parameters.head_path, parameters.panels
    reenact(
        Path(parameters.avatar),
        Path(parameters.driver),
        out,
        background=parameters.background,
        absolute=parameters.absolute,
        head_path=Path(head_path) if head_path else None,
        panels=Path(panels) if panels else None,
        look=Look(parameters.time_code, parameters.foreground_offset, parameters.background_offset),
        runtime=parameters.runtime,
        engines=Path(parameters.engines) if parameters.engines else None,
        listener=listener,
    )
    return {"out": str(out)}


TASKS: dict[JobKind, Callable[[Any, Listener], dict[str, Any]]] = {
    JobKind.TRACK: track,
    JobKind.PHOTO: photo,
    JobKind.BUILD: build,
    JobKind.REENACT: reenact,
}


def remember(dataset: Dataset, facts: dict[str, str], head_path: str | None) -> None:
    """Note facts in the dataset's performance, and where the file of its head lies, for the avatar built on it."""
    if head_path:
        facts = {**facts, "head_path": str(head_path)}
    performance = dataset.performance()
    noted = replace(performance, extra={**performance.extra, **facts})
    noted.save(dataset.performance_file)
