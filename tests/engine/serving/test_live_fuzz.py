# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a client says at the live door, it is answered in a sentence at most, and the engine goes on."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from typing import Any

import cv2
import hypothesis
import pytest
from hypothesis import strategies
from semblance.engine.serving import live_run
from semblance.engine.serving.live_messages import CAMERA_HEADER
from semblance.protocol.messages import VERSION
from semblance.tests.engine.conftest import TOKEN
from semblance.tests.makers.footage import portrait
from semblance.tests.makers.live import StandInAvatar
from semblance.tracking.live.motion import Motion
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

SECONDS = float(os.environ.get("SEMBLANCE_FUZZ_SECONDS", "8"))
MOST_AT_ONCE = 12
CODES = {1000, 1007, 1009, 4400, 4401, 4404, 4422, 4429}
JPEG = cv2.imencode(".jpg", portrait())[1].tobytes()
START = {"type": "start", "token": TOKEN, "avatar": "me", "source": "controls"}

pytestmark = pytest.mark.slow

numbers = strategies.one_of(strategies.integers(), strategies.floats(), strategies.sampled_from([0, 1, -1, 1e300]))
values = strategies.recursive(
    strategies.one_of(strategies.none(), strategies.booleans(), numbers, strategies.text(max_size=20)),
    lambda inner: strategies.one_of(
        strategies.lists(inner, max_size=4), strategies.dictionaries(strategies.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = {
    "size": strategies.integers(32, 1024),
    "rate": strategies.floats(1, 60),
    "view": strategies.fixed_dictionaries({}, optional={"yaw": strategies.floats(-180, 180), "distance": numbers}),
    "background": strategies.sampled_from(["own", "avatar", "transparent", "#123456"]),
    "look": strategies.fixed_dictionaries({}, optional={"time_code": strategies.floats(0, 1)}),
    "show_driver": strategies.booleans(),
}
settings = strategies.fixed_dictionaries({}, optional={name: good | values for name, good in FIELDS.items()})
good_settings = strategies.fixed_dictionaries({}, optional=FIELDS)
controls = strategies.fixed_dictionaries(
    {"type": strategies.just("controls")},
    optional={
        "expression": strategies.dictionaries(strategies.sampled_from(["jawOpen", "mouthPucker", "x"]), numbers),
        "rotation": strategies.lists(numbers, max_size=4),
        "translation": strategies.tuples(*[strategies.floats(-1, 1)] * 3),
        "gaze": strategies.lists(strategies.lists(strategies.floats(-50, 50), max_size=3), max_size=3),
        "time": numbers,
    },
)
said = strategies.one_of(
    values,
    controls,
    settings.map(lambda each: {"type": "set", **each}),
    good_settings.map(lambda each: {"type": "set", **each}),
    strategies.integers(0, 2**33).map(lambda number: {"type": "seen", "number": number}),
    strategies.just({"type": "stop"}),
    strategies.just(START),
).map(json.dumps)
good = strategies.one_of(
    good_settings.map(lambda each: {"type": "set", **each}),
    strategies.integers(0, 100).map(lambda number: {"type": "seen", "number": number}),
    strategies.dictionaries(strategies.sampled_from(["jawOpen", "mouthPucker"]), strategies.floats(0, 1)).map(
        lambda values: {"type": "controls", "expression": values, "time": 1.0}
    ),
).map(json.dumps)
pictures = strategies.builds(
    lambda version, kind, number, time, file, cut: CAMERA_HEADER.pack(version, kind, 0, number, time) + file[:cut],
    strategies.sampled_from([1, 1, 1, 0, 255]),
    strategies.sampled_from([1, 1, 1, 2]),
    strategies.integers(0, 2**32 - 1),
    strategies.floats(),
    strategies.sampled_from([JPEG, JPEG, b"", b"\xff\xd8\xff", JPEG[:200] + bytes(4000)]),
    strategies.integers(0, len(JPEG)) | strategies.just(len(JPEG)),
)
messages = strategies.one_of(
    said, good, good, good, pictures, strategies.binary(max_size=64), strategies.text(max_size=64)
)
starts = strategies.one_of(
    strategies.sampled_from([{}, {}, {"source": "pictures"}, {"source": "pictures"}]),
    good_settings,
    settings,
    strategies.dictionaries(strategies.sampled_from(["source", "avatar", "token", "stream", "camera"]), values),
).map(lambda each: json.dumps(START | each))


def test_the_door_stands_whatever_is_said(engine, monkeypatch):
    monkeypatch.setattr(live_run, "Avatar", type("Avatar", (), {"load": staticmethod(lambda _path: StandInAvatar())}))
    monkeypatch.setattr(live_run, "TrackedFace", Untracked)  # what MediaPipe bears is not asked here, and it is slow
    engine.home.avatar("me").write_bytes(b"a stand-in")
    address = str(engine.client.base_url).replace("http", "ws").rstrip("/") + "/v1/live"
    codes: dict[int, int] = {}
    asked, deadline = 0, time.monotonic() + SECONDS

    @hypothesis.settings(max_examples=round(30 * SECONDS), deadline=None, database=None, derandomize=True,
                         suppress_health_check=list(hypothesis.HealthCheck))  # fmt: skip
    @hypothesis.given(
        first=strategies.one_of(starts, starts, starts, messages),
        further=strategies.lists(messages, max_size=MOST_AT_ONCE),
    )
    def talk(first: Any, further: list[Any]) -> None:
        nonlocal asked
        if time.monotonic() > deadline:
            return
        with connect(address, open_timeout=60, proxy=None, compression=None, max_size=None) as connection:
            with suppress(ConnectionClosed):
                for message in [first, *further, json.dumps({"type": "stop"})]:
                    connection.send(message)
                    asked += 1
                while True:
                    connection.recv(60)
            close = connection.protocol.close_rcvd
            assert close is not None
            codes[close.code] = codes.get(close.code, 0) + 1
            assert close.code in CODES, (close, first, further)

    talk()
    print(f"{asked} messages, {codes}")
    assert asked > 50
    assert {1000, 4400} <= set(codes)
    assert engine.client.get("/v1/status").json()["protocol"] == VERSION
    until = time.monotonic() + 60
    while any(thread.name in ("live session", "read ahead") for thread in threading.enumerate()):
        assert time.monotonic() < until, "a thread was left"
        time.sleep(0.05)


class Untracked:
    """Decodes what a client's camera saw and follows no face in it."""

    def __init__(self, source: Any, _head: Any, _clock: Any) -> None:
        self.source = source
        self.name, self.fps = source.name, source.fps

    def motions(self, _dropped: Any) -> Any:
        for shot in self.source.shots():
            yield Motion(shot.time, shot.captured, "looking", None, shot.image)
