# SPDX-License-Identifier: GPL-3.0-or-later
"""`semblance live`: what the user asks for, sees and keeps."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from semblance.engine.commands.cli import main
from semblance.neural.rendering import runtime_choice
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.live import JAW, StandInAvatar
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.performances.performance import Performance
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def avatar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandInAvatar:
    """A stand-in for what is in `me.safetensors` of the working folder."""
    monkeypatch.chdir(tmp_path)
    avatar_of(nn.Linear(1, 1), {}).save("me.safetensors")
    stand_in = StandInAvatar()
    monkeypatch.setattr(runtime_choice, "avatar_on", lambda *_arguments: stand_in)
    return stand_in


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """Half a second of the avatar's own person, whose mouth opens."""
    expression = np.zeros((13, 52))
    expression[:, JAW] = np.linspace(0, 1, 13)
    at_rest(13, load_builtin(), expression=expression).save(tmp_path / "take.npz")
    return tmp_path / "take.npz"


def left_with(*arguments: object) -> int:
    try:
        main(["live", *map(str, arguments)])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def test_a_performance_drives_an_avatar_into_a_video_and_what_it_did_is_kept(take, tmp_path, capsys):
    arguments = ("me.safetensors", "--stream", take, "--to", tmp_path / "out.mp4", "--record", tmp_path / "did.npz")
    assert left_with(*arguments) == 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    did = Performance.load(tmp_path / "did.npz")
    assert len(frames) == len(did) >= 2
    assert did.fps == 25
    assert frames[-1].mean() > 150, "the last one is shown however slow the machine is"
    assert did.expression[-1, JAW] == pytest.approx(1, abs=0.3)
    said = capsys.readouterr().err
    assert "frames/s, latency" in said
    assert "paint" in said


def test_ctrl_c_ends_the_session_and_keeps_what_there_is(take, tmp_path, monkeypatch):
    at_rest(1500, load_builtin()).save(take)
    shown = []

    def interrupt(*_arguments: object) -> bool:
        shown.append(1)
        if len(shown) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return True

    monkeypatch.setattr("semblance.engine.live.sinks.FileSink.show", interrupt)
    out = tmp_path / "frames"
    assert left_with("me.safetensors", "--stream", take, "--to", out, "--record", tmp_path / "did.npz") == 0
    assert len(Performance.load(tmp_path / "did.npz")) == len(shown) < 10


def test_without_a_face_nothing_is_recorded(take, tmp_path, capsys):
    at_rest(3, load_builtin(), confidence=0).save(take)
    arguments = ("me.safetensors", "--stream", take, "--to", tmp_path / "out.mp4", "--record", tmp_path / "did.npz")
    assert left_with(*arguments) == 2
    assert "No face was followed in" in capsys.readouterr().err
    assert not (tmp_path / "did.npz").exists()
    assert (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--camera", "0", "--live-link", "11111"], "Say one source"),
        (["--camera", "97"], "Camera 97 cannot be opened"),
        (["--stream", "none.mp4"], "There is no video"),
        (["--stream", "none.npz"], "none.npz"),
        (["--background", "none.png"], "There is no background"),
    ],
)
def test_what_cannot_be_is_one_sentence(capsys, arguments, sentence):
    assert left_with("me.safetensors", *arguments, "--to", "out.mp4") == 2
    assert sentence in capsys.readouterr().err


def test_a_source_that_breaks_off_leaves_what_there_is(take, tmp_path, capsys, monkeypatch):
    from semblance.common.errors import UserError
    from semblance.tracking.live.motion import PlayedPerformance

    whole = PlayedPerformance.motions

    def breaking(self: PlayedPerformance, dropped: object):
        yield from whole(self, lambda: None)
        raise UserError("The camera is gone.")

    monkeypatch.setattr(PlayedPerformance, "motions", breaking)
    arguments = ("me.safetensors", "--stream", take, "--to", tmp_path / "out.mp4", "--record", tmp_path / "did.npz")
    assert left_with(*arguments) == 2
    assert "The camera is gone." in capsys.readouterr().err
    assert (tmp_path / "out.mp4").exists()
    assert (tmp_path / "did.npz").exists()


def test_a_phone_drives_an_avatar(tmp_path, monkeypatch):
    import socket
    import threading

    from semblance.tests.makers.phones import FACE, live_link_packet

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = threading.Event()

    def phone() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for frame in range(100_000):
                values = [0.0] * FACE
                values[17] = 0.0 if frame < 20 else 1.0
                sender.sendto(live_link_packet(values, frame), ("127.0.0.1", port))
                if done.wait(0.02):
                    return

    levels: list[float] = []

    def watch(_self: object, picture: np.ndarray, _time: float) -> bool:
        levels.append(float(picture.mean()))
        return levels[-1] < 150

    monkeypatch.setattr("semblance.engine.live.sinks.FileSink.show", watch)
    sender = threading.Thread(target=phone)
    sender.start()
    try:
        assert left_with("me.safetensors", "--live-link", port, "--to", tmp_path / "frames") == 0
    finally:
        done.set()
        sender.join()
    assert levels[-1] >= 150


def test_a_film_has_the_sound_of_the_microphone(take, tmp_path, monkeypatch):
    import sys

    from semblance.tracking.media import microphone

    at_rest(50, load_builtin()).save(take)
    monkeypatch.setitem(microphone.DEVICES, sys.platform, (("lavfi", "sine=frequency=440:duration=60,arealtime"),))
    arguments = (
        "me.safetensors",
        "--stream",
        take,
        "--to",
        tmp_path / "out.mp4",
        "--microphone",
        "--label",
        "synthetic",
    )
    assert left_with(*arguments) == 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        heard = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    with av.open(str(tmp_path / "out.mp4")) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.abs(heard[-4800:]).max() > 0.05
    assert pictures[0].max() > 200, "the label's letters are white"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--microphone", "--to", "frames"], "Only a film has sound"),
        (["--microphone", "--to", "out.mp4"], "microphone cannot be used"),
        (["--label", " ", "--to", "out.mp4"], "no words"),
        (["--label", "\u4eba", "--to", "out.mp4"], "no letters"),
    ],
)
def test_sound_and_labels_that_cannot_be_are_a_sentence(take, capsys, monkeypatch, arguments, sentence):
    from semblance.tracking.media import microphone

    monkeypatch.setattr(microphone, "DEVICES", {})
    assert left_with("me.safetensors", "--stream", take, *arguments) == 2
    assert sentence in capsys.readouterr().err
