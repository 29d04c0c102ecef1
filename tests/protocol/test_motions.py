# SPDX-License-Identifier: GPL-3.0-or-later
"""Live motions on the wire: lines come as they are sent, and what is none of ours is refused."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import asdict

import pytest
from semblance.common.errors import UserError
from semblance.protocol.address import Address
from semblance.protocol.client import Client, EngineRefused, EngineUnreachable, NotAnEngine
from semblance.protocol.motions import (
    HEARTBEAT,
    MOST_LINE_BYTES,
    Ended,
    LiveMotion,
    LiveSource,
    MotionsQuestion,
    MotionsRequest,
    ask_motions,
    line_of,
    read_line,
)

SOURCE = LiveSource("abc", "a test", 25.0)
MOTION = LiveMotion(1.5, 0.03, "following", (0.5,) * 52, (1.0, 0, 0, 0, 1, 0, 0, 0, 1), (0, 0, 0.9), (0.1, 0, 0.1, 0))
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def question(*pieces: bytes) -> MotionsQuestion:
    """Ask a server that sends these pieces, each a while after the other, and then closes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server, server.accept()[0] as taken:
            taken.recv(1 << 16)
            for each in pieces:
                taken.sendall(each)
                time.sleep(0.02)

    threading.Thread(target=serve, daemon=True).start()
    client = Client(Address("127.0.0.1", server.getsockname()[1], "token"))
    return ask_motions(client, MotionsRequest({}, camera=0))


def told(asked: MotionsQuestion) -> list:
    """All that comes, until it ends."""
    came: list = []
    deadline = time.monotonic() + 60
    while not (came and isinstance(came[-1], Ended)):
        assert time.monotonic() < deadline
        began = time.monotonic()
        came += asked.told()
        assert time.monotonic() - began < 5, "it waited"
        time.sleep(0.002)
    return came


def test_what_is_told_is_read_back():
    for each in (SOURCE, MOTION, Ended("why")):
        assert read_line(line_of(each)) == each
    assert read_line(HEARTBEAT) is None


def test_lines_are_read_as_they_come_however_they_are_cut():
    lines = line_of(SOURCE) + HEARTBEAT + line_of(MOTION)
    pieces = [HEAD, chunk(lines[:40]), chunk(lines[40:90])[:20], chunk(lines[40:90])[20:], chunk(lines[90:])]
    asked = question(*pieces, chunk(line_of(MOTION) + line_of(Ended())), b"0\r\n\r\n")
    assert told(asked) == [SOURCE, MOTION, MOTION, Ended()]


def test_an_answer_that_ends_without_a_word_is_an_end():
    assert told(question(HEAD, chunk(line_of(SOURCE)), b"0\r\n\r\n"))[0] == SOURCE


def test_a_refusal_is_the_engines_sentence():
    body = json.dumps({"detail": "Camera 0 cannot be opened."}).encode()
    head = f"HTTP/1.1 422 No\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with pytest.raises(EngineRefused, match="Camera 0"):
        told(question(head + body))


def test_an_engine_that_dies_is_told():
    with pytest.raises(EngineUnreachable):
        told(question(HEAD, chunk(line_of(SOURCE))))


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"[1]",
        b'{"other": {}}',
        b'{"motion": {}}',
        b'{"open": {}, "motion": {}}',
        line_of(MOTION).replace(b"0.5", b"NaN"),
        line_of(MOTION).replace(b"following", b"dancing"),
        line_of(MOTION).replace(b"0.9", b'"x"'),
        json.dumps({"motion": asdict(MOTION) | {"gaze": [1, 2]}}).encode(),
    ],
)
def test_other_lines_are_refused(line):
    with pytest.raises(NotAnEngine):
        told(question(HEAD, chunk(line.strip() + b"\n")))


def test_a_line_without_end_is_refused():
    with pytest.raises(UserError):
        told(question(HEAD, *(chunk(b"x" * 16384) for _ in range(MOST_LINE_BYTES // 16384 + 2))))
