# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine as on another machine: over TLS, with a home of its own, and a connection that can be slow or break."""

from __future__ import annotations

import socket
import sys
import textwrap
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import uvicorn
from semblance.common.home import Home
from semblance.engine.jobs import scheduler as scheduler_module
from semblance.engine.jobs.scheduler import Scheduler
from semblance.engine.serving.certificate import Identity
from semblance.engine.serving.server import create_app
from semblance.neural.device import device_facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a-token-of-another-machine"

WORKER = """
    import json, shutil, sys
    from dataclasses import replace
    from pathlib import Path
    from semblance.common.errors import UserError
    from semblance.common.home import default_home
    from semblance.common.progress import Progress
    from semblance.engine.jobs import tasks, worker
    from semblance.protocol.jobs import JobKind
    from semblance.tests.makers.performances import at_rest
    from semblance.tracking.heads.builtin import load_builtin

    def track(job, listener):
        listener(Progress("Tracking", 1, 1))
        if not Path(job.source).read_bytes():
            raise UserError("nothing")
        folder = Path(job.dataset)
        (folder / "image").mkdir(parents=True)
        (folder / "image" / "000001.jpg").write_bytes(Path(job.source).read_bytes()[:1000])
        (folder / "clean_plate.png").write_bytes(b"plate")
        extra = {"clean_plate": str(folder / "clean_plate.png"), "made_from": job.source}
        replace(at_rest(3, load_builtin()), source=job.source, extra=extra).save(folder / "performance.npz")
        (folder / "dataset.json").write_text(json.dumps({"size": 256, "sound": job.source}))
        return {"dataset": str(folder), "frames": 1}

    def build(job, listener):
        listener(Progress("Training", 1, 1))
        if not (Path(job.dataset) / "dataset.json").is_file():
            raise UserError(f"{job.dataset} is no dataset.")
        shutil.copyfile(default_home().parent / "trained.safetensors", job.avatar)
        return {"avatar": job.avatar, "avatar_id": Path(job.avatar).stem, "kind": "styleavatar", "time_code": 0.0}

    def reenact(job, listener):
        Path(job.out).write_bytes(Path(job.driver).read_bytes() + b" drives " + Path(job.avatar).stem.encode())
        return {"out": job.out}

    tasks.TASKS.update({JobKind.TRACK: track, JobKind.BUILD: build, JobKind.REENACT: reenact})
    worker.main()
"""
"""Its tasks are quick; what they read and write are files as the true ones' are. A build needs `trained.safetensors`
beside the engine's home.
"""


@dataclass(frozen=True)
class RemoteEngine:
    """An engine that behaves as on another machine."""

    home: Home
    port: int
    fingerprint: str

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def remote_engine(folder: Path) -> Iterator[RemoteEngine]:
    """Run an engine over TLS that reads no path and tells none."""
    home = Home(folder / "there" / "home")
    home.prepare()
    script = folder / "there" / "worker.py"
    script.write_text(textwrap.dedent(WORKER))
    identity = Identity.of_home(home)
    device_facts()  # takes seconds once, and an engine that is announced has asked
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduler_module, "WORKER", (sys.executable, "-P", str(script)))
        app = create_app(Scheduler(home), TOKEN, None, remote=True)
        config = uvicorn.Config(
            app,
            port=0,
            log_config=None,
            timeout_graceful_shutdown=1,
            ssl_certfile=identity.certificate,
            ssl_keyfile=identity.key,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield RemoteEngine(home, server.servers[0].sockets[0].getsockname()[1], identity.fingerprint)
        server.should_exit = True
        thread.join()


@dataclass
class Proxy:
    """Passes on what comes, `delay` seconds later; after `budget` bytes towards the engine it breaks the connection.

    Attributes:
        sent: bytes that were passed on towards the engine.
    """

    port: int
    delay: float = 0.0
    budget: float = float("inf")
    sent: int = 0
    taken: list[socket.socket] = field(default_factory=list)


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """Run one before a port of this machine."""
    server = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(server.getsockname()[1])

    def accept() -> None:
        with suppress(OSError):
            while True:
                near = server.accept()[0]
                far = socket.create_connection(("127.0.0.1", port))
                proxy.taken += [near, far]
                for given, made, counts in ((near, far, True), (far, near, False)):
                    threading.Thread(target=pass_on, args=(given, made, counts), daemon=True).start()

    def pass_on(given: socket.socket, made: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while piece := given.recv(1 << 16):
                time.sleep(proxy.delay)
                if counts:
                    proxy.sent += len(piece)
                    if proxy.sent > proxy.budget:
                        proxy.budget = float("inf")
                        break
                made.sendall(piece)
        for each in (given, made):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=accept, daemon=True).start()
    yield proxy
    for each in (server, *proxy.taken):
        each.close()
