# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's process: one a home folder, announced in a state file, gone when asked or when nobody uses it."""

from __future__ import annotations

import asyncio
import errno
import logging
import logging.handlers
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import uvicorn
from filelock import FileLock, Timeout

from ...common.errors import UserError
from ...common.files import write_privately
from ...common.home import Home
from ...neural.device import device_facts
from ...protocol.address import is_token
from ...protocol.jobs import Measure
from ...protocol.messages import STATE_FILE, Announcement
from ..jobs.expectations import is_measured
from ..jobs.scheduler import Scheduler
from .certificate import Identity
from .live_messages import CAMERA_HEADER, MOST_MESSAGE
from .presence import Users
from .server import LOCAL_HOSTS, create_app

LOOPBACK = "127.0.0.1"
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_LINGER = 10.0
"""How long an engine that nobody uses any more waits for the next user: renders from a command line come in turn."""
SECONDS_FOR_THE_FIRST = 60.0
"""How long it waits for its first user, who may be busy."""
SECONDS_FOR_ANOTHER_TO_LEAVE = 30.0
SECONDS_OF_IDLENESS = 60.0
"""Without jobs and requests, after which an engine that does not know how quickly its machine trains measures it."""
LEAST_TOKEN = 32
"""Characters of a token that cannot be guessed."""
PORT_FILE = "port"
"""Name of the file that keeps the port from start to start: pages that are open find the engine again."""
TOKEN_FILE = "token"
"""Name of the file, in the engine's home folder, that keeps the token from start to start."""


def serve(
    home: Home,
    port: int = 0,
    host: str = LOOPBACK,
    while_used: bool = False,
    *,
    remote: bool = False,
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve `home` until asked to stop (SIGTERM, Ctrl-C).

    Args:
        home: the engine's folder; made when absent.
        port: 0 takes the one of last time, where it is free; else the system chooses.
        host: address to listen on; beyond loopback it is served as if `remote`.
        while_used: end some seconds after the last user has gone, unless there are jobs to do; and wait for an engine
            of this home that is about to leave.
        remote: speak TLS, read no path that a request names, and tell none of this machine.
        certificate, key: PEM files to do so with; those of the home when None, which are made at first use.

    Raises:
        UserError: the certificate or its key is none; another engine serves this home, the port is in use, or the home
            cannot be written to.
    """
    home.prepare()
    remote = remote or host != LOOPBACK
    identity = identity_of(home, certificate, key) if remote else None
    patience = SECONDS_FOR_ANOTHER_TO_LEAVE if while_used else 0.0
    with only_engine(home, patience), closing(bind_again(home, host, port)) as listening, stopped_without_fault():
        with suppress(OSError):
            (home.folder / STATE_FILE).unlink()  # a killed engine's
        token = kept_token(home)
        announcement = Announcement(
            listening.getsockname()[1],
            token,
            os.getpid(),
            host=reachable(host),
            fingerprint=identity.fingerprint if identity else "",
        )
        write_log(home.log)
        scheduler, users = Scheduler(home), Users()
        app = create_app(scheduler, token, None if host != LOOPBACK else LOCAL_HOSTS, users, remote=remote)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            ssl_certfile=identity.certificate if identity else None,
            ssl_keyfile=identity.key if identity else None,
            ws_max_size=MOST_MESSAGE + CAMERA_HEADER.size,
            ws_per_message_deflate=False,  # pictures are compressed already
        )
        try:
            AnnouncedServer(config, scheduler, announcement, users if while_used else None).run([listening])
        finally:
            withdraw(home, announcement)


class AnnouncedServer(uvicorn.Server):
    """A server that announces itself once it can answer without delay; with `users`, it leaves when they have gone."""

    def __init__(
        self, config: uvicorn.Config, scheduler: Scheduler, announcement: Announcement, users: Users | None
    ) -> None:
        super().__init__(config)
        self._scheduler, self._announcement, self._users = scheduler, announcement, users

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, import PyTorch (which takes seconds, from a cold disk a minute), then say so."""
        await super().startup(sockets)
        await asyncio.to_thread(device_facts)
        if self.should_exit:
            return
        announce(self._scheduler.home, self._announcement)
        folder, said = self._scheduler.home.folder, self._announcement
        scheme = "https" if said.fingerprint else "http"
        print(
            f"The engine listens at {scheme}://{said.host}:{said.port}; its token is in {folder / STATE_FILE}.",
            flush=True,
        )
        if said.fingerprint:
            print(f"The fingerprint of its certificate is {said.fingerprint}.", flush=True)
        self._idle = asyncio.create_task(self._measure_when_idle())
        if self._users is not None:
            self._watch = asyncio.create_task(self._leave_when_unused(self._users))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let listeners to events go before waiting for connections to close."""
        withdraw(self._scheduler.home, self._announcement)
        await self._scheduler.leave()
        await super().shutdown(sockets)

    async def _measure_when_idle(self) -> None:
        idle = 0.0
        while idle < SECONDS_OF_IDLENESS:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            idle = 0.0 if self._scheduler.has_work or self.server_state.tasks else idle + SECONDS_BETWEEN_LOOKS
        if not self.should_exit and not await asyncio.to_thread(is_measured, self._scheduler.home):
            self._scheduler.submit(Measure())

    async def _leave_when_unused(self, users: Users) -> None:
        users.note()
        while users.seconds_away < (SECONDS_TO_LINGER if users.ever_present else SECONDS_FOR_THE_FIRST):
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            if self._scheduler.has_work or self.server_state.tasks:
                users.note()
        self.should_exit = True


def identity_of(home: Home, certificate: Path | None, key: Path | None) -> Identity:
    """What the engine shows to other machines.

    Raises:
        UserError: a certificate is given without its key, or the other way round; or they are none.
    """
    if certificate is None and key is None:
        return Identity.of_home(home)
    if certificate is None or key is None:
        raise UserError("A certificate and its key belong together; give both, or neither to have them made.")
    return Identity.given(certificate, key)


def kept_token(home: Home) -> str:
    """The home's token, which stays the same from start to start, so that other machines need it once.

    Whoever deletes its file gets another one at the next start. It is readable by this user only.
    """
    path = home.folder / TOKEN_FILE
    with suppress(OSError, UnicodeDecodeError):
        token = path.read_text(encoding="ascii").strip()
        if len(token) >= LEAST_TOKEN and is_token(token):
            return token
    token = secrets.token_urlsafe(32)
    write_privately(path, token)
    return token


@contextmanager
def only_engine(home: Home, patience: float = 0.0) -> Iterator[None]:
    """Hold the home's lock, which the system lets go when the process ends in whatever way.

    `patience` is for how many seconds to wait for another engine to leave.
    """
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        other = Announcement.read(home.folder)
        where = f" (process {other.process}, port {other.port})" if other else ""
        raise UserError(
            f"An engine is already running for {home.folder}{where}; use that one, or stop it first."
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_served(home: Home) -> bool:
    """Tell whether an engine runs for `home`."""
    home.prepare()
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def bind_again(home: Home, host: str, port: int) -> socket.socket:
    """Return a socket that listens: with the port 0, where it did last time if that is free. Errors as in `bind`."""
    kept = home.folder / PORT_FILE
    listening = None
    if port == 0:
        with suppress(OSError, ValueError, UserError, OverflowError):
            listening = bind(host, int(kept.read_text(encoding="ascii")))
    listening = listening or bind(host, port)
    with suppress(OSError):
        kept.write_text(str(listening.getsockname()[1]), encoding="ascii")
    return listening


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UserError: the port is taken or not allowed, or the address is not this machine's.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(f"The port {port} is in use; choose another, or leave --port out.") from None
        raise UserError(f"The engine cannot listen on {host}:{port} ({error.strerror}); choose another.") from None
    return listening


def reachable(host: str) -> str:
    """The address at which this machine reaches an engine that listens on `host`."""
    return LOOPBACK if host == "0.0.0.0" else host


def announce(home: Home, announcement: Announcement) -> None:
    """Write the state file."""
    write_privately(home.folder / STATE_FILE, announcement.to_text())


def withdraw(home: Home, announcement: Announcement) -> None:
    """Remove the state file when it is this engine's."""
    if Announcement.read(home.folder) == announcement:
        with suppress(OSError):
            (home.folder / STATE_FILE).unlink()


def write_log(path: Path) -> None:
    """Send what goes wrong to a file that does not grow without bound."""
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=1_000_000, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)


@contextmanager
def stopped_without_fault() -> Iterator[None]:
    """Let a signal to stop end the engine well: uvicorn raises it again after it has shut down."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: None) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
