# SPDX-License-Identifier: GPL-3.0-or-later
"""The report is one page that holds everything, and escapes what it is told."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from semblance.neural.evaluation.charts import Curve, chart, read_curves
from semblance.neural.evaluation.report import Picture, write_report
from semblance.neural.evaluation.tables import Table

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "<script>alert('x')</script> & \"co\""


class Collector(HTMLParser):
    """Counts elements and gathers the text that a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def page(path: Path, **content) -> tuple[str, Collector]:
    write_report(path, content.pop("title", "A report"), **content)
    source = path.read_text(encoding="utf-8")
    collector = Collector()
    collector.feed(source)
    return source, collector


def test_holds_everything(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    source, seen = page(
        tmp_path / "report.html",
        figures=[Table("Figures", ("", "PSNR"), [("avatar", "28.10"), ("nearest", "24.00")], "Higher is better.")],
        curves=[Curve("L1", [(step, 1 / (step + 1)) for step in range(1000)])],
        pictures=[Picture(image, "The avatar")],
        videos={"Side by side": tmp_path / "side_by_side.mp4"},
        notes=["No CUDA GPU was found."],
    )
    for words in ("28.10", "Higher is better.", "The avatar", "No CUDA GPU", "L1"):
        assert words in seen.text
    assert {"svg", "table", "img", "video", "ul"} <= set(seen.tags)
    assert 'src="side_by_side.mp4"' in source
    data = re.search(r"data:image/jpeg;base64,([^\"]+)", source)[1]
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (60, 40)
    assert not re.search(r"(src|href)=\"https?:", source)


def test_escapes_text_everywhere(tmp_path):
    _, seen = page(
        tmp_path / "report.html",
        title=EVIL,
        figures=[Table(EVIL, (EVIL,), [(EVIL,)], EVIL)],
        curves=[Curve(EVIL, [(0, 1), (1, 0)])],
        pictures=[Picture(np.zeros((4, 4, 3), np.uint8), EVIL)],
        videos={EVIL: tmp_path / '"><script>.mp4'},
        notes=[EVIL],
    )
    assert "script" not in seen.tags
    assert seen.text.count(EVIL) >= 9


def test_empty_parts_are_left_out(tmp_path):
    _, seen = page(tmp_path / "report.html", notes=["Only this."])
    assert seen.tags.count("section") == 1


@pytest.mark.parametrize("points", [[(0, 1)], [(0, 2), (1, 2)], [(0, 1), (1, float("nan")), (2, 0.5)], []])
def test_odd_curves_are_drawn(points):
    assert "nan" not in chart(Curve("loss", points)).lower()


def test_a_chart_is_the_same_each_time_and_in_the_colours_of_the_page():
    curve = Curve("L1 of $a_1", [(step, 1 / (step + 1)) for step in range(1000)])
    drawn = chart(curve)
    assert drawn == chart(curve)
    assert drawn.startswith("<svg")
    assert "L1 of $a_1: " in drawn
    assert "var(--accent)" in drawn
    assert "#0000" not in drawn


def test_reads_the_curves_of_a_killed_training(tmp_path):
    path = tmp_path / "curves.jsonl"
    path.write_text('{"step": 1, "seconds": 0.1, "l1": 0.5}\n{"step": 2, "seconds": 0.2, "l1": 0.4, "d": 1}\n{"st')
    curves = {curve.name: list(curve.points) for curve in read_curves(path)}
    assert curves == {"l1": [(1, 0.5), (2, 0.4)], "d": [(2, 1.0)]}
