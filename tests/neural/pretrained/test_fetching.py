# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching weights from a server of this machine's own: whole, resumed, stopped, and refused."""

from __future__ import annotations

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled, silent
from semblance.neural.pretrained.fetching import fetch
from semblance.neural.pretrained.registry import WeightFile

CONTENT = np.random.default_rng(0).bytes(900_000)


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT, from any byte on unless told not to; counts the bytes asked for."""

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range") if server.knows_ranges else None
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        server.starts.append(start)
        if start >= len(CONTENT):
            return self.send_error(416)
        if server.answers != 200:
            return self.send_error(server.answers)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : server.ends_at])
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.knows_ranges, server.starts, server.answers, server.ends_at = True, [], 200, None
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def file(server) -> WeightFile:
    url = f"http://127.0.0.1:{server.server_port}/net.pth"
    return WeightFile(("net.pth",), len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), url)


def test_a_file_is_fetched_once_with_progress(tmp_path, server, file):
    heard = []
    path = fetch(file, tmp_path / "weights", heard.append)
    assert path == tmp_path / "weights" / "net.pth"
    assert path.read_bytes() == CONTENT
    assert {progress.stage for progress in heard} == {"Fetching", "Checking"}
    assert heard[0].total == len(CONTENT)
    assert any(progress.seconds_left is not None for progress in heard)
    fetch(file, tmp_path / "weights", silent)
    assert server.starts == [0]


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_stopped_fetch_goes_on_where_it_was(tmp_path, server, file, knows_ranges):
    server.knows_ranges = knows_ranges

    def stop(progress):
        if progress.done > 300_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(file, tmp_path, stop)
    kept = (tmp_path / "net.pth.partial").stat().st_size
    assert 300_000 < kept < len(CONTENT)
    assert fetch(file, tmp_path, silent).read_bytes() == CONTENT
    assert server.starts == [0, kept if knows_ranges else 0]
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


def test_a_connection_that_ends_early_is_told_and_resumed(tmp_path, server, file):
    server.ends_at = 400_000
    with pytest.raises(UserError, match=r"not fetched whole.*goes on where it stopped"):
        fetch(file, tmp_path, silent)
    server.ends_at = None
    assert fetch(file, tmp_path, silent).read_bytes() == CONTENT
    assert server.starts == [0, 400_000]


def test_all_that_came_is_checked_after_an_interruption(tmp_path, server, file):
    (tmp_path / "net.pth.partial").write_bytes(CONTENT)
    assert fetch(file, tmp_path, silent).read_bytes() == CONTENT


def test_something_else_is_not_kept(tmp_path, file):
    (tmp_path / "net.pth.partial").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"not the published net\.pth"):
        fetch(file, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_says_no_or_nothing(tmp_path, server, file):
    server.answers = 404
    with pytest.raises(UserError, match="answered 404"):
        fetch(file, tmp_path, silent)
    nobody = WeightFile(("net.pth",), 1, "00", "http://127.0.0.1:9/net.pth")
    with pytest.raises(UserError, match="cannot be reached"):
        fetch(nobody, tmp_path, silent)


def test_a_silent_server_does_not_keep_the_user_from_stopping(tmp_path, file, monkeypatch):
    released = threading.Event()

    def say_nothing(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        released.wait(20)

    monkeypatch.setattr(Handler, "do_GET", say_nothing)

    def stop(_progress):
        raise Cancelled

    asked = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(file, tmp_path, stop)
    assert time.monotonic() - asked < 10  # and not when the server has done with waiting
    released.set()
