# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html`: one self-contained page about a run, made from plain values."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...common.files import written_whole
from .charts import Curve, chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...tracking.heads.arrays import Image
    from .tables import Table

TEMPLATE = Path(__file__).with_name("report.html.j2")
PICTURE_QUALITY = 92


@dataclass(frozen=True)
class Picture:
    """A picture with its caption: RGB uint8 `[H, W, 3]`."""

    image: Image
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
    """Write the page whole or not at all; all text is escaped, and parts without content are left out.

    Args:
        path: the page.
        title: its heading.
        figures: tables.
        curves: losses over training, drawn as one chart each.
        pictures: embedded in the page.
        videos: caption to file, linked relative to the page.
        notes: sentences, first of all on what was missing and what was done instead.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_url"] = data_url
    page = environment.get_template(TEMPLATE.name).render(
        title=title,
        figures=figures,
        charts=[Markup(drawn) for drawn in map(chart, curves) if drawn],
        pictures=pictures,
        videos={caption: link(file, path.parent) for caption, file in (videos or {}).items()},
        notes=notes,
    )
    with written_whole(path) as partial:
        partial.write_text(page, encoding="utf-8")


def data_url(image: Image) -> str:
    """Return RGB uint8 `[H, W, 3]` as a JPEG inside a URL."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, PICTURE_QUALITY]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"


def link(file: Path, beside: Path) -> str:
    """Return the address of a file for a page that lies in the folder `beside`; relative where the file does too."""
    return (file.relative_to(beside) if file.is_relative_to(beside) else file).as_posix()
