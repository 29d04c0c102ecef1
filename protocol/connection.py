# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 that never waits unless told to: an exchange is sent and read in pieces, each as soon as it can be.

`http.client` waits while it connects, sends and reads, so that an engine that hangs would hang who asks. Here every
piece is a step, a step waits for nothing, and every kind of silence has its deadline. Names are looked up on a thread
beside, since systems know no other way that does not wait.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import parse_headers

from .certificates import OtherCertificate, accepting, fingerprint_of, verifying
from .host_lookup import Lookup, Place

READABLE, WRITABLE, NOW = "readable", "writable", "now"
"""What an exchange waits for: bytes to read, room to write, or nothing; else for an event."""
SECONDS_TO_CONNECT = 5.0
SECONDS_TO_MOVE = 30.0
"""An exchange breaks when nothing moves for so long while it sends, or after its answer has begun."""
SECONDS_A_STEP = 0.01
"""After this time a step hands back, though more could be sent or read at once."""
PIECE = 1 << 18
MOST_HEAD_BYTES = 1 << 16
REFUSED_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

Want = str | threading.Event
Steps = Generator[Want, None, "Reply"]


class Broken(OSError):
    """The exchange cannot go on."""


@dataclass(frozen=True)
class Reply:
    """An answer: its status, body and headers, whose names are small letters."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Connection:
    """One connection to a host, opened when it is first needed and again when it breaks.

    Where it is `secure`, the host must show the certificate of this `fingerprint`, or one that this system trusts where
    there is none; nothing is sent to any other.
    """

    def __init__(self, host: str, port: int, secure: bool, fingerprint: str = "") -> None:
        self.host, self.port, self.secure, self.fingerprint = host, port, secure, fingerprint
        self.socket: socket.socket | None = None
        self._last: Exchange | None = None

    def begin(self, exchange: Exchange) -> None:
        """Serve an exchange; an answer that is still on its way to an earlier one would be taken for its own."""
        if self._last is not None and not self._last.over:
            self.close()
        self._last = exchange

    def close(self) -> None:
        """Let go of it."""
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def still_open(self) -> bool:
        """Tell whether it is open and idle: between exchanges nothing may arrive on it but its end."""
        if self.socket is None or not ready(self.socket, READABLE, 0.0):
            return self.socket is not None
        if isinstance(self.socket, ssl.SSLSocket):
            try:
                self.socket.recv(1)
            except REFUSED_LATER:
                return True  # a ticket for later greetings, or another message that is none of an answer
            except OSError:
                return False
        return False


class Exchange:
    """A request on its way, and its answer.

    Args:
        connection: free for this exchange until it is over.
        request: head and body, as they are sent.
        most: bytes that the answer may have.

    Attributes:
        status: the answer's, as soon as its head is here; 0 before.
        sent: bytes of the request that are on their way.
    """

    def __init__(self, connection: Connection, request: bytes, most: int) -> None:
        self.status = self.sent = 0
        self._connection, self._request, self._most = connection, request, most
        connection.begin(self)
        self._steps = self._all_steps()
        self._wants: Want = NOW
        self._moved, self._patience = time.monotonic(), SECONDS_TO_CONNECT
        self._received, self._body = bytearray(), bytearray()
        self._reply: Reply | None = None
        self._trouble: Exception | None = None

    @property
    def over(self) -> bool:
        """True when the answer is here, or the exchange is broken."""
        return self._reply is not None or self._trouble is not None

    @property
    def received(self) -> int:
        """Bytes of the answer's body that are here."""
        return len(self._received) if self.status and self._reply is None else 0

    def step(self) -> bool:
        """Send and read what can be sent and read now; tell whether the exchange is over."""
        began = time.monotonic()
        while not self.over and self._can_go_on(0.0):
            self._go_on()
            if time.monotonic() - began > SECONDS_A_STEP:
                break
        return self.over

    def wait(self, seconds: float) -> Reply:
        """Return the answer; wait for it at most so long in all.

        Raises:
            OSError: the exchange is broken (also by an answer that is none, or by silence).
        """
        deadline = time.monotonic() + seconds
        while not self.over:
            left = deadline - time.monotonic()
            if left <= 0:
                self._break(Broken("no answer in time"))
            elif self._can_go_on(min(left, 0.25)):
                self._go_on()
        if self._trouble is not None:
            raise self._trouble
        assert self._reply is not None
        return self._reply

    def _can_go_on(self, seconds: float) -> bool:
        """Tell whether what is waited for has come, within some time; too long a silence breaks the exchange."""
        sock = self._connection.socket
        if isinstance(self._wants, threading.Event):
            if self._wants.wait(seconds):
                return True
        elif self._wants == NOW or sock is None or ready(sock, self._wants, seconds):
            return True
        if time.monotonic() - self._moved > self._patience:
            self._break(Broken("silence"))
        return False

    def _go_on(self) -> None:
        self._moved = time.monotonic()
        try:
            self._wants = next(self._steps)
        except StopIteration as end:
            self._reply = end.value
        except (OSError, ValueError) as error:
            self._break(error)

    def _break(self, why: Exception) -> None:
        self._trouble = why if isinstance(why, OSError) else Broken(str(why))
        self._steps.close()
        self._connection.close()

    def _all_steps(self) -> Steps:
        """Do everything; once more over a new connection when the kept one turns out to have been dead."""
        kept = self._connection.still_open()
        try:
            return (yield from self._once(kept))
        except OSError:
            if not kept or self._received:
                raise
        return (yield from self._once(False))

    def _once(self, kept: bool) -> Steps:
        if not kept:
            self._connection.close()
            self._patience = SECONDS_TO_CONNECT
            yield from self._connect()
        self._patience = SECONDS_TO_MOVE
        yield from self._send()
        self._patience = float("inf")  # how long an answer may take, who asks must know
        reply, keep = yield from self._read_reply()
        if not keep:
            self._connection.close()
        return reply

    def _connect(self) -> Generator[Want, None, None]:
        """Connect to the first of the host's addresses that listens."""
        trouble: OSError = Broken("no address")
        lookup = Lookup(self._connection.host, self._connection.port)
        while not lookup.ended.is_set():
            yield lookup.ended
        for place in lookup.found():
            try:
                yield from self._open(place)
                if self._connection.secure:
                    yield from self._greet_securely(place)
                return
            except OSError as error:
                self._connection.close()
                trouble = error
        raise trouble

    def _open(self, place: Place) -> Generator[Want, None, None]:
        """Open the connection to one address."""
        family, kind, protocol, _, where = place
        self._connection.close()
        sock = self._connection.socket = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        with suppress(BlockingIOError):
            sock.connect(where)
        yield WRITABLE
        if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise Broken(code, "no connection")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _greet_securely(self, place: Place) -> Generator[Want, None, None]:
        """Make the open connection a secure one.

        Raises:
            OtherCertificate: the host shows another certificate than it should; nothing was sent to it.
        """
        expected = self._connection.fingerprint
        if not expected:
            try:
                yield from self._shake_hands(verifying())
                return
            except ssl.SSLCertVerificationError:
                yield from self._open(place)
        yield from self._shake_hands(accepting())
        assert isinstance(self._connection.socket, ssl.SSLSocket)
        found = fingerprint_of(self._connection.socket.getpeercert(True) or b"")
        if found != expected:
            raise OtherCertificate(found)

    def _shake_hands(self, context: ssl.SSLContext) -> Generator[Want, None, None]:
        secured = context.wrap_socket(
            self._socket, server_hostname=self._connection.host, do_handshake_on_connect=False
        )
        self._connection.socket = secured
        while True:
            try:
                secured.do_handshake()
                return
            except REFUSED_LATER as later:
                yield direction(later, READABLE)

    @property
    def _socket(self) -> socket.socket:
        assert self._connection.socket is not None
        return self._connection.socket

    def _send(self) -> Generator[Want, None, None]:
        rest = memoryview(self._request)
        while rest:
            try:
                rest = rest[self._socket.send(rest[:PIECE]) :]
                self.sent = len(self._request) - len(rest)
                yield NOW
            except REFUSED_LATER as later:
                yield direction(later, WRITABLE)

    def _read_reply(self) -> Generator[Want, None, tuple[Reply, bool]]:
        """Read an answer; its second value tells whether the connection may be kept."""
        while True:
            head = yield from self._read_past(b"\r\n\r\n", MOST_HEAD_BYTES)
            status, headers = parsed_head(head)
            if status >= 200:
                self.status = status
                break
        keep = headers.get("Connection", "").lower() != "close" and head.startswith(b"HTTP/1.1")
        known = {name.lower(): value for name, value in headers.items()}
        if status == 204 or self._request.startswith(b"HEAD "):
            return Reply(status, b"", known), keep
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            return Reply(status, (yield from self._read_chunks()), known), keep
        if (length := headers.get("Content-Length")) is not None:
            return Reply(status, (yield from self._read_exactly(int(length))), known), keep
        while (yield from self._read_more()):
            pass
        return Reply(status, bytes(self._received), known), False

    def _read_chunks(self) -> Generator[Want, None, bytes]:
        self._body.clear()
        while True:
            size = int((yield from self._read_past(b"\r\n", MOST_HEAD_BYTES)).partition(b";")[0], 16)
            if size == 0:
                while (yield from self._read_past(b"\r\n", MOST_HEAD_BYTES)) != b"\r\n":
                    pass
                return bytes(self._body)
            if len(self._body) + size > self._most:
                raise Broken("the answer is too large")
            self._take((yield from self._read_exactly(size + 2))[:-2])

    def _take(self, chunk: bytes) -> None:
        """Keep a chunk of the answer."""
        self._body += chunk

    def _read_past(self, mark: bytes, most: int) -> Generator[Want, None, bytes]:
        """Read until a mark has come; return what is before it, and the mark."""
        while (place := self._received.find(mark)) < 0:
            if len(self._received) > most:
                raise Broken("the answer is no HTTP")
            if not (yield from self._read_more()):
                raise Broken("the answer is cut short")
        return self._taken(place + len(mark))

    def _read_exactly(self, count: int) -> Generator[Want, None, bytes]:
        if not 0 <= count <= self._most + 2:
            raise Broken("the answer is too large")
        while len(self._received) < count:
            if not (yield from self._read_more()):
                raise Broken("the answer is cut short")
        return self._taken(count)

    def _taken(self, count: int) -> bytes:
        taken = bytes(memoryview(self._received)[:count])
        del self._received[:count]
        return taken

    def _read_more(self) -> Generator[Want, None, int]:
        """Read a piece; return its length, 0 at the end of the connection."""
        while True:
            try:
                piece = self._socket.recv(PIECE)
                break
            except REFUSED_LATER as later:
                yield direction(later, READABLE)
        self._patience = SECONDS_TO_MOVE
        self._received += piece
        if len(self._received) > self._most + MOST_HEAD_BYTES:
            raise Broken("the answer is too large")
        yield NOW
        return len(piece)


class LineExchange(Exchange):
    """An exchange whose answer comes in chunks of lines, for as long as it lasts; `most` is the bytes of a line."""

    def __init__(self, connection: Connection, request: bytes, most: int) -> None:
        super().__init__(connection, request, most)
        self._lines: list[bytes] = []

    def lines(self) -> list[bytes]:
        """Return the whole lines, without their ends, that have come since the last time."""
        came, self._lines = self._lines, []
        return came

    def _take(self, chunk: bytes) -> None:
        super()._take(chunk)
        if self.status == 200 and b"\n" in chunk:
            *whole, rest = bytes(self._body).split(b"\n")
            self._lines += whole
            self._body[:] = rest


def direction(later: Exception, otherwise: str) -> str:
    """What a socket that cannot go on now waits for."""
    if isinstance(later, ssl.SSLWantReadError):
        return READABLE
    return WRITABLE if isinstance(later, ssl.SSLWantWriteError) else otherwise


def ready(sock: socket.socket, wants: str, seconds: float) -> bool:
    """Tell whether a socket can be read or written, waiting at most so long; one that failed can."""
    read, write = ([sock], []) if wants == READABLE else ([], [sock])
    return any(select.select(read, write, [sock], seconds))


def parsed_head(head: bytes) -> tuple[int, Message]:
    """The status and the headers of an answer. Raises ValueError for what is none."""
    first, _, rest = head.partition(b"\r\n")
    version, _, said = first.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError("the answer is no HTTP")
    return int(said[:3]), parse_headers(io.BytesIO(rest))
