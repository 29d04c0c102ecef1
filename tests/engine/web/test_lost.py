# SPDX-License-Identifier: GPL-3.0-or-later
"""The page when its engine is killed and comes back, and pages of others."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from semblance.protocol.messages import Announcement
from semblance.tests.engine.conftest import TOKEN
from semblance.tests.makers.engines import start_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow


class Engine:
    """An engine in a process of its own."""

    def __init__(self, home: Path, worker: tuple[str, ...]) -> None:
        self._home, self._script = home, start_script(worker, 60.0, 60.0)

    def start(self) -> Announcement:
        words = [sys.executable, "-P", "-c", self._script, "serve", "--home", str(self._home)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 300
        while (said := Announcement.read(self._home)) is None or said.process != self.process.pid:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return said

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def own_engine(tmp_path: Path, stand_in_worker: tuple[str, ...]) -> Iterator[Engine]:
    made = Engine(tmp_path / "home", stand_in_worker)
    yield made
    made.kill()


def test_the_page_goes_on_after_its_engine_was_killed(own_engine, open_page):
    said = own_engine.start()
    seen = open_page(f"http://127.0.0.1:{said.port}", token=said.token)
    seen.expected = ("net::ERR", "ERR_CONNECTION")
    page = seen.page
    page.get_by_text("No avatar yet").wait_for()
    own_engine.kill()
    page.get_by_text("The engine does not answer").wait_for()
    page.get_by_text("Trying again").wait_for()
    with page.expect_request("**/v1/**"):
        page.get_by_role("button", name="Try now").click()
    again = own_engine.start()
    assert (again.port, again.token) == (said.port, said.token)
    page.get_by_text("The engine is back").wait_for()
    page.get_by_text("The engine does not answer").wait_for(state="detached")
    page.get_by_text("No avatar yet").wait_for()


class Stranger(http.server.SimpleHTTPRequestHandler):
    """Serves a page of another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>stranger</title>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Stranger, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_pages_of_others_get_nothing(address, stranger, open_page):
    """Even one that knows the token: it may neither read answers, nor show the page in a frame of its own."""
    seen = open_page(stranger, token="")
    seen.expected = ("",)  # Chromium says what it keeps from it
    page = seen.page
    got = page.evaluate(
        """async ([address, token]) => {
            const nothing = () => "nothing";
            const read = (path, options) => fetch(address + path, options).then((answer) => answer.status, nothing);
            const frame = document.createElement("iframe");
            frame.src = address;
            document.body.append(frame);
            await new Promise((resolve) => (frame.onload = resolve));
            let inside = "nothing";
            try { inside = frame.contentDocument.title; } catch { /* it is another origin's */ }
            const socket = new WebSocket(address.replace("http", "ws") + "/v1/live");
            const live = await new Promise((resolve) => {
                socket.onopen = () => resolve("open");
                socket.onclose = () => resolve("nothing");
            });
            return [
                await read("/v1/status", { headers: { Authorization: `Bearer ${token}` } }),
                await read("/v1/jobs", { method: "POST", body: "{}", headers: { Authorization: `Bearer ${token}` } }),
                await read("/page/main.js"),
                inside && "nothing",
                live,
            ];
        }""",
        [address, TOKEN],
    )
    assert got == ["nothing"] * 5
