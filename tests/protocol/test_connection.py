# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of an engine that hangs, trickles or lies never makes the asker wait longer than it wants to."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.protocol.address import Address
from semblance.protocol.certificates import verifying
from semblance.protocol.client import CertificateChanged, Client, EngineUnreachable, UnknownCertificate
from semblance.protocol.inputs import Maps
from semblance.protocol.messages import STATE_FILE, Announcement
from semblance.tests.makers.engines import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def listening() -> Iterator[Callable[..., Client]]:
    """Make servers that do with each connection what a function says; clients for them."""
    sockets: list[socket.socket] = []
    over = threading.Event()

    def serve(does: Callable[[socket.socket, threading.Event], None]) -> Client:
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)

        def run() -> None:
            with suppress(OSError):
                while True:
                    taken = server.accept()[0]
                    sockets.append(taken)
                    threading.Thread(target=quietly, args=(taken,), daemon=True).start()

        def quietly(taken: socket.socket) -> None:
            with suppress(OSError):
                does(taken, over)

        threading.Thread(target=run, daemon=True).start()
        return Client(Address("127.0.0.1", server.getsockname()[1], "token"), seconds_to_answer=20.0)

    yield serve
    over.set()
    for each in sockets:
        each.close()


def answering(*pieces: bytes, close: bool = False) -> Callable[..., None]:
    """Answer every request with these pieces, each on its own."""

    def does(taken: socket.socket, over: threading.Event) -> None:
        while taken.recv(1 << 16):
            for piece in pieces:
                taken.sendall(piece)
                time.sleep(0.01)
            if close:
                taken.close()

    return does


def test_a_large_request_to_an_engine_that_reads_nothing_is_sent_in_pieces(listening):
    client = listening(lambda taken, over: over.wait(60))
    maps = Maps(*np.zeros((2, 40, 256, 256, 3), np.float32))
    question = client.ask_frames("a", maps)
    longest = 0.0
    for _ in range(100):
        began = time.monotonic()
        assert not question.answered()
        longest = max(longest, time.monotonic() - began)
    assert longest < 5.0, "a step waited"
    with pytest.raises(EngineUnreachable):
        question.wait_for_bytes(0.1)


def test_an_answer_that_trickles_is_not_waited_for_beyond_the_time(listening):
    def trickle(taken: socket.socket, over: threading.Event) -> None:
        taken.recv(1 << 16)
        taken.sendall(OK + b"Content-Length: 100000\r\n\r\n")
        while not over.wait(0.05):
            taken.sendall(b".")

    question = listening(trickle).ask("GET", "/")
    began = time.monotonic()
    with pytest.raises(EngineUnreachable):
        question.wait_for_bytes(0.5)
    assert time.monotonic() - began < 20.0


def test_an_answer_is_there_only_when_all_of_it_is(listening):
    go_on = threading.Event()

    def in_two(taken: socket.socket, over: threading.Event) -> None:
        taken.recv(1 << 16)
        taken.sendall(OK + b"Content-Length: 6\r\n\r\n[1")
        go_on.wait(60)
        taken.sendall(b", 2]")

    question = listening(in_two).ask("GET", "/")
    wait_until(lambda: question.begun or question.answered())
    assert not question.answered()
    go_on.set()
    wait_until(question.answered)
    assert question.wait() == [1, 2]


@pytest.mark.parametrize(
    "pieces",
    [
        (OK, b"Content-Length: 6\r\n", b"\r\n[1", b", 2]"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n", b"3;x=y\r\n 2]\r\n0\r", b"\n\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 6\r\n\r\n[1, 2]",),
    ],
)
def test_answers_come_in_any_pieces_and_the_connection_is_kept(listening, pieces):
    client = listening(answering(*pieces))
    for _ in range(3):
        assert client.ask("GET", "/").wait() == [1, 2]


def test_an_answer_may_end_with_its_connection(listening):
    client = listening(answering(OK + b"\r\n[1,", b" 2]", close=True))
    for _ in range(2):
        assert client.ask("GET", "/").wait() == [1, 2]


@pytest.mark.parametrize(
    "piece",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        OK + b"Content-Length: -5\r\n\r\n",
        OK + b"Content-Length: 99999999999999\r\n\r\n",
        OK + b"Content-Length: six\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nnone\r\n",
        b"x" * (1 << 17),
    ],
)
def test_what_is_no_answer_is_told_at_once(listening, piece):
    with pytest.raises(EngineUnreachable):
        listening(answering(piece)).ask("GET", "/").wait()


def test_a_question_that_was_given_up_does_not_get_the_next_one_s_answer(listening):
    go_on, asked = threading.Event(), []

    def slow_then_quick(taken: socket.socket, over: threading.Event) -> None:
        while request := taken.recv(1 << 16):
            path = request.split()[1]
            asked.append(path)
            if path == b"/slow":
                go_on.wait(60)
            taken.sendall(OK + b"Content-Length: 3\r\n\r\n" + (b"[0]" if path == b"/slow" else b"[1]"))

    client = listening(slow_then_quick)
    slow = client.ask("GET", "/slow")
    wait_until(lambda: slow.answered() or b"/slow" in asked)
    quick = client.ask("GET", "/quick")
    go_on.set()
    assert quick.wait() == [1]


@pytest.mark.parametrize("token", ["schlüssel", "two words", "line\n", "“quoted”"])
def test_a_token_that_is_none_is_refused_in_a_sentence(token):
    with pytest.raises(UserError, match="token"):
        Address("127.0.0.1", 9, token)


def test_a_host_that_cannot_be_one():
    with pytest.raises(UserError, match="no address"):
        Address.of_url(f"https://{'a' * 70}.example:80", "")


@pytest.mark.parametrize(
    "text", ["[]", "null", '{"port": "80"}', '{"port": 99999, "token": "a", "process": 1}', "\xff"]
)
def test_a_state_file_that_was_spoilt_announces_nothing(tmp_path, text):
    (tmp_path / STATE_FILE).write_text(text, encoding="latin-1")
    assert Announcement.read(tmp_path) is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_secure_connection(tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words, *more], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = socket.create_server(("127.0.0.1", 0))
    large = b"[" + b"1, " * 300_000 + b"1]"

    def serve() -> None:
        for _ in range(7):
            with suppress(OSError), context.wrap_socket(server.accept()[0], server_side=True) as taken:
                while taken.recv(1 << 16):
                    taken.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(large) + large)

    threading.Thread(target=serve, daemon=True).start()
    url = f"https://localhost:{server.getsockname()[1]}"
    with pytest.raises(UnknownCertificate, match="not known yet") as unknown:  # nobody vouches for it
        Client(Address.of_url(url, "")).ask("GET", "/").wait()
    found = unknown.value.found
    with pytest.raises(CertificateChanged, match="has changed") as changed:
        Client(Address.of_url(url, "", found.replace("0", "1"))).ask("GET", "/").wait()
    assert changed.value.found == found
    accepted = Client(Address.of_url(url, "", found))
    assert len(accepted.ask("GET", "/").wait()) == 300_001
    accepted.close()
    verifying.cache_clear()
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    client = Client(Address.of_url(url, ""))
    for _ in range(2):
        assert len(client.ask("GET", "/").wait()) == 300_001
        assert client.connection.still_open()
    client.close()
    verifying.cache_clear()
    server.close()


def test_a_name_that_nobody_knows_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(60))
    began = time.monotonic()
    question = Client(Address.of_url("https://gpu.example", "")).ask("GET", "/")
    for _ in range(10):
        assert not question.answered()
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("url", ["http://192.168.1.20:8765", "http://gpu.example"])
def test_plain_http_to_another_machine_is_refused_in_one_sentence(url):
    with pytest.raises(UserError, match="unprotected; write https://"):
        Address.of_url(url, "token")
