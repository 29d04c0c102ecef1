# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's endpoints, version 1 (see `protocol`): a FastAPI application over a home folder."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...neural.device import device_facts
from ...protocol.arrays import ARRAYS_TYPE, pack_arrays
from ...protocol.messages import VERSION, AvatarInfo, DatasetInfo, Job, JobState, Made, Status
from ..jobs.file_store import FileStore
from ..jobs.references import materialised, refuse_paths
from ..jobs.requests import AnySubmission, resolved
from ..jobs.results import Datasets, made_by
from ..jobs.scheduler import Scheduler
from ..jobs.worker import LOG_FILE
from .avatar_cache import AvatarCache, avatar_info
from .callers import is_own, name_in
from .downloads import add_downloads
from .files import MOST_PIECE, add_files, store_of
from .frames import MOST_BYTES, FramesRequest
from .job_endpoints import add_job_endpoints
from .known import BINARY, KnownAvatar, KnownJob, avatars_of, scheduler_of
from .live_door import LiveDoor, add_live
from .live_motions import add_live_motions
from .page import add_page, is_of_page
from .pinning import add_pinning
from .posing import add_pictures
from .presence import PresenceAnswer, Users
from .refusals import REFUSALS, add_refusals, arrays_body, problem, shown_by
from .verifying import MOST_BYTES as MOST_VERIFIED_BYTES
from .verifying import add_verifying
from .visibility import Discreet, Plain

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names by which this machine's own programs call an engine on loopback."""
SECONDS_BETWEEN_HEARTBEATS = 5.0
MOST_JOBS = 1000
"""Jobs in one answer."""
MOST_JSON_BYTES = 1 << 20
MOST_LOG_BYTES = 1 << 16
TEXT: dict[str, dict[str, Any]] = {"text/plain": {"schema": {"type": "string"}}}
OF_THE_JOB = {
    operation: {"operationId": operation, "parameters": {"id": "$response.body#/id"}}
    for operation in (
        *("job", "cancel", "retry", "finish", "sooner", "later", "remove"),
        *("events", "preview", "curve", "log", "files"),
    )
}
"""What can be asked about the job in an answer, in OpenAPI's words."""
PICTURE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


class Application(FastAPI):
    """FastAPI, whose contract says that refusals are JSON also where an endpoint answers with something else."""

    def openapi(self) -> dict[str, Any]:
        """See `FastAPI.openapi`."""
        contract = super().openapi()
        operations = [operation for methods in contract["paths"].values() for operation in methods.values()]
        for code, response in [each for operation in operations for each in operation["responses"].items()]:
            if code.startswith("4"):
                response["content"] = {"application/json": next(iter(response["content"].values()))}
        return contract


def create_app(
    scheduler: Scheduler,
    token: str,
    hosts: frozenset[str] | None = LOCAL_HOSTS,
    users: Users | None = None,
    *,
    remote: bool = False,
) -> FastAPI:
    """Return the application that serves the scheduler's home to whoever knows `token`.

    `hosts` are the names under which it may be asked (a foreign page may rebind its own name to this machine); None
    lets every name in. `users` is told who uses it. To clients on other machines (`remote`) no path of this one is
    told, and none that they name is read.
    """
    avatars, users = AvatarCache(scheduler.home), users or Users()
    files = FileStore(scheduler.home.files, scheduler.files_needed)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        scheduler.start()
        await asyncio.to_thread(files.clean)
        yield
        await scheduler.leave()
        scheduler.store.close()
        avatars.close()

    app = Application(
        title="Semblance engine",
        version=str(VERSION),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=REFUSALS,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(HTTPBearer(auto_error=False))],
    )
    app.state.scheduler, app.state.avatars, app.state.users = scheduler, avatars, users
    app.state.files, app.state.datasets = files, Datasets(scheduler.home.datasets)
    app.state.remote, app.state.shown = remote, Discreet(scheduler.home, files) if remote else Plain()
    app.add_middleware(Gate, token=token, hosts=hosts, users=users)
    add_refusals(app)
    add_status(app)
    add_jobs(app)
    add_job_endpoints(app)
    add_avatars(app)
    add_downloads(app)
    add_pictures(app)
    add_pinning(app)
    add_verifying(app)
    add_page(app)
    add_files(app)
    add_live(app, LiveDoor(avatars, users, token, hosts, scheduler.home.log))
    add_live_motions(app)
    return app


def add_status(app: FastAPI) -> None:
    """Add the endpoint that says what this engine is."""

    @app.get("/v1/status")
    async def status(request: Request) -> Status:
        facts = await asyncio.to_thread(device_facts)
        store = scheduler_of(request).store
        status = Status(
            version=version("semblance"),
            protocol=VERSION,
            device=facts.device,
            device_name=facts.name,
            torch=facts.torch,
            fallbacks=list(facts.fallbacks),
            home=str(scheduler_of(request).home.folder),
            process=os.getpid(),
            jobs_running=len(store.in_state(JobState.RUNNING, JobState.CANCELLING)),
            jobs_queued=len(store.in_state(JobState.QUEUED)),
        )
        return shown_by(request).status(status)

    @app.get("/v1/presence", response_class=Response, responses={200: {"content": TEXT}})
    async def presence(request: Request) -> Response:
        return PresenceAnswer(request.app.state.users, scheduler_of(request))


def add_jobs(app: FastAPI) -> None:
    """Add the endpoints of jobs."""

    @app.post("/v1/jobs", status_code=201, responses={201: {"links": OF_THE_JOB}})
    async def submit(request: Request, asked: Annotated[AnySubmission, Body()]) -> Job:
        scheduler = scheduler_of(request)
        if request.app.state.remote:
            refuse_paths(asked.parameters)
        job = await asyncio.to_thread(materialised, asked.parameters, scheduler.home, store_of(request))
        return shown_by(request).job(scheduler.submit(resolved(job, scheduler.home)).job)

    @app.get("/v1/jobs")
    async def jobs(request: Request, most: Annotated[int, Query(ge=1, le=MOST_JOBS)] = MOST_JOBS) -> list[Job]:
        return [shown_by(request).job(record.job) for record in scheduler_of(request).store.newest(most)]

    @app.get("/v1/jobs/{id}")
    async def job(request: Request, record: KnownJob) -> Job:
        return shown_by(request).job(record.job)

    @app.post("/v1/jobs/{id}/cancel")
    async def cancel(request: Request, record: KnownJob) -> Job:
        return shown_by(request).job((scheduler_of(request).cancel(record.job.id) or record).job)

    @app.post("/v1/jobs/{id}/retry", status_code=201, responses={201: {"links": OF_THE_JOB}})
    async def retry(request: Request, record: KnownJob) -> Job:
        return shown_by(request).job(scheduler_of(request).retry(record).job)

    @app.get("/v1/jobs/{id}/log", response_class=PlainTextResponse)
    async def log(request: Request, record: KnownJob) -> str:
        said = await asyncio.to_thread(end_of, scheduler_of(request).home.job(record.job.id) / LOG_FILE)
        return shown_by(request).text(said)

    @app.get("/v1/jobs/{id}/files", name="files")
    async def files(request: Request, record: KnownJob) -> list[Made]:
        return await asyncio.to_thread(made_by, record.job, scheduler_of(request).home, store_of(request))

    @app.get("/v1/datasets")
    async def datasets(request: Request) -> list[DatasetInfo]:
        known: Datasets = request.app.state.datasets
        return await asyncio.to_thread(known.infos)

    @app.get("/v1/jobs/{id}/events", response_class=EventSourceResponse)
    async def events(
        request: Request, record: KnownJob, last_event_id: Annotated[str, Header()] = ""
    ) -> AsyncIterator[ServerSentEvent]:
        async for event in events_of(scheduler_of(request), shown_by(request), record.job.id, last_event_id):
            yield event

    @app.get("/v1/jobs/{id}/preview", response_class=Response, responses=pictures())
    async def preview(record: KnownJob) -> Response:
        picture = Path(record.picture)
        try:
            content = await asyncio.to_thread(picture.read_bytes)
        except OSError:
            raise HTTPException(404, f"The job {record.job.id} has no preview yet; ask again later.") from None
        return Response(
            content, media_type=PICTURE_TYPES[picture.suffix.lower()], headers={"Cache-Control": "no-store"}
        )


def add_avatars(app: FastAPI) -> None:
    """Add the endpoints of avatars."""

    @app.get("/v1/avatars")
    async def avatars(request: Request) -> list[AvatarInfo]:
        found = await asyncio.to_thread(avatars_of(request).infos)
        return [shown_by(request).avatar(each) for each in found]

    @app.get("/v1/avatars/{id}")
    async def avatar(request: Request, path: KnownAvatar) -> AvatarInfo:
        return shown_by(request).avatar(await asyncio.to_thread(avatar_info, path))

    @app.post(
        "/v1/avatars/{id}/frames",
        response_class=Response,
        responses={200: {"content": {ARRAYS_TYPE: BINARY}}},
        openapi_extra={"requestBody": {"required": True, "content": {ARRAYS_TYPE: BINARY}}},
    )
    async def frames(request: Request, path: KnownAvatar) -> Response:
        body = await arrays_body(request)
        asked = await asyncio.to_thread(FramesRequest.read, body)
        shown = await avatars_of(request).render(path, asked)
        return Response(await asyncio.to_thread(pack_arrays, **shown.arrays()), media_type=ARRAYS_TYPE)

    @app.get("/v1/avatars/{id}/splats", response_class=Response, responses={200: {"content": {ARRAYS_TYPE: BINARY}}})
    async def splats(request: Request, path: KnownAvatar) -> Response:
        cloud = await avatars_of(request).splats(path)
        return Response(await asyncio.to_thread(pack_arrays, **cloud.arrays()), media_type=ARRAYS_TYPE)


def pictures() -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of an endpoint that answers with a picture."""
    return {200: {"content": dict.fromkeys(sorted(set(PICTURE_TYPES.values())), BINARY)}}


async def events_of(scheduler: Scheduler, shown: Plain, name: str, last_seen: str) -> AsyncIterator[ServerSentEvent]:
    """Yield the job whenever it changes, and heartbeats between, until it has ended or the engine leaves.

    `last_seen` is the id of the last event that the listener knows; what it already knows is not repeated.
    """
    revision = int(last_seen) if last_seen.isdecimal() else -1
    while True:
        change = scheduler.change()
        record = scheduler.store.get(name)
        if record is None:  # removed meanwhile
            return
        if record.revision != revision or record.job.state.ended:
            revision = record.revision
            yield ServerSentEvent(data=shown.job(record.job).to_json(), event="job", id=str(revision))
        if record.job.state.ended or scheduler.leaving:
            return
        try:
            await asyncio.wait_for(change.wait(), SECONDS_BETWEEN_HEARTBEATS)
        except TimeoutError:
            yield ServerSentEvent(comment="heartbeat")


def end_of(path: Path) -> str:
    """The last of what a log holds; nothing when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MOST_LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def limited(receive: Receive, most: int) -> Receive:
    """Read a body as `receive` does, and refuse it as soon as it is known to be too large."""
    had = 0

    async def receive_limited() -> Message:
        nonlocal had
        message = await receive()
        had += len(message.get("body", b""))
        if had > most:
            raise HTTPException(413, too_large(most))
        return message

    return receive_limited


def most_bytes(path: str) -> int:
    """How large the body of a request to this path may be."""
    if path.startswith("/v1/files/"):
        return MOST_PIECE
    if path == "/v1/verify":
        return MOST_VERIFIED_BYTES
    return MOST_BYTES if path.endswith("/frames") else MOST_JSON_BYTES


def too_large(most: int) -> str:
    """Say that a request is too large."""
    return f"The request is larger than {most} bytes; send less at once."


class Gate:
    """Lets in only who asks under one of the right names, knows the token and sends no more than is needed.

    Starlette's `TrustedHostMiddleware` answers in plain text and cannot tell "[::1]:8765" from "[".
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str] | None, users: Users) -> None:
        self._app, self._expected, self._hosts, self._users = app, f"Bearer {token}".encode(), hosts, users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or refuse it."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            most = most_bytes(scope["path"])
            refused = self._refusal(headers, is_of_page(scope["method"], scope["path"]))
            if refused is None and int(headers.get(b"content-length", 0)) > most:
                refused = problem(413, too_large(most))
            if refused is not None:
                await refused(scope, receive, send)
                return
            self._users.note()
            receive = limited(receive, most)
        await self._app(scope, receive, send)

    def _refusal(self, headers: Mapping[bytes, bytes], is_open: bool) -> JSONResponse | None:
        host, authorization = headers.get(b"host", b"").decode("latin-1"), headers.get(b"authorization", b"")
        if self._hosts is not None and name_in(host) not in self._hosts:
            return problem(403, "The engine answers only to localhost; connect to it by that name.")
        origin = headers.get(b"origin")
        if not is_own(host, None if origin is None else origin.decode("latin-1"), None):
            return problem(403, "The engine answers to no other site's page; open its own.")
        if not is_open and not hmac.compare_digest(authorization, self._expected):
            return problem(401, "The token is missing or wrong; read it anew from engine.json in the engine's home.")
        return None
