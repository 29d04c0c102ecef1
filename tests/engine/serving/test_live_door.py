# SPDX-License-Identifier: GPL-3.0-or-later
"""The live door: a client at the other end of a WebSocket drives an avatar, and nothing that it says can hurt."""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from semblance.engine.serving import live_door, live_run
from semblance.engine.serving.callers import is_own
from semblance.engine.serving.live_messages import AVATAR_HEADER, CAMERA_HEADER, MOST_MESSAGE, STATES
from semblance.engine.serving.server import LOCAL_HOSTS
from semblance.tests.engine.conftest import TOKEN
from semblance.tests.makers.footage import portrait
from semblance.tests.makers.live import SIDE, StandInAvatar
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def avatar(engine, monkeypatch) -> StandInAvatar:
    """A stand-in for every avatar of the engine's home, in which there is one."""
    stand_in = StandInAvatar()
    monkeypatch.setattr(live_run, "Avatar", type("Avatar", (), {"load": staticmethod(lambda _path: stand_in)}))
    engine.home.avatar("me").write_bytes(b"a stand-in")
    return stand_in


class Client:
    """A client that acknowledges what it is shown."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.said: list[dict[str, Any]] = []
        self.pictures: list[tuple[tuple[Any, ...], np.ndarray]] = []
        self.shot, self.moment = 0, 1000.0
        self.moments: dict[int, float] = {}

    def say(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def start(self, **asked: Any) -> None:
        self.say(**{"type": "start", "token": TOKEN, "avatar": "me", "source": "controls"} | asked)

    def hear(self) -> dict[str, Any] | None:
        """The next message, if it is a text; pictures are kept."""
        message = self.connection.recv(PATIENCE)
        if isinstance(message, str):
            self.said.append(json.loads(message))
            if self.said[-1]["type"] == "started":
                self.say(type="seen", number=0)
            return self.said[-1]
        header = AVATAR_HEADER.unpack_from(message)
        picture = cv2.imdecode(np.frombuffer(message, np.uint8, offset=AVATAR_HEADER.size), cv2.IMREAD_UNCHANGED)
        self.pictures.append((header, picture))
        self.say(type="seen", number=header[4])
        return None

    def wait(self, until: Any) -> Any:
        """What `until` says of this client as soon as it says something."""
        while not (found := until(self)):
            self.hear()
        return found

    def told(self, kind: str) -> dict[str, Any]:
        """The first message of a kind."""
        return self.wait(lambda me: next((each for each in me.said if each["type"] == kind), None))

    def end(self) -> tuple[int, str]:
        """Hear to the end; return its code and sentence."""
        with pytest.raises(ConnectionClosed) as closed:
            self.wait(lambda _: False)
        close = closed.value.rcvd
        assert close is not None
        if self.said[-1:] and self.said[-1]["type"] == "ended":
            assert self.said[-1]["code"] == close.code
            assert self.said[-1]["detail"].endswith(".")
            return close.code, self.said[-1]["detail"]
        return close.code, close.reason

    def shoot_until(self, state: str, picture: np.ndarray, step: float) -> tuple[Any, ...]:
        """Send a picture, by a clock that goes on by `step` seconds, until one of the avatar is in a state."""
        for _ in range(300):
            self.shot, self.moment, before = self.shot + 1, self.moment + step, len(self.pictures)
            self.moments[self.shot] = self.moment
            self.send_picture(self.shot, self.moment, picture)
            self.wait(lambda me: len(me.pictures) > before)  # noqa: B023 (it is called in this round)
            for header, _ in self.pictures[before:]:
                if STATES[header[3]] == state and header[6]:
                    return header
        raise AssertionError(f"never {state}")

    def send_picture(self, number: int, time: float, picture: np.ndarray, quality: int = 90) -> None:
        jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        self.connection.send(CAMERA_HEADER.pack(1, 1, 0, number, time) + jpeg)


@contextmanager
def client(engine: Any, port: int | None = None, **options: Any) -> Iterator[Client]:
    """Connect to the engine's door, or to a port that leads there."""
    address = f"ws://127.0.0.1:{port or engine.client.base_url.port}/v1/live"
    options = {"open_timeout": PATIENCE, "max_size": None, "proxy": None, "compression": None} | options
    with connect(address, **options) as connection:
        yield Client(connection)


def test_sliders_move_the_avatar(engine, avatar):
    with client(engine) as page:
        page.start()
        started = page.told("started")
        assert (started["kind"], started["turns"], len(started["controls"])) == ("stand-in", True, 52)
        page.say(type="controls", time=12.5, expression={"jawOpen": 1.0})
        header, picture = page.wait(lambda me: next((each for each in me.pictures if each[1].max() > 150), None))
        assert picture.shape == (SIDE, SIDE, 3)
        page.wait(lambda me: any(header[5] == 12.5 for header, _ in me.pictures))
        assert STATES[header[3]] == "following"
        assert header[7:9] == (SIDE, SIDE)
        assert header[-1] > 0, "what it took inside the engine"
        state = page.told("state")
        assert state["words"] == "Following"
        assert state["pace"]["why"] == "The connection carries the full size and rate."
        page.say(type="stop")
        assert page.end() == (1000, "The session has ended.")


@pytest.mark.slow
def test_where_the_avatar_is_painted_slowly_the_engine_says_so_and_asks_for_fewer_pictures(engine, avatar):
    avatar.paint = lambda: time.sleep(0.15)
    with client(engine) as page:
        page.start()
        state = page.wait(
            lambda me: next((each for each in me.said if each["type"] == "state" and each["send"]["rate"] < 15), None)
        )
        assert state["pace"]["why"].startswith("The engine's computer makes ")
        assert "connection" not in state["pace"]["why"] or state["pace"]["width"] < SIDE


def test_view_look_background_and_size_change_on_the_way(engine, avatar):
    with client(engine) as page:
        page.start(view={"yaw": 10.0})
        page.wait(lambda me: me.pictures)
        first = avatar.painted[-1]
        page.say(type="set", view={"yaw": 80.0, "distance": 2.0}, background="#ff0000", size=32)
        page.wait(lambda me: me.pictures[-1][1].shape == (32, 32, 3))
        page.wait(lambda me: any(p[0, -1, 2] > 200 and p[0, -1, 0] < 60 for _, p in me.pictures))
        turned = avatar.painted[-1]
        assert turned.vertices[..., 2].mean() == pytest.approx(2 * first.vertices[..., 2].mean(), rel=0.1)
        assert turned.view[0, 0, 0] == pytest.approx(np.cos(np.radians(80)), abs=1e-3)
        assert turned.camera[0, 4] == 32
        page.say(type="set", background="transparent")
        page.wait(lambda me: me.pictures[-1][1].shape[2] == 4)
        assert page.pictures[-1][0][2] == 2, "WebP, which keeps the alpha"


@pytest.mark.slow
def test_a_camera_at_the_other_end_drives_the_avatar_and_the_loss_of_the_face_is_told(engine):
    black = np.zeros_like(portrait())
    with client(engine) as page:
        page.start(source="pictures", size=64)
        page.told("started")
        for state, picture, step in (
            ("learning", portrait(), 0.15),
            *[("following", portrait(), 0.15)] * 6,
            ("lost", black, 0.15),
            ("easing", black, 0.15),
            ("resting", black, 0.3),
        ):
            header = page.shoot_until(state, picture, step)
            assert header[5] == page.moments[header[6]]
        page.wait(lambda me: any(each.get("words") == "Face lost: at rest" for each in me.said))
        assert any(each.get("calibrating") for each in page.said)


def test_pictures_that_stop_coming_are_a_face_that_is_lost(engine):
    with client(engine) as page:
        page.start(source="pictures")
        page.told("started")
        page.send_picture(1, 5.0, portrait())
        page.wait(lambda me: len(me.pictures) >= 3)
        assert [header[6] for header, _ in page.pictures[:3]] == [1, 0, 0]


def test_a_session_leaves_no_thread(engine):
    with client(engine) as page:
        page.start(source="pictures")
        page.told("started")
        page.send_picture(1, 5.0, portrait())
        page.wait(lambda me: me.pictures)
        page.say(type="stop")
        page.end()
    with client(engine) as page:
        page.start()
        page.wait(lambda me: me.pictures)
    assert settles_after_leaving()


def settles_after_leaving() -> bool:
    deadline = time.monotonic() + PATIENCE
    names = {"read ahead", "live session"}
    while any(thread.name in names for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("asked", "code", "sentence"),
    [
        ({"token": "wrong"}, 4401, "The token is wrong"),
        ({"token": "ü"}, 4401, "The token is wrong"),
        ({"avatar": "nobody"}, 4404, "There is no such avatar"),
        ({"avatar": "../me"}, 4404, "There is no such avatar"),
        ({"type": "hello"}, 4400, "“type” is not right"),
        ({"size": 10**9}, 4400, "“size” is not right"),
        ({"background": "/etc/passwd"}, 4400, "“background” is not right"),
        ({"source": "stream"}, 4400, "none is named"),
        ({"source": "stream", "stream": "a.mp4"}, 4400, "must be an absolute path"),
        ({"source": "stream", "stream": "/no/such.mp4"}, 4422, "no/such.mp4"),
        ({"source": "camera", "camera": 77}, 4422, "Camera 77 cannot be opened"),
        ({"look": {"foreground_offset": [999, 0]}}, 4400, "Move Person"),
        ({"whatever": 1}, 4400, "whatever"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(engine, asked, code, sentence):
    with client(engine) as page:
        page.start(**asked)
        said = page.end()
    assert said[0] == code
    assert re.search(sentence, said[1]), said


@pytest.mark.parametrize("message", ["", "{", "[]", "null", "\0", "[" * 50_000, b"", b"\x01\x01", "x" * 100_000])
def test_garbage_is_refused_before_and_after_the_start(engine, message):
    with client(engine) as page:
        page.connection.send(message)
        assert page.end()[0] == 4400
    with client(engine) as page:
        page.start()
        page.told("started")
        page.connection.send(message)
        assert page.end()[0] == 4400


def test_a_picture_that_is_none_ends_the_session_and_nothing_else(engine):
    with client(engine) as page:
        page.start(source="pictures")
        page.told("started")
        page.connection.send(CAMERA_HEADER.pack(1, 1, 0, 1, 1.0) + b"no JPEG")
        assert page.end() == (4422, "A camera picture cannot be read; send JPEG.")
    with client(engine) as page:
        page.start()
        page.told("started")
        page.send_picture(1, 1.0, portrait())
        assert page.end()[0] == 4400
    assert engine.client.get("/v1/status").status_code == 200


def test_a_huge_message_is_refused(engine):
    with client(engine) as page:
        page.start(source="pictures")
        page.told("started")
        page.connection.send(bytes(MOST_MESSAGE + 1000))
        assert page.end()[0] == 1009


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", ""])
def test_another_sites_page_gets_nowhere(engine, origin):
    with pytest.raises(InvalidStatus) as refused, client(engine, origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_a_page_whose_name_was_bound_to_this_machine_gets_nowhere():
    assert is_own("localhost:80", "http://localhost:80", LOCAL_HOSTS)
    assert is_own("LOCALHOST:80", None, LOCAL_HOSTS)
    assert not is_own("evil.example", "http://evil.example", LOCAL_HOSTS)
    assert not is_own("", "http://", LOCAL_HOSTS)
    assert is_own("far.example:8765", "https://far.example:8765", None)


def test_the_engines_own_page_is_let_in(engine):
    with client(engine, origin=str(engine.client.base_url).rstrip("/")) as page:
        page.start()
        page.told("started")


def test_who_says_nothing_is_not_waited_for(engine, monkeypatch):
    monkeypatch.setattr(live_door, "SECONDS_FOR_THE_FIRST", 0.1)
    with client(engine) as page:
        assert page.end()[0] == 4408


def test_only_so_many_sessions_run_at_once(engine, monkeypatch):
    monkeypatch.setattr(live_door, "MOST_SESSIONS", 1)
    with client(engine) as first, client(engine) as second:
        first.start()
        first.told("started")
        second.start()
        assert second.end()[0] == 4429
        first.say(type="stop")
        first.end()


def test_a_fault_of_ours_is_a_sentence_and_goes_to_the_log(engine, avatar):
    def fail() -> None:
        raise ZeroDivisionError

    avatar.paint = fail
    with client(engine) as page:
        page.start()
        code, sentence = page.end()
    assert code == 4500
    assert "Semblance made a mistake (ZeroDivisionError)" in sentence
    assert "ZeroDivisionError" in engine.home.log.read_text()


def test_a_performance_on_the_engines_machine_plays_to_its_end(engine, tmp_path):
    at_rest(5, load_builtin()).save(tmp_path / "take.npz")
    with client(engine) as page:
        page.start(source="stream", stream=str(tmp_path / "take.npz"))
        assert page.end()[0] == 1000
        assert page.pictures
