# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html`: one self-contained page about a run, made from plain values."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...common.files import written_whole
from .charts import Curve, chart

PICTURE_QUALITY = 92


@dataclass(frozen=True)
class Table:
    """A table of figures: a heading for each column, rows of text, and a line on what they are."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture with its caption: RGB uint8 `[H, W, 3]`."""

    image: np.ndarray
    caption: str = ""


def write_report(
    path: Path,
    title: str,
    *,
    figures: Sequence[Table] = (),
    curves: Sequence[Curve] = (),
    pictures: Sequence[Picture] = (),
    videos: Mapping[str, Path] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write the page whole or not at all; all text is escaped.

    Args:
        path: the page.
        title: its heading.
        figures: tables.
        curves: losses over training, drawn as one chart each.
        pictures: embedded in the page.
        videos: caption to file, linked relative to the page.
        notes: sentences, first of all on what was missing and what was done instead.
    """
    sections = (
        section("Videos", "".join(video(caption, file, path.parent) for caption, file in (videos or {}).items())),
        section("Pictures", "".join(map(figure, pictures))),
        section("Figures", "".join(map(table, figures))),
        section("Training", grid(chart(curve) for curve in curves)),
        section("Notes", bullets(notes)),
    )
    page = PAGE.format(title=html.escape(title), style=STYLE, body="\n".join(filter(None, sections)))
    with written_whole(path) as partial:
        partial.write_text(page, encoding="utf-8")


def read_curves(path: Path) -> list[Curve]:
    """Read a training's `curves.jsonl`: an object a line with `step` and losses by name.

    A line that a kill left unfinished is passed over.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        step = values.pop("step", None)
        for name, value in values.items():
            if step is not None and isinstance(value, int | float) and name not in NO_LOSSES:
                points.setdefault(name, []).append((float(step), float(value)))
    return [Curve(name, tuple(found)) for name, found in points.items()]


NO_LOSSES = {"seconds", "rate"}
"""What else stands in a line of the curves."""


# --- parts of the page ----------------------------------------------------------------------------------------------


def section(title: str, content: str) -> str:
    """A titled part of the page; nothing where it would be empty."""
    return f"<section><h2>{html.escape(title)}</h2>{content}</section>" if content else ""


def table(figures: Table) -> str:
    """A table with its caption."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in figures.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in figures.rows)
    caption = f"<p>{html.escape(figures.caption)}</p>" if figures.caption else ""
    content = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{caption}"
    return f"<h3>{html.escape(figures.title)}</h3>{content}"


def figure(picture: Picture) -> str:
    """An embedded picture with its caption."""
    caption = html.escape(picture.caption)
    return f'<figure><img alt="{caption}" src="{data_url(picture.image)}"><figcaption>{caption}</figcaption></figure>'


def data_url(image: np.ndarray) -> str:
    """An RGB picture as a JPEG inside a URL."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, PICTURE_QUALITY]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"


def video(caption: str, file: Path, beside: Path) -> str:
    """A player for a video that lies beside the page, and a link to it."""
    target = file.relative_to(beside) if file.is_relative_to(beside) else file
    link, text = html.escape(target.as_posix()), html.escape(caption)
    player = f'<video controls loop muted preload="metadata" src="{link}"></video>'
    return f'<figure>{player}<figcaption><a href="{link}">{text}</a></figcaption></figure>'


def grid(parts: Iterable[str]) -> str:
    """Parts next to each other as far as they fit."""
    content = "".join(parts)
    return f'<div class="grid">{content}</div>' if content else ""


def bullets(notes: Sequence[str]) -> str:
    """A list of sentences."""
    return f"<ul>{''.join(f'<li>{html.escape(note)}</li>' for note in notes)}</ul>" if notes else ""


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""

STYLE = """
:root { --ink: #1d2127; --soft: #667080; --line: #e1e5ea; --paper: #fff; --ground: #f4f6f8; --accent: #2f6fd6; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --soft: #9aa3af; --line: #363c45; --paper: #22262c; --ground: #181b20; --accent: #7fb0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 28px; margin: 0 0 24px; }
h2 { font-size: 19px; margin: 0 0 14px; }
h3 { font-size: 15px; margin: 18px 0 6px; color: var(--soft); font-weight: 600; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; }
section { padding: 20px; margin: 0 0 20px; overflow-x: auto; }
figure { margin: 0 0 16px; }
img, video { display: block; max-width: 100%; border-radius: 6px; background: #000; }
figcaption, p { color: var(--soft); font-size: 14px; margin: 6px 0 0; }
a { color: var(--accent); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: min(100%, 480px); }
th, td { text-align: right; padding: 6px 14px; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th { color: var(--soft); font-weight: 600; font-size: 14px; }
ul { margin: 0; padding-left: 20px; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 18px; }
.chart text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.chart .name { fill: var(--ink); font-weight: 600; font-size: 13px; }
.chart .axis { stroke: var(--line); fill: none; }
.chart .raw { stroke: var(--accent); fill: none; opacity: 0.3; }
.chart .smooth { stroke: var(--accent); fill: none; stroke-width: 2; }
"""
