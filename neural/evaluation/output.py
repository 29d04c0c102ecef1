# SPDX-License-Identifier: GPL-3.0-or-later
"""What an evaluation found, as a table on the terminal, as Markdown, JSON and a page with a contact sheet."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Column
from rich.table import Table as TerminalTable

from ...common.files import written_whole
from ...tracking.media.video import labelled, write_png
from .figures import EXPLANATION, Figures, by_figure
from .regions import EXPLANATIONS, TITLES
from .report import Picture, write_report
from .tables import Table
from .yaw_bins import YawBin, yaw_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ...protocol.choices import RegionName
    from ...tracking.heads.arrays import Image

AVATAR, NEAREST = "avatar", "nearest training frame"


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        rows: figures of the avatar and of the nearest training frame.
        training_frames, test_frames: how many.
        resolution: side of the compared pictures in pixels.
        distance: mean distance of the test frames to the nearest training frame, separately for translation,
            rotation and expression, in standard deviations of training (Tab. 4).
        frames: at frames spread over the test, RGB uint8 `[R, R, 3]` by name: footage, and the rows.
        region: what of the footage was compared.
        bins: the figures by how far the head is turned, of bins with enough frames.
    """

    rows: dict[str, Figures]
    training_frames: int
    test_frames: int
    resolution: int
    distance: dict[str, float]
    frames: tuple[dict[str, Image], ...]
    region: RegionName = "person"
    bins: dict[str, YawBin] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The numbers as plain JSON values."""
        rows = {name: asdict(figures) for name, figures in self.rows.items()}
        bins = {name: asdict(each) for name, each in self.bins.items()}
        names = ("region", "training_frames", "test_frames", "resolution", "distance")
        return {"rows": rows, "yaw": bins, **{name: getattr(self, name) for name in names}}

    @property
    def title(self) -> str:
        """What was compared."""
        return f"Held-out {self.test_frames} frames, {self.resolution} px, {TITLES[self.region]}"

    @property
    def distance_sentence(self) -> str:
        """Tab. 4 in words."""
        apart = ", ".join(f"{name} {value:.3f}" for name, value in self.distance.items())
        return f"Mean distance to the nearest training parameters, in standard deviations of training: {apart}."

    @property
    def sheet(self) -> Image:
        """The frames as one picture, RGB uint8 `[frames * R, 3 R, 3]`."""
        return contact_sheet(self.frames)


def show(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print the tables and Tab. 4, on the terminal unless told otherwise."""
    console = console or Console()
    for table in tables(evaluation):
        first, *others = table.columns
        printed = TerminalTable(first, *(Column(name, justify="right") for name in others), title=table.title)
        for row in table.rows:
            printed.add_row(*row)
        console.print(printed)
    console.print(evaluation.distance_sentence, soft_wrap=True)


def markdown(evaluation: Evaluation) -> str:
    """Return the tables, what their figures mean and Tab. 4 in Markdown."""
    parts = [f"# {table.title}\n\n{table.markdown}\n\n{table.caption}" for table in tables(evaluation)]
    return "\n\n".join([*parts, evaluation.distance_sentence]) + "\n"


def tables(evaluation: Evaluation) -> list[Table]:
    """Return the figures of all frames, and by yaw where a bin holds enough of them."""
    every = [figures_table(evaluation)]
    return [*every, yaw_table(evaluation.bins, list(evaluation.rows))] if evaluation.bins else every


def figures_table(evaluation: Evaluation) -> Table:
    """Return the figures as a table: a line for each figure, a column for each row of pictures."""
    caption = f"{EXPLANATIONS[evaluation.region]} {EXPLANATION}"
    return Table(evaluation.title, ("", *evaluation.rows), by_figure(evaluation.rows), caption)


def distance_table(distances: Mapping[str, Mapping[str, float]]) -> Table:
    """Return Tab. 4: mean distances to the nearest training parameters, by parameter, of each test."""
    names = list(next(iter(distances.values())))
    lines = [(test, *(f"{each[name]:.3f}" for name in names)) for test, each in distances.items()]
    return Table("Mean distance to the nearest training parameters", ("", *names), lines,
                 "In standard deviations of the training frames.")  # fmt: skip


def save(evaluation: Evaluation, folder: Path) -> None:
    """Write evaluation.json, .md, .html (a page of its own) and .png (the contact sheet) into a folder."""
    with written_whole(folder / "evaluation.json") as partial:
        partial.write_text(json.dumps(evaluation.to_json(), indent=1), encoding="utf-8")
    with written_whole(folder / "evaluation.md") as partial:
        partial.write_text(markdown(evaluation), encoding="utf-8")
    write_report(
        folder / "evaluation.html",
        "Evaluation",
        figures=(*tables(evaluation), distance_table({"test": evaluation.distance})),
        pictures=[Picture(evaluation.sheet, "Frames that training never saw")],
    )
    write_png(folder / "evaluation.png", evaluation.sheet)


def contact_sheet(frames: Iterable[Mapping[str, Image]]) -> Image:
    """Return RGB uint8 `[N * H, M * W, 3]`: M pictures `[H, W, 3]` side by side, named, for each of N frames."""
    lines = [np.concatenate([labelled(name, each) for name, each in line.items()], 1) for line in frames]
    return np.concatenate(lines)
