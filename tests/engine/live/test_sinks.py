# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pictures go: files, and a window and a virtual camera by stand-ins of the libraries behind them."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.engine.live import window as window_module
from semblance.engine.live.sinks import opened
from semblance.engine.live.virtual_camera import DRIVERS
from semblance.engine.live.window import fitted, opaque, ppm
from semblance.tests.makers.footage import plain, tone, write_sound
from semblance.tracking.media.sound import Sound


def sink(to: Any, *, sound: Sound | None = None, transparent: bool = False) -> Any:
    return opened(str(to), "Semblance: me", 25.0, sound, transparent)


def test_a_video_has_the_times_of_what_it_shows_and_the_sound(tmp_path):
    sound = Sound(write_sound(tmp_path / "sound.wav", tone(1.0)))
    with sink(tmp_path / "live.mp4", sound=sound) as video:
        for index, time in enumerate((0.0, 0.04, 0.04, 0.2, 0.52)):
            assert video.show(plain(40 * index + 20), time)
        video.tell("words")
    with av.open(str(tmp_path / "live.mp4")) as container:
        frames = list(container.decode(video=0))
        assert container.streams.audio
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.2, 0.52], abs=1e-3)


def test_a_folder_keeps_transparency(tmp_path):
    with sink(tmp_path / "frames", transparent=True) as folder:
        folder.show(np.full((8, 8, 4), 90, np.uint8), 0.0)
    assert [each.name for each in (tmp_path / "frames").iterdir()] == ["000001.png"]


@pytest.mark.parametrize("to", ["live.mp4", "virtual-camera"])
def test_transparency_that_would_be_lost_is_refused(tmp_path, to):
    with pytest.raises(UserError, match="keeps transparency; write a folder"):
        sink(to, transparent=True)


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"end the name in \.mp4"), sink(tmp_path / "live.gif"):
        pass


class StandInCamera:
    """What pyvirtualcam's camera does to who uses it."""

    made: list[StandInCamera] = []  # noqa: RUF012

    def __init__(self, width: int, height: int, fps: float) -> None:
        self.width, self.height, self.fps = width, height, fps
        self.sent: list[np.ndarray] = []
        self.is_open = True
        self.made.append(self)

    def send(self, frame: np.ndarray) -> None:
        assert self.is_open
        assert frame.shape == (self.height, self.width, 3)
        assert frame.dtype == np.uint8
        assert frame.flags.c_contiguous
        self.sent.append(frame)

    def close(self) -> None:
        self.is_open = False


def test_a_virtual_camera_gets_every_picture(monkeypatch):
    monkeypatch.setattr(StandInCamera, "made", [])
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=StandInCamera))
    half = np.full((64, 64, 4), 200, np.uint8)
    half[..., 3] = 128
    with sink("virtual-camera") as camera:
        assert camera.show(plain(10), 0.0)
        assert camera.show(half, 0.1)
        assert camera.show(plain(10, 32, 48), 0.2)
    first, second = StandInCamera.made
    assert (first.width, first.height, first.fps) == (64, 64, 25.0)
    assert [int(frame[0, 0, 0]) for frame in first.sent] == [10, 100]
    assert (second.width, second.height) == (48, 32)
    assert not first.is_open
    assert not second.is_open


@pytest.mark.parametrize(("platform", "command"), DRIVERS.items())
def test_a_missing_driver_is_one_sentence_with_the_command_that_brings_it(monkeypatch, platform, command):
    def no_device(**_size: object) -> None:
        raise RuntimeError("'v4l2loopback' backend: No loopback device found.\nmore")

    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=no_device))
    monkeypatch.setattr(sys, "platform", platform)
    with sink("virtual-camera") as camera, pytest.raises(UserError) as failure:
        camera.show(plain(10), 0.0)
    assert command in str(failure.value)
    assert "\n" not in str(failure.value)


def test_without_pyvirtualcam_its_install_command_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with (
        pytest.raises(UserError, match="needs pyvirtualcam; install it with: python"),
        sink("virtual-camera"),
    ):
        pass


# --- the window -----------------------------------------------------------------------------------------------------


class NoDisplay(Exception):
    pass


class StandInTk:
    """What tkinter does to who uses it: a window of 200 x 100 pixels."""

    TclError = NoDisplay

    def __init__(self) -> None:
        self.bound: dict[str, Any] = {}
        self.titles: list[str] = []
        self.shown: list[bytes] = []
        self.updates = 0
        self.is_gone = False

    def Tk(self) -> StandInTk:  # noqa: N802
        return self

    def Label(self, _root: object, **_options: object) -> Any:  # noqa: N802
        return SimpleNamespace(pack=lambda **_: None, configure=lambda image: self.shown.append(image))

    def PhotoImage(self, data: bytes, format: str) -> bytes:  # noqa: N802
        assert format == "PPM"
        return data

    def title(self, text: str) -> None:
        self.titles.append(text)

    def configure(self, **_options: object) -> None:
        pass

    def geometry(self, _size: str) -> None:
        pass

    def minsize(self, _width: int, _height: int) -> None:
        pass

    def winfo_width(self) -> int:
        return 200

    def winfo_height(self) -> int:
        return 100

    def protocol(self, name: str, function: Any) -> None:
        self.bound[name] = function

    bind = protocol

    def update(self) -> None:
        self.updates += 1

    def destroy(self) -> None:
        self.is_gone = True


@pytest.fixture
def tk(monkeypatch: pytest.MonkeyPatch) -> StandInTk:
    stand_in = StandInTk()
    monkeypatch.setitem(sys.modules, "tkinter", stand_in)
    return stand_in


def test_a_window_shows_pictures_as_large_as_it_is_with_the_figures_in_its_title(tk):
    with sink("window") as shown:
        assert shown.show(plain([10, 20, 30]), 0.0)
        shown.tell("Following: 25.0 frames/s")
    assert tk.shown[0].startswith(b"P6 100 100 255\n")
    assert tk.shown[0][-3:] == bytes([10, 20, 30])
    assert tk.titles == ["Semblance: me", "Semblance: me: Following: 25.0 frames/s"]
    assert tk.updates == 1
    assert tk.is_gone


@pytest.mark.parametrize("event", ["WM_DELETE_WINDOW", "<Escape>", "q"])
def test_closing_the_window_ends_the_session(tk, event):
    with sink("window") as shown:
        tk.bound[event]()
        assert not shown.show(plain(10), 0.0)
    assert not tk.shown


def test_without_a_display_what_else_there_is_is_said(monkeypatch):
    def no_display() -> None:
        raise NoDisplay("no display name and no $DISPLAY environment variable")

    monkeypatch.setitem(sys.modules, "tkinter", SimpleNamespace(Tk=no_display, TclError=NoDisplay))
    with pytest.raises(UserError, match=r"no display to open a window on; .* --to live\.mp4"), sink("window"):
        pass


def test_without_tkinter_what_brings_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with pytest.raises(UserError, match="python3-tk"), sink("window"):
        pass


def test_what_is_transparent_is_chequered_in_a_window():
    shown = opaque(np.zeros((64, 64, 4), np.uint8))
    assert set(np.unique(shown)) == set(window_module.CHEQUERS)
    assert shown[0, 0, 0] != shown[0, 20, 0]


def test_pictures_keep_their_proportions():
    assert fitted(plain(9, 100, 50), 200, 100).shape == (100, 50, 3)
    assert fitted(plain(9, 50, 100), 50, 90).shape == (25, 50, 3)
    assert fitted(plain(9, 50, 100), 1, 1).shape[1] == 1
    assert len(ppm(plain(9, 3, 5))) == len(b"P6 5 3 255\n") + 45
