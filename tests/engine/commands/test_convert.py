# SPDX-License-Identifier: GPL-3.0-or-later
"""`semblance convert`: performances from one kind of file to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from semblance.engine.commands.cli import main
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.performances.captures.registry import read_performance

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A second of Live Link Face at 60 frames a second, one of them dropped."""
    rows = [f"10:00:{frame // 60:02d}:{frame % 60:02d}.000,{frame / 60}" for frame in range(61) if frame != 30]
    path = tmp_path / "capture.csv"
    path.write_text("\n".join(["Timecode,JawOpen", *rows]))
    return path


def convert(*arguments: object) -> int | str | None:
    """Run the command; return its exit code."""
    with pytest.raises(SystemExit) as left:
        main(["convert", *map(str, arguments)])
    return left.value.code


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("out.npz", ()),
        ("out.json", ()),
        ("out.csv", ()),
        ("out.csv", ("--to", "live-link")),
        ("out", ("--to", "arkit")),
    ],
)
def test_to_every_kind_at_another_rate(capsys, capture: Path, tmp_path: Path, name: str, options: tuple) -> None:
    assert convert(capture, tmp_path / name, "--fps", 30, *options) == 0
    printed = capsys.readouterr().out
    assert "1 dropped frame is interpolated." in printed
    assert "31 frames, 30 a second" in printed
    performance = read_performance(tmp_path / name)
    assert performance.fps == 30
    jaw = performance.expression[:, ARKIT_NAMES.index("jawOpen")]
    assert jaw == pytest.approx([frame / 30 for frame in range(31)], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{capture}", "out", "--to", "fbx"), "There is no format fbx; choose one of npz, "),
        (("none.csv", "out.npz"), "There is no performance file at none.csv."),
        (("{capture}", "out.mov"), "out.mov does not say what to write"),
        (("{capture}", "out.npy"), "The head builtin has no coefficient vectors; choose a FaceVerse head."),
    ],
)
def test_mistakes_get_one_sentence(capsys, capture: Path, arguments: tuple[str, ...], said: str) -> None:
    assert convert(*(each.format(capture=capture) for each in arguments)) == 2
    assert said in capsys.readouterr().err
