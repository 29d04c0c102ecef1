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
from ...common.files import written_whole
from ...common.home import Home
from ...neural.device import device_facts
from ...protocol.client import is_token
from ...protocol.messages import STATE_FILE, Announcement
from ..jobs.scheduler import Scheduler
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
LEAST_TOKEN = 32
"""Characters of a token that cannot be guessed."""
TOKEN_FILE = "token"
"""Name of the file, in the engine's home folder, that keeps the token from start to start."""


def serve(home: Home, port: int = 0, host: str = LOOPBACK, while_used: bool = False) -> None:
    """Serve `home` until asked to stop (SIGTERM, Ctrl-C).

    Args:
        home: the engine's folder; made when absent.
        port: 0 lets the system choose.
        host: address to listen on; only loopback keeps the token from being overheard.
        while_used: end some seconds after the last user has gone, unless there are jobs to do; and wait for an engine
            of this home that is about to leave.

    Raises:
        UserError: another engine serves this home, the port is in use, or the home cannot be written to.
    """
    home.prepare()
    patience = SECONDS_FOR_ANOTHER_TO_LEAVE if while_used else 0.0
    with only_engine(home, patience), closing(bind(host, port)) as listening, stopped_without_fault():
        with suppress(OSError):
            (home.folder / STATE_FILE).unlink()  # a killed engine's
        token = kept_token(home)
        announcement = Announcement(listening.getsockname()[1], token, os.getpid(), host=reachable(host))
        write_log(home.log)
        scheduler, users = Scheduler(home), Users()
        app = create_app(scheduler, token, None if host != LOOPBACK else LOCAL_HOSTS, users)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
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
        print(
            f"The engine listens at http://{said.host}:{said.port}; its token is in {folder / STATE_FILE}.", flush=True
        )
        if self._users is not None:
            self._watch = asyncio.create_task(self._leave_when_unused(self._users))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let listeners to events go before waiting for connections to close."""
        withdraw(self._scheduler.home, self._announcement)
        await self._scheduler.leave()
        await super().shutdown(sockets)

    async def _leave_when_unused(self, users: Users) -> None:
        users.note()
        while users.seconds_away < (SECONDS_TO_LINGER if users.ever_present else SECONDS_FOR_THE_FIRST):
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            if self._scheduler.has_work or self.server_state.tasks:
                users.note()
        self.should_exit = True


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


def write_privately(path: Path, text: str) -> None:
    """Write a file, whole, readable by this user only."""
    with written_whole(path) as partial:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        partial.write_text(text, encoding="utf-8")


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
