# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs render is signed unless a reason is given, and labelled if asked to; the commands read and write marks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.home import Home
from semblance.common.progress import silent
from semblance.engine.commands.cli import main
from semblance.engine.credentials.reading import described
from semblance.engine.jobs import tasks
from semblance.neural.kinds import KINDS
from semblance.neural.rendering import orbit
from semblance.neural.rendering.label import Label
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.protocol.jobs import JobKind, Orbit, Reenact
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.footage import plain, write_video
from semblance.tests.makers.networks import Mirror
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.performances.performance import Crop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda config: Mirror()))
    return Home(tmp_path / "home")


@pytest.fixture
def driver(tmp_path) -> Path:
    """A performance of two frames, without pictures."""
    head = load_builtin()
    at_rest(2, head, camera=PinholeCamera.default(64), crop=Crop(0, 0, 64)).save(tmp_path / "driver.npz")
    return tmp_path / "driver.npz"


@pytest.fixture
def job(tmp_path, driver) -> Reenact:
    person = at_rest(2, load_builtin(), camera=PinholeCamera.default(64), crop=Crop(0, 0, 64))
    plate = np.full((256, 256, 3), 99, np.uint8)
    avatar_of(Mirror(), {}, person, plate=plate, consent="yes").save(tmp_path / "ada.safetensors")
    avatar, out = str(tmp_path / "ada.safetensors"), str(tmp_path / "out.mp4")
    return Reenact(avatar=avatar, driver=str(driver), out=out)


def rendered(job: Reenact) -> None:
    tasks.TASKS[JobKind.REENACT](job, silent)


def words_of(path: Path, home: Home) -> str:
    return "\n".join(described(path, home))


def test_films_frames_and_panels_are_signed(job, tmp_path, home):
    rendered(replace(job, panels=str(tmp_path / "panels.mp4")))
    words = words_of(tmp_path / "out.mp4", home)
    assert "together with filmed pictures" in words  # the avatar brings a plate
    assert "Consent: “yes”" in words
    assert "Driven by: driver.npz" in words
    assert "together with filmed pictures" in words_of(tmp_path / "panels.mp4", home)
    for changed in ({"plate": False}, {"background": False}):
        rendered(replace(job, out=str(tmp_path / "frames"), **changed))
        frames = sorted((tmp_path / "frames").iterdir())
        assert len(frames) == 2
        for each in frames:
            assert "by a trained model (synthetic)\n" in words_of(each, home)


def test_credentials_are_left_out_for_a_reason_only(job, tmp_path, home):
    rendered(replace(job, no_credentials="only a test"))
    with pytest.raises(UserError, match="because: only a test"):
        described(tmp_path / "out.mp4", home)
    assert not home.credentials.exists()
    with pytest.raises(ValueError, match="needs a reason"):
        replace(job, no_credentials=" ")
    with pytest.raises(ValueError, match="needs words"):
        replace(job, label="")


def test_a_label_stands_on_every_picture(job, tmp_path):
    pictures = []
    for label in (None, "synthetic"):
        rendered(replace(job, out=str(tmp_path / "frames"), label=label, label_corner="top-right", label_size=0.1))
        pictures.append([np.asarray(Image.open(each)) for each in sorted((tmp_path / "frames").iterdir())])
    for without, labelled in zip(*pictures, strict=True):
        rows, columns = np.nonzero((without != labelled).any(-1))
        assert rows.max() < 100
        assert columns.min() > 80
        assert len(rows) > 500


def test_a_turn_about_a_head_is_signed(job, tmp_path, home, monkeypatch):
    """The camera's way is another test's: here the pictures come from a stand-in."""

    def drawn(avatar, out, *, performance, label, **_others):
        assert (performance, label) == (None, Label("synthetic"))
        write_video(out, [plain(40)])

    monkeypatch.setattr(orbit, "orbit", drawn)
    tasks.TASKS[JobKind.ORBIT](Orbit(avatar=job.avatar, out=job.out, label="synthetic"), silent)
    words = words_of(tmp_path / "out.mp4", home)
    assert "by a trained model (synthetic)\n" in words
    assert "Driven by" not in words


def left_with(capsys, *arguments: str) -> tuple[int, str]:
    """Exit code and words of the command line."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out + said.err


def test_what_a_live_session_writes_is_signed(job, tmp_path, home, capsys):
    live = ("live", job.avatar, "--stream", job.driver, "--to", str(tmp_path / "live.mp4"))
    assert left_with(capsys, *live, "--background", "own")[0] == 0
    words = words_of(tmp_path / "live.mp4", home)
    assert "by a trained model (synthetic)\n" in words
    assert "Driven by: driver.npz" in words
    assert left_with(capsys, *live)[0] == 0  # over its plate
    assert "together with filmed pictures" in words_of(tmp_path / "live.mp4", home)
    assert left_with(capsys, *live, "--no-credentials", "a try")[0] == 0
    with pytest.raises(UserError, match="because: a try"):
        described(tmp_path / "live.mp4", home)
    assert left_with(capsys, *live, "--no-credentials", " ")[0] == 2


def test_marks_are_read_and_written_from_the_command_line(job, tmp_path, capsys):
    film = write_video(tmp_path / "film.mp4", [plain(40)])
    assert left_with(capsys, "verify", str(film)) == (
        2,
        f"{film} carries no Content Credentials; nothing says how it was made.\n",
    )
    code, words = left_with(capsys, "mark", str(film), job.avatar, "--driver", job.driver, "--filmed")
    assert code == 0
    assert f"signed: {film}" in words
    code, words = left_with(capsys, "verify", str(film))
    assert code == 0
    assert "together with filmed pictures" in words
    content = bytearray(film.read_bytes())
    content[content.find(b"mdat") + 40] ^= 1
    film.write_bytes(content)
    code, words = left_with(capsys, "verify", str(film))
    assert code == 2
    assert "broken" in words
    assert words.count("\n") == 1
