# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine to test against: the real server and scheduler in a thread, real worker processes with stand-in tasks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from semblance.common.home import Home
from semblance.engine.jobs import scheduler as scheduler_module
from semblance.engine.jobs.scheduler import Scheduler
from semblance.engine.serving.server import create_app
from semblance.protocol.messages import Job
from semblance.tests.makers.engines import stand_in_worker_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "a-token-for-tests"


@pytest.fixture(scope="session")
def stand_in_worker(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The command of a worker whose tasks only pretend, by the name of their source: crash, fault, deaf, long, ..."""
    return stand_in_worker_in(tmp_path_factory.mktemp("worker"))


@dataclass(frozen=True)
class RunningEngine:
    """An engine in a thread of the tests, and a client that knows its token."""

    home: Home
    scheduler: Scheduler
    client: httpx.Client

    def submit(self, source: str, kind: str = "track") -> Job:
        """Queue a stand-in task."""
        places = {
            "track": {"source": f"/{source}", "dataset": "out"},
            "build": {"dataset": f"/{source}", "avatar": "a"},
        }
        answer = self.client.post("/v1/jobs", json={"kind": kind, "parameters": places[kind]})
        assert answer.status_code == 201, answer.text
        return Job.from_json(answer.json())

    def job(self, job: Job) -> Job:
        """The job as it stands."""
        return Job.from_json(self.client.get(f"/v1/jobs/{job.id}").json())

    def wait(self, job: Job, until: Callable[[Job], bool] = lambda job: job.state.ended, seconds: float = 300.0) -> Job:
        """The job as soon as `until` holds."""
        deadline = time.monotonic() + seconds
        while not until(job := self.job(job)):
            assert time.monotonic() < deadline, f"waited in vain: {job}"
            time.sleep(0.02)
        return job


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, stand_in_worker: tuple[str, ...]) -> Iterator[RunningEngine]:
    """A running engine on a port of the system's choice."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduler_module, "WORKER", stand_in_worker)
        patch.setattr(scheduler_module, "SECONDS_TO_HEAR", 60.0)  # a busy machine wakes a worker late
        patch.setattr(scheduler_module, "SECONDS_TO_CLEAN_UP", 60.0)
        scheduler = Scheduler(home)
        server = uvicorn.Server(uvicorn.Config(create_app(scheduler, TOKEN), port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=300, trust_env=False) as client:
            yield RunningEngine(home, scheduler, client)
        server.should_exit = True
        thread.join()
