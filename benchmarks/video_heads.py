# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads in three dimensions beside portraits of the same footage: the frames that training never saw, and a turn.

    python benchmarks/video_heads.py --row "kitchen_talk: splats, 256 px, 2 min" AVATAR DATASET --row ... [--out FOLDER]

Rows whose names begin alike, up to the colon, are of the same footage and share a table with the nearest training
frame. All are compared in the head's pixels, each at its own resolution. Heads are then turned to 20 degrees beyond
the footage's own yaw to either side, while they do what the unseen frames do: holes are pixels well within the head's
outline that are not solid, needles solid ones farther from it than hair is, jumps depths unlike those around them; all
in percent of the head's pixels. Writes video_heads.md and .json, and for each footage a sheet of unseen frames and one
of turns.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hardware import hardware
from semblance.benchmarks.ablation_rows import by_row
from semblance.benchmarks.turntable import Flaws, turntable
from semblance.common.files import written_whole
from semblance.engine.commands.terminal import shown
from semblance.neural.avatar import Avatar
from semblance.neural.evaluation.evaluate import evaluate
from semblance.neural.evaluation.figures import EXPLANATION
from semblance.neural.evaluation.output import AVATAR, NEAREST, Evaluation, contact_sheet
from semblance.neural.evaluation.regions import EXPLANATIONS
from semblance.neural.evaluation.tables import Table
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.media.video import labelled, scaled, write_png

if TYPE_CHECKING:
    from semblance.common.progress import Listener
    from semblance.tracking.heads.arrays import Image

SHEET_SIDE = 256


@dataclass(frozen=True)
class Result:
    """What was found of one avatar; `flaws` and `turn` are of heads alone."""

    name: str
    evaluation: Evaluation
    flaws: Flaws | None
    turn: list[Image]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", nargs=3, action="append", required=True, metavar=("NAME", "AVATAR", "DATASET"))
    parser.add_argument("--out", type=Path, default=Path("video_heads"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    footages: dict[str, list[Result]] = {}
    with shown() as listener:
        for name, avatar, dataset in options.row:
            footage, _, row = name.partition(":")
            footages.setdefault(footage, []).append(measured(row.strip(), Path(avatar), Path(dataset), listener))
            write(footages, options.out)
    print((options.out / "video_heads.md").read_text(encoding="utf-8"))


def measured(name: str, file: Path, folder: Path, listener: Listener) -> Result:
    """Compare an avatar with the frames that it has not seen, and turn it where it can be turned."""
    evaluation = evaluate(file, folder, region="head", listener=listener)
    avatar = Avatar.load(file)
    if avatar.kind.has_backdrop:
        return Result(name, evaluation, None, [])
    performance = Dataset.open(folder).performance()
    unseen = np.flatnonzero(performance.trusted)[-evaluation.test_frames :]
    spread = unseen[np.linspace(0, len(unseen) - 1, 9).astype(int)]
    found, pictures = turntable(avatar, avatar.open_head(), performance.at(spread), avatar.metadata.resolution)
    return Result(name, evaluation, found, pictures)


def write(footages: dict[str, list[Result]], folder: Path) -> None:
    """Write tables, numbers and sheets of what there is so far."""
    parts = [f"# Heads of footage, unseen frames\n\n{hardware()}"]
    for footage, results in footages.items():
        rows = {result.name: result.evaluation.rows[AVATAR] for result in results}
        rows[NEAREST] = results[0].evaluation.rows[NEAREST]
        headings, lines, absent = by_row(rows)
        parts.append(f"## {footage}\n\n{Table(footage, headings, lines).markdown}\n\n{' '.join(absent)}")
        parts += [turns.markdown for turns in [turn_table(results)] if turns.rows]
        write_png(folder / f"{footage}.png", unseen_sheet(results))
        turned = {result.name: result.turn for result in results if result.turn}
        if turned:
            write_png(folder / f"{footage}_turns.png", turn_sheet(turned))
    parts.append(f"{EXPLANATIONS['head']} {EXPLANATION}")
    with written_whole(folder / "video_heads.md") as partial:
        partial.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    numbers = {
        footage: {
            result.name: {**result.evaluation.to_json(), "turn": result.flaws and asdict(result.flaws)}
            for result in results
        }
        for footage, results in footages.items()
    }
    with written_whole(folder / "video_heads.json") as partial:
        partial.write_text(json.dumps(numbers, indent=1), encoding="utf-8")


def turn_table(results: list[Result]) -> Table:
    """Holes, needles and jumps, in percent, of each head."""
    flawed = [(result.name, result.flaws) for result in results if result.flaws]
    lines = [[name, *(f"{100 * share:.3f}" for share in asdict(flaws).values())] for name, flaws in flawed]
    return Table("Turned", ["turned", "holes %", "needles %", "jumps %"], lines)


def unseen_sheet(results: list[Result]) -> Image:
    """Footage, then all avatars, a line for each frame."""
    lines = []
    for number, frame in enumerate(results[0].evaluation.frames):
        pictures = {"footage": frame["footage"]}
        pictures |= {result.name: result.evaluation.frames[number][AVATAR] for result in results}
        lines.append({name: scaled(picture, SHEET_SIDE) for name, picture in pictures.items()})
    return contact_sheet(lines)


def turn_sheet(turned: dict[str, list[Image]]) -> Image:
    """A line of turned heads for each avatar."""
    lines = []
    for name, pictures in turned.items():
        first, *others = (scaled(picture, SHEET_SIDE) for picture in pictures)
        lines.append(np.concatenate([labelled(name, first), *others], 1))
    return np.concatenate(lines)


if __name__ == "__main__":
    main()
