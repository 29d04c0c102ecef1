# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's process: one a home folder, announced in a state file, gone when asked or when its parent is."""

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
from ...common.processes import is_alive
from ...neural.device import device_facts
from ...protocol.messages import STATE_FILE, Announcement
from ..jobs.scheduler import Scheduler
from .server import LOCAL_HOSTS, create_app

LOOPBACK = "127.0.0.1"
SECONDS_BETWEEN_LOOKS = 1.0


def serve(home: Home, port: int = 0, host: str = LOOPBACK, parent: int | None = None) -> None:
    """Serve `home` until asked to stop (SIGTERM, Ctrl-C) or until the process `parent` has gone.

    Args:
        home: the engine's folder; made when absent.
        port: 0 lets the system choose.
        host: address to listen on; only loopback keeps the token from being overheard.
        parent: process whose end ends the engine.

    Raises:
        UserError: another engine serves this home, the port is in use, or the home cannot be written to.
    """
    home.prepare()
    with only_engine(home), closing(bind(host, port)) as listening, stopped_without_fault():
        token = secrets.token_urlsafe(32)
        announcement = Announcement(listening.getsockname()[1], token, os.getpid(), host=reachable(host))
        write_log(home.log)
        scheduler = Scheduler(home)
        app = create_app(scheduler, token, None if host != LOOPBACK else LOCAL_HOSTS)
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        try:
            AnnouncedServer(config, scheduler, announcement, parent).run([listening])
        finally:
            withdraw(home, announcement)


class AnnouncedServer(uvicorn.Server):
    """A server that announces itself once it can answer without delay, and watches its parent."""

    def __init__(
        self, config: uvicorn.Config, scheduler: Scheduler, announcement: Announcement, parent: int | None
    ) -> None:
        super().__init__(config)
        self._scheduler, self._announcement, self._parent = scheduler, announcement, parent

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
        if self._parent is not None:
            self._watch = asyncio.create_task(self._leave_with_parent(self._parent))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let listeners to events go before waiting for connections to close."""
        withdraw(self._scheduler.home, self._announcement)
        await self._scheduler.leave()
        await super().shutdown(sockets)

    async def _leave_with_parent(self, parent: int) -> None:
        is_there = is_child_of if os.getppid() == parent else is_alive
        while is_there(parent):
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        self.should_exit = True


def is_child_of(parent: int) -> bool:
    """Tell whether `parent` is still this process's parent: surer than its number, which lives until it is reaped."""
    return os.getppid() == parent and is_alive(parent)


@contextmanager
def only_engine(home: Home) -> Iterator[None]:
    """Hold the home's lock, which the system lets go when the process ends in whatever way."""
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=0)
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
    """Write the state file, whole, readable by this user only."""
    with written_whole(home.folder / STATE_FILE) as partial:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        partial.write_text(announcement.to_text(), encoding="utf-8")


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
