# SPDX-License-Identifier: GPL-3.0-or-later
"""Live motions of an engine: a file drives a person, the neutral is learnt anew, sound is recorded, ends are clean."""

from __future__ import annotations

import socket
import sys
import threading
import time
import wave
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from semblance.protocol.motions import PATH, Ended, LiveMotion, LiveSource, MotionsRequest, read_line
from semblance.tests.makers.engines import wait_until
from semblance.tests.makers.live import JAW
from semblance.tests.makers.performances import at_rest
from semblance.tests.makers.phones import FACE, live_link_packet
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.media import microphone
from semblance.tracking.performances.rest import rest_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PERSON = rest_metadata(at_rest(head=load_builtin()))


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """Half a minute of another person, whose mouth is a quarter open until it opens wholly after two seconds."""
    expression = np.zeros((750, 52))
    expression[:, JAW] = np.where(np.arange(750) < 50, 0.25, 1.0)
    whole = at_rest(750, load_builtin(), expression=expression)
    replace(whole, identity=whole.identity + 1).save(tmp_path / "take.npz")
    return tmp_path / "take.npz"


class Listener:
    """Reads a session in a thread."""

    def __init__(self, engine: Any, request: MotionsRequest) -> None:
        self.told: list[Any] = []
        self.leaving = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(engine, request))
        self._thread.start()

    def _read(self, engine: Any, request: MotionsRequest) -> None:
        with (
            httpx.Client(base_url=engine.client.base_url, headers=engine.client.headers, timeout=120) as client,
            client.stream("POST", PATH, json=asdict(request)) as answer,
        ):
            for line in answer.iter_lines():
                told = read_line(line.encode())
                self.told += [told] if told else []
                if self.leaving.is_set():
                    return

    @property
    def motions(self) -> list[LiveMotion]:
        return [each for each in self.told if isinstance(each, LiveMotion)]

    def leave(self) -> None:
        self.leaving.set()
        self._thread.join()


def test_a_file_drives_a_person_until_it_ends(engine, tmp_path):
    expression = np.zeros((13, 52))
    expression[:, JAW] = np.linspace(0, 1, 13)
    at_rest(13, load_builtin(), expression=expression).save(tmp_path / "short.npz")
    listener = Listener(engine, MotionsRequest(PERSON, stream=str(tmp_path / "short.npz")))
    wait_until(lambda: any(isinstance(each, Ended) for each in listener.told))
    listener.leave()
    assert isinstance(listener.told[0], LiveSource)
    assert listener.told[-1] == Ended("")
    assert listener.motions[-1].expression[JAW] == pytest.approx(1, abs=0.01)
    assert listener.motions[-1].time == pytest.approx(12 / 25)
    assert listener.motions[-1].state == "following"
    session = listener.told[0].session
    assert engine.client.post(f"{PATH}/{session}/neutral").status_code == 404


def test_who_leaves_ends_the_session(engine, take):
    before = threading.active_count()
    listener = Listener(engine, MotionsRequest(PERSON, stream=str(take)))
    wait_until(lambda: listener.motions)
    session = listener.told[0].session
    assert engine.client.post(f"{PATH}/{session}/neutral").json()["session"] == session
    listener.leave()
    wait_until(lambda: engine.client.post(f"{PATH}/{session}/neutral").status_code == 404)
    wait_until(lambda: not any(each.name == "live motions" for each in threading.enumerate()))
    assert threading.active_count() <= before + 2


def test_a_phone_drives_a_person(engine):
    listener = Listener(engine, MotionsRequest(PERSON, live_link=0))
    wait_until(lambda: listener.motions)
    assert listener.motions[-1].state == "looking"
    port = int(listener.told[0].name.rpartition(" ")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        for frame in range(10_000):
            values = [0.0] * FACE
            values[17] = 0.0 if frame < 20 else 1.0
            phone.sendto(live_link_packet(values, frame), ("127.0.0.1", port))
            time.sleep(0.01)
            if listener.motions[-1].expression[JAW] > 0.5:
                break
    assert listener.motions[-1].expression[JAW] > 0.5
    wait_until(lambda: listener.motions[-1].state == "lost")
    listener.leave()


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (MotionsRequest(PERSON), "one source"),
        (MotionsRequest(PERSON, camera=0, live_link=11111), "one source"),
        (MotionsRequest(PERSON, camera=97), "Camera 97 cannot be opened"),
        (MotionsRequest(PERSON, camera=-1), "no camera or port"),
        (MotionsRequest(PERSON, live_link=1 << 20), "no camera or port"),
        (MotionsRequest(PERSON, stream="/none.npz"), "none.npz"),
        (MotionsRequest(PERSON, stream="relative.mp4"), "absolute"),
        (MotionsRequest({}, camera=0), "whose head"),
        (MotionsRequest(PERSON | {"rest": PERSON["rest"] | {"expression": [1.0]}}, camera=0), "whose head"),
        (MotionsRequest(PERSON | {"head": "none"}, camera=0), "none"),
    ],
)
def test_what_cannot_be_is_a_sentence(engine, request_, sentence):
    answer = engine.client.post(PATH, json=asdict(request_))
    assert answer.status_code == 422, answer.text
    assert sentence in answer.json()["detail"]


def test_only_who_knows_the_token_goes_live(engine):
    answer = httpx.post(f"{engine.client.base_url}{PATH}", json=asdict(MotionsRequest(PERSON, camera=0)))
    assert answer.status_code == 401


@pytest.fixture
def listening(engine, take) -> Iterator[Listener]:
    """A session that has begun."""
    listener = Listener(engine, MotionsRequest(PERSON, stream=str(take)))
    wait_until(lambda: len(listener.motions) > 3)
    yield listener
    listener.leave()


def test_what_is_heard_is_recorded_in_step_with_the_source(engine, listening, tmp_path, monkeypatch):
    monkeypatch.setitem(microphone.DEVICES, sys.platform, (("lavfi", "sine=frequency=440:duration=60,arealtime"),))
    path, file = f"{PATH}/{listening.told[0].session}/sound", tmp_path / "sound.wav"
    begins = listening.motions[-1].time - 0.5
    assert engine.client.delete(path).status_code == 422
    assert engine.client.post(path, json={"file": "x.wav", "begins": 0.0}).status_code == 422
    assert engine.client.post(path, json={"file": str(file), "begins": begins}).status_code == 200
    assert "already" in engine.client.post(path, json={"file": str(file), "begins": 0.0}).json()["detail"]
    time.sleep(1.0)
    assert engine.client.delete(path).status_code == 200
    lasted = listening.motions[-1].time - begins
    with wave.open(str(file)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")[::2] / 32768
    assert len(samples) / 48000 == pytest.approx(lasted, abs=0.5)
    assert np.abs(samples[: int(0.4 * 48000)]).max() < 0.001, "what came before is silent"
    assert np.abs(samples[-4800:]).max() > 0.05


def test_the_end_of_a_session_keeps_its_sound(engine, listening, tmp_path, monkeypatch):
    monkeypatch.setitem(microphone.DEVICES, sys.platform, (("lavfi", "sine=frequency=440:duration=60,arealtime"),))
    file = tmp_path / "sound.wav"
    asked = {"file": str(file), "begins": listening.motions[-1].time}
    assert engine.client.post(f"{PATH}/{listening.told[0].session}/sound", json=asked).status_code == 200
    listening.leave()
    wait_until(file.is_file)


def test_without_a_microphone_there_is_a_sentence(engine, listening, tmp_path, monkeypatch):
    monkeypatch.setitem(microphone.DEVICES, sys.platform, (("lavfi", "nonsense"),))
    asked = {"file": str(tmp_path / "sound.wav"), "begins": 0.0}
    answer = engine.client.post(f"{PATH}/{listening.told[0].session}/sound", json=asked)
    assert answer.status_code == 422
    assert "microphone cannot be used" in answer.json()["detail"]
