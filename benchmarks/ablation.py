# SPDX-License-Identifier: GPL-3.0-or-later
"""The ablation study of Sec. 4.2 (Tab. 3, Tab. 4): every row trained alike on the first 80 % of each dataset.

    python benchmarks/ablation.py DATASET... [--preset preview] [--seconds 120] [--base BASE] [--out ablation]

Writes ablation.md, ablation.html and a contact sheet for each dataset into the folder, anew after every row. Started
again with the same folder it goes on where it stopped: a row that was trained is only measured. `--base` is a file
that `semblance pretrain` made of other people; the row "full" then starts from it, all others from nothing.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardware import hardware
from semblance.benchmarks.ablation_rows import FULL, NEAREST, NO_PRETRAIN, ROWS, ablated, by_row
from semblance.common.files import written_whole
from semblance.common.progress import Cancelled, Listener, Progress
from semblance.engine.commands.terminal import shown
from semblance.neural.evaluation.evaluate import evaluate
from semblance.neural.evaluation.figures import EXPLANATION, Figures
from semblance.neural.evaluation.output import AVATAR, Evaluation, contact_sheet, distance_table
from semblance.neural.evaluation.output import NEAREST as NEAREST_FRAME
from semblance.neural.evaluation.report import Picture, write_report
from semblance.neural.evaluation.tables import Table
from semblance.neural.styleavatar.training.build import build
from semblance.neural.styleavatar.training.presets import PRESETS, preset_named
from semblance.tracking.media.video import scaled, write_png

if TYPE_CHECKING:
    from collections.abc import Mapping

SHEET_SIDE = 384
"""Pixels of a picture in the contact sheet, at most."""


@dataclass(frozen=True)
class Study:
    """What was found on one dataset: evaluations by row, and why rows failed."""

    dataset: Path
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> dict[str, Figures]:
        """The figures of Tab. 3, in its order."""
        found = {row: each.rows[AVATAR] for row, each in self.evaluations.items()}
        found[NEAREST] = next(iter(self.evaluations.values())).rows[NEAREST_FRAME]
        return {row: found[row] for row in ROWS if row in found}

    @property
    def distance(self) -> Mapping[str, float]:
        """Tab. 4, the same for all rows."""
        return next(iter(self.evaluations.values())).distance

    def sheet(self) -> Picture:
        """Footage, nearest frame and all rows, a line for each frame."""
        columns = {row: each.frames for row, each in self.evaluations.items()}
        lines = []
        for number, frame in enumerate(next(iter(columns.values()))):
            pictures = {"footage": frame["footage"], NEAREST: frame[NEAREST_FRAME]}
            pictures |= {row: frames[number][AVATAR] for row, frames in columns.items()}
            side = min(SHEET_SIDE, len(frame["footage"]))
            lines.append({name: scaled(picture, side) for name, picture in pictures.items()})
        return Picture(contact_sheet(lines), f"{self.dataset.name}: frames that training never saw")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path, nargs="+", metavar="DATASET")
    parser.add_argument("--preset", default="preview")
    parser.add_argument("--seconds", type=float, default=120, help="training time of each row")
    parser.add_argument("--base", type=Path)
    parser.add_argument("--out", type=Path, default=Path("ablation"))
    options = parser.parse_args()
    title = f"{options.preset}, {options.seconds:.0f} s of training each, {hardware()}"
    studies: list[Study] = []
    rows = [row for row in ROWS if row != NEAREST and (row != NO_PRETRAIN or options.base)]
    with suppress(Cancelled), shown() as listener:
        for dataset in options.datasets:
            studies.append(Study(dataset))
            for row in rows:
                try_row(studies[-1], row, options, listener)
                write(studies, title, options)


def try_row(study: Study, row: str, options: argparse.Namespace, listener: Listener) -> None:
    """Train and measure a row; note it where that fails, so that the others are done."""

    def heard(progress: Progress) -> None:
        listener(replace(progress, stage=f"{study.dataset.name}, {row}: {progress.stage}"))

    preset = ablated(preset_named(options.preset), row)
    PRESETS[preset.name] = preset
    avatar = options.out / study.dataset.name / f"{row}.safetensors"
    base = options.base if row == FULL else None
    try:
        build(study.dataset, avatar, preset=preset.name, seconds=options.seconds, base=base, listener=heard)
        study.evaluations[row] = evaluate(avatar, study.dataset, listener=heard)
    except Cancelled:
        raise
    except Exception as error:  # whatever it is, hours of other rows are not to be lost for it
        study.failures[row] = str(error)


def write(studies: list[Study], title: str, options: argparse.Namespace) -> None:
    """Write tables and contact sheets of what there is so far."""
    measured = [study for study in studies if study.evaluations]
    tables, sheets, absent = [], [study.sheet() for study in measured], []
    for study, sheet in zip(measured, sheets, strict=True):
        headings, lines, missing = by_row(study.rows)
        compared = next(iter(study.evaluations.values())).title
        tables.append(Table(f"{study.dataset.name}: {compared}", headings, lines, EXPLANATION))
        absent += [each for each in missing if each not in absent]
        write_png(options.out / f"{study.dataset.name}.png", sheet.image)
    if measured:
        tables.append(distance_table({study.dataset.name: study.distance for study in measured}))
    started = f"{FULL} from the base {options.base.name}, the others" if options.base else "all"
    failed = [f"{each.dataset.name}, {row} failed: {why}" for each in studies for row, why in each.failures.items()]
    rows = {row for study in measured for row in study.rows}
    notes = [f"{row}: {what}." for row, what in ROWS.items() if row in rows]
    notes += [f"Trained: {started} from nothing.", *absent, *failed]
    write_report(options.out / "ablation.html", f"Ablation: {title}", figures=tables, pictures=sheets, notes=notes)
    parts = [f"# Ablation: {title}"]
    parts += [f"## {each.title}\n\n{each.markdown}\n\n{each.caption}" for each in tables]
    parts.append("\n".join(f"- {note}" for note in notes))
    with written_whole(options.out / "ablation.md") as partial:
        partial.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
