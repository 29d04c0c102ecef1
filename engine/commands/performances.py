# SPDX-License-Identifier: GPL-3.0-or-later
"""`convert` and `overlay`: performances in other programs' files, and over their footage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...common.words import counted
from ...tracking.performances.captures.registry import BY_NAME, BY_SUFFIX, FORMATS
from .shared import HeadOption, HeadPathOption, opened_head
from .terminal import shown


def convert(
    source: Annotated[Path, typer.Argument(help=f"Performance ({', '.join(BY_SUFFIX)}) or dataset.")],
    out: Annotated[Path, typer.Argument(help="File to write.")],
    to: Annotated[
        str | None,
        typer.Option(
            metavar=f"[{'|'.join(BY_NAME)}]",
            help=f"What to write: {', '.join(f'{each.name} ({each.title})' for each in FORMATS)}.",
            show_default="by the name",
        ),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=1, max=1000, help="Another frame rate.", show_default="the source's")
    ] = None,
    head: HeadOption = "builtin",
    head_path: HeadPathOption = None,
) -> None:
    """Turn a performance into another program's file; its name says which (a .csv is a plain one), or --to does."""
    from ...tracking.datasets.dataset import Dataset
    from ...tracking.performances.captures.registry import format_named, read_performance, write_performance
    from ...tracking.performances.resampling import at_rate

    chosen = format_named(to) if to else None
    opened = opened_head(head, head_path)
    performance = Dataset.open(source).performance() if source.is_dir() else read_performance(source, opened)
    converted = at_rate(performance, fps) if fps else performance
    write_performance(converted, out, chosen, opened)
    for note in performance.extra.get("notes", ()):
        print(note)
    print(f"{counted(len(converted), 'frame')}, {converted.fps:.5g} a second: {out}")


def overlay(
    performance: Annotated[Path, typer.Argument(help="Dataset folder or performance file (.npz) of a tracked video.")],
    out: Annotated[Path, typer.Argument(help="Video (.mp4) to write; the plot is put beside it (.png).")],
    footage: Annotated[
        Path | None, typer.Option(help="The tracked video, where it was moved.", show_default=False)
    ] = None,
    head_path: HeadPathOption = None,
) -> None:
    """Draw mesh, landmarks, gaze and confidence over the tracked video, and plot every coefficient over time."""
    from ...tracking.datasets.dataset import Dataset
    from ...tracking.overlay.video import write_overlay
    from ...tracking.performances.performance import Performance

    tracked = Dataset.open(performance).performance() if performance.is_dir() else Performance.load(performance)
    head = opened_head(tracked.head, head_path or tracked.extra.get("head_path"))
    with shown() as listener:
        plot = write_overlay(out, tracked, head, footage, listener)
    print(f"overlay: {out}\nplot: {plot}")
