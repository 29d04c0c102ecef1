# SPDX-License-Identifier: GPL-3.0-or-later
"""A session over a connection that carries less than it would send: it sends less, says so, and nothing queues.

A proxy counts the bytes that it lets through. How the pace follows is tested by a simulated clock in `test_pacing`.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing, suppress
from typing import Any

import numpy as np
import pytest
from semblance.engine.live import pacing
from semblance.engine.serving import live_run
from semblance.protocol.pictures import Pictures
from semblance.tests.engine.serving.test_live_door import client
from semblance.tests.makers.live import StandInAvatar

BYTES_A_SECOND = 12_000
STEP = 0.01

pytestmark = pytest.mark.slow


class Proxy:
    """Hands bytes over between a client and the engine, those to the client no faster than `BYTES_A_SECOND`."""

    def __init__(self, port: int) -> None:
        self._engine = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.carried = 0
        self.waiting = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self._listening.accept()
            engine = socket.create_connection(("127.0.0.1", self._engine))
            threading.Thread(target=self._up, args=(client, engine), daemon=True).start()
            self._down(engine, client)

    def _up(self, client: socket.socket, engine: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                engine.sendall(data)
            engine.shutdown(socket.SHUT_WR)

    def _down(self, engine: socket.socket, client: socket.socket) -> None:
        """Read all that comes at once, and hand over what may go: what waits is the network's queue."""
        waiting = bytearray()
        engine.settimeout(STEP)
        last = time.monotonic()
        while True:
            with suppress(TimeoutError):
                data = engine.recv(1 << 20)
                if not data:
                    break
                waiting += data
            now = time.monotonic()
            share = int(BYTES_A_SECOND * (now - last))
            if share:
                last = now
                client.sendall(waiting[:share])
                self.carried += len(waiting[:share])
                del waiting[:share]
            self.waiting = len(waiting)
        client.sendall(waiting)
        client.close()


def test_less_is_sent_where_less_gets_through_and_the_client_is_told(engine, monkeypatch):
    avatar = StandInAvatar()
    monkeypatch.setattr(avatar, "render", noisy())
    monkeypatch.setattr(live_run, "Avatar", type("Avatar", (), {"load": staticmethod(lambda _path: avatar)}))
    engine.home.avatar("me").write_bytes(b"a stand-in")
    with closing(Proxy(engine.client.base_url.port)) as proxy, client(engine, port=proxy.port) as page:
        page.start()
        page.told("started")
        longest = 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            page.say(type="controls", expression={"jawOpen": 0.5})
            page.hear()
            longest = max(longest, proxy.waiting)
            state = next((each for each in reversed(page.said) if each["type"] == "state"), None)
            if state is not None and state["pace"]["width"] < page.pictures[0][0][7]:
                break
        assert state is not None
        assert state["pace"]["width"] < page.pictures[0][0][7]
        assert "kB/s: pictures are" in state["pace"]["why"] or "is slow: pictures" in state["pace"]["why"]
        first = len(page.pictures[0][1]) * page.pictures[0][1].shape[1]
        assert longest < 3 * 3 * first, "no more than what was on the way before it was noticed"


def noisy() -> Any:
    """What has an avatar paint pictures that no file makes small."""
    random = np.random.default_rng(1)

    def render(_inputs: Any, _look: Any = None) -> Pictures:
        return Pictures(random.integers(0, 255, (1, 64, 64, 4), np.uint8))

    return render


def test_the_paces_go_down_and_are_never_larger_than_the_one_before():
    for larger, smaller in zip(pacing.PACES, pacing.PACES[1:], strict=False):
        assert smaller.share <= larger.share
        assert smaller.rate <= larger.rate
        assert smaller.cost < larger.cost
