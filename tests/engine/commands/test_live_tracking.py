# SPDX-License-Identifier: GPL-3.0-or-later
"""`semblance track --camera` and `--stream`: what the user sees, reads and keeps."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.engine.commands import live_tracking
from semblance.engine.commands.cli import main
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.live.live_frames import LiveFrame
from semblance.tracking.live.source import Shot
from semblance.tracking.performances.performance import Performance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Source:
    name = "a test"


def frame(index: int, known: bool = True, seen: bool = True) -> LiveFrame:
    performance = at_rest(
        expression=np.linspace(0, 1, 52),
        translation=(0.1, 0.2, 0.9),
        gaze=[[0.1, 0.2], [0.3, 0.4]],
        times=np.array([index / 25]),
        camera=PinholeCamera.default(64),
    )
    shot = Shot(np.zeros((4, 4, 3), np.uint8), index / 25, captured=index / 25)
    landmarks = np.zeros((478, 3), np.float32) if seen else None
    return LiveFrame(shot, landmarks, performance if known else None, None, finished=index / 25 + 0.02)


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[LiveFrame]:
    """What live tracking gives; add to it."""
    given: list[LiveFrame] = []

    def live_frames(*_source: object, **_options: object) -> Iterator[LiveFrame]:
        yield from given

    monkeypatch.setattr(live_tracking, "live_frames", live_frames)
    return given


def follow(out: Path | None = None, as_json: bool = False) -> None:
    # The source and the head go to `live_frames` only, which `frames` replaces.
    live_tracking.follow(Source(), head=None, size=512, out=out, as_json=as_json)  # type: ignore[arg-type]


def test_every_frame_is_a_line_of_json(frames, capsys):
    frames += [frame(0, known=False), frame(1), frame(2)]
    follow(as_json=True)
    lines: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["time"] for line in lines] == [0.04, 0.08]
    assert list(lines[0]["expression"]) == list(ARKIT_NAMES)
    assert lines[0]["expression"]["tongueOut"] == 1
    assert lines[0]["gaze"] == {"left": [0.1, 0.2], "right": [0.3, 0.4]}
    assert lines[0]["translation"] == [0.1, 0.2, 0.9]
    assert lines[0]["confidence"] == 1


def test_the_performance_is_written_at_the_end(frames, tmp_path, capsys):
    frames += [frame(index) for index in range(5, 9)]
    follow(tmp_path / "me.npz")
    performance = Performance.load(tmp_path / "me.npz")
    assert performance.times.tolist() == pytest.approx([0, 0.04, 0.08, 0.12])
    assert performance.fps == pytest.approx(25)
    assert capsys.readouterr().out == ""


def test_ctrl_c_ends_the_take_and_keeps_it(frames, tmp_path, monkeypatch):
    frames += [frame(index) for index in range(100)]
    shown = []

    def interrupt(_frame: LiveFrame) -> str:
        shown.append(1)
        if len(shown) == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return "Tracking"

    monkeypatch.setattr(live_tracking, "state_of", interrupt)
    follow(tmp_path / "me.npz")
    assert len(Performance.load(tmp_path / "me.npz")) == 7


def test_without_a_face_nothing_is_written(frames, tmp_path):
    frames += [frame(0, known=False, seen=False)]
    with pytest.raises(UserError, match=r"No face was tracked in a test, so .*me\.npz was not written"):
        follow(tmp_path / "me.npz")
    assert list(tmp_path.iterdir()) == []


def test_standard_error_says_what_is_going_on(frames, capsys):
    frames += [frame(0)]
    follow()
    assert "Tracking: 0.0 frames/s, latency 20 ms (slowest 20), 0 dropped" in capsys.readouterr().err
    assert live_tracking.state_of(frame(0, known=False, seen=False)) == "Looking for a face"
    assert live_tracking.state_of(frame(0, known=False)) == "Getting to know the face"
    assert live_tracking.state_of(frame(0, seen=False)) == "Face lost"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Say what to track"),
        (["a.mp4", "--camera", "0"], "Say what to track"),
        (["--camera", "0", "--stream", "a.mp4"], "Say what to track"),
        (["a.mp4", "--json"], "are for live tracking"),
        (["a.mp4", "--out", "a.npz"], "are for live tracking"),
    ],
)
def test_sources_and_options_that_do_not_go_together_are_refused(capsys, arguments, sentence):
    with pytest.raises(SystemExit) as left:
        main(["track", *arguments])
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err


def test_the_name_says_what_kind_of_file_is_written(frames, tmp_path):
    frames += [frame(index) for index in range(3)]
    follow(tmp_path / "me.csv")
    assert len((tmp_path / "me.csv").read_text().splitlines()) == 4
