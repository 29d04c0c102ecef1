# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's endpoints, version 1 (see `protocol`): a FastAPI application over a home folder."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...common.errors import UserError
from ...common.failures import sentence_about
from ...neural.device import device_facts
from ...protocol.arrays import ARRAYS_TYPE, pack_arrays
from ...protocol.messages import VERSION, AvatarInfo, Job, JobState, Status
from ..jobs.requests import AnySubmission, refusal, resolved
from ..jobs.scheduler import Scheduler
from ..jobs.store import Record
from ..jobs.worker import LOG_FILE
from .avatar_cache import AvatarCache, avatar_info
from .frames import MOST_BYTES, FramesRequest
from .live_motions import add_live_motions
from .presence import PresenceAnswer, Users

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names by which this machine's own programs call an engine on loopback."""
SECONDS_BETWEEN_HEARTBEATS = 5.0
MOST_JOBS = 1000
"""Jobs in one answer."""
MOST_JSON_BYTES = 1 << 20
MOST_LOG_BYTES = 1 << 16
ARRAYS_TYPES = (ARRAYS_TYPE, "application/octet-stream", "")
"""What a body of arrays may say that it is."""
IS_JSON = re.compile(r"application/(.*\+)?json")
NO_JSON = "The request is not JSON; send it as application/json, in UTF-8."
TEXT: dict[str, dict[str, Any]] = {"text/plain": {"schema": {"type": "string"}}}
OF_THE_JOB = {
    operation: {"operationId": operation, "parameters": {"id": "$response.body#/id"}}
    for operation in ("job", "cancel", "events", "preview", "log", "retry")
}
"""What can be asked about the job in an answer, in OpenAPI's words."""
PICTURE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


@dataclass(frozen=True)
class Problem:
    """A refusal: one sentence."""

    detail: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The token is missing or wrong"},
    403: {"model": Problem, "description": "The request did not come to this machine's own name"},
    404: {"model": Problem, "description": "There is no such thing"},
    405: {"model": Problem, "description": "This endpoint is not asked by this method"},
    413: {"model": Problem, "description": "The request is too large"},
    415: {"model": Problem, "description": "The body is of another type than this endpoint takes"},
    422: {"model": Problem, "description": "This cannot be done as asked"},
}


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
    scheduler: Scheduler, token: str, hosts: frozenset[str] | None = LOCAL_HOSTS, users: Users | None = None
) -> FastAPI:
    """Return the application that serves the scheduler's home to whoever knows `token`.

    `hosts` are the names under which it may be asked (a foreign page may rebind its own name to this machine); None
    lets every name in. `users` is told who uses it.
    """
    avatars, users = AvatarCache(scheduler.home), users or Users()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        scheduler.start()
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
    app.add_middleware(Gate, token=token, hosts=hosts, users=users)
    app.add_exception_handler(RequestValidationError, refuse_invalid)
    app.add_exception_handler(UserError, refuse_user_error)
    app.add_exception_handler(AnyHTTPException, refuse_http)
    app.add_exception_handler(Exception, refuse_own_fault)
    add_status(app)
    add_jobs(app)
    add_avatars(app)
    add_live_motions(app)
    return app


def add_status(app: FastAPI) -> None:
    """Add the endpoint that says what this engine is."""

    @app.get("/v1/status")
    async def status(request: Request) -> Status:
        facts = await asyncio.to_thread(device_facts)
        store = scheduler_of(request).store
        return Status(
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

    @app.get("/v1/presence", response_class=Response, responses={200: {"content": TEXT}})
    async def presence(request: Request) -> Response:
        return PresenceAnswer(request.app.state.users, scheduler_of(request))


def add_jobs(app: FastAPI) -> None:
    """Add the endpoints of jobs."""

    @app.post("/v1/jobs", status_code=201, responses={201: {"links": OF_THE_JOB}})
    async def submit(request: Request, asked: Annotated[AnySubmission, Body()]) -> Job:
        scheduler = scheduler_of(request)
        return scheduler.submit(resolved(asked.parameters, scheduler.home)).job

    @app.get("/v1/jobs")
    async def jobs(request: Request, most: Annotated[int, Query(ge=1, le=MOST_JOBS)] = MOST_JOBS) -> list[Job]:
        return [record.job for record in scheduler_of(request).store.newest(most)]

    @app.get("/v1/jobs/{id}")
    async def job(record: KnownJob) -> Job:
        return record.job

    @app.post("/v1/jobs/{id}/cancel")
    async def cancel(request: Request, record: KnownJob) -> Job:
        return (scheduler_of(request).cancel(record.job.id) or record).job

    @app.post("/v1/jobs/{id}/retry", status_code=201, responses={201: {"links": OF_THE_JOB}})
    async def retry(request: Request, record: KnownJob) -> Job:
        return scheduler_of(request).retry(record).job

    @app.get("/v1/jobs/{id}/log", response_class=PlainTextResponse)
    async def log(request: Request, record: KnownJob) -> str:
        return await asyncio.to_thread(end_of, scheduler_of(request).home.job(record.job.id) / LOG_FILE)

    @app.get("/v1/jobs/{id}/events", response_class=EventSourceResponse)
    async def events(
        request: Request, record: KnownJob, last_event_id: Annotated[str, Header()] = ""
    ) -> AsyncIterator[ServerSentEvent]:
        async for event in events_of(scheduler_of(request), record.job.id, last_event_id):
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
        return await asyncio.to_thread(avatars_of(request).infos)

    @app.get("/v1/avatars/{id}")
    async def avatar(path: KnownAvatar) -> AvatarInfo:
        return await asyncio.to_thread(avatar_info, path)

    @app.post(
        "/v1/avatars/{id}/frames",
        response_class=Response,
        responses={200: {"content": {ARRAYS_TYPE: BINARY}}},
        openapi_extra={"requestBody": {"required": True, "content": {ARRAYS_TYPE: BINARY}}},
    )
    async def frames(request: Request, path: KnownAvatar) -> Response:
        if (given := type_of_body(request)) not in ARRAYS_TYPES:
            raise HTTPException(415, f"The body is {given}; send {ARRAYS_TYPE}, as pack_arrays makes it.")
        body = await request.body()
        asked = await asyncio.to_thread(FramesRequest.read, body)
        shown = await avatars_of(request).render(path, asked)
        return Response(await asyncio.to_thread(pack_arrays, **shown.arrays()), media_type=ARRAYS_TYPE)

    @app.get("/v1/avatars/{id}/splats", response_class=Response, responses={200: {"content": {ARRAYS_TYPE: BINARY}}})
    async def splats(request: Request, path: KnownAvatar) -> Response:
        cloud = await avatars_of(request).splats(path)
        return Response(await asyncio.to_thread(pack_arrays, **cloud.arrays()), media_type=ARRAYS_TYPE)


def scheduler_of(request: Request) -> Scheduler:
    """The scheduler that the application serves."""
    scheduler: Scheduler = request.app.state.scheduler
    return scheduler


def avatars_of(request: Request) -> AvatarCache:
    """The application's avatars."""
    avatars: AvatarCache = request.app.state.avatars
    return avatars


BINARY = {"schema": {"type": "string", "format": "binary"}}


def pictures() -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of an endpoint that answers with a picture."""
    return {200: {"content": dict.fromkeys(sorted(set(PICTURE_TYPES.values())), BINARY)}}


def known_job(request: Request, id: str) -> Record:
    """The job that the path names, else 404."""
    record = scheduler_of(request).store.get(id)
    if record is None:
        raise HTTPException(404, f"There is no job {id}; list the jobs to see which there are.")
    return record


def known_avatar(request: Request, id: str) -> Path:
    """The avatar file that the path names, else 404."""
    path = avatars_of(request).find(id)
    if path is None:
        raise HTTPException(404, f"There is no avatar {id} in the engine's home; build it, or choose another.")
    return path


KnownJob = Annotated[Record, Depends(known_job)]
KnownAvatar = Annotated[Path, Depends(known_avatar)]


async def events_of(scheduler: Scheduler, name: str, last_seen: str) -> AsyncIterator[ServerSentEvent]:
    """Yield the job whenever it changes, and heartbeats between, until it has ended or the engine leaves.

    `last_seen` is the id of the last event that the listener knows; what it already knows is not repeated.
    """
    revision = int(last_seen) if last_seen.isdecimal() else -1
    while True:
        change = scheduler.change()
        record = scheduler.store.get(name)
        assert record is not None
        if record.revision != revision or record.job.state.ended:
            revision = record.revision
            yield ServerSentEvent(data=record.job.to_json(), event="job", id=str(revision))
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


def type_of_body(request: Request) -> str:
    """What a request says of the type of its body; empty when it says nothing."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


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
            most = MOST_BYTES if scope["path"].endswith("/frames") else MOST_JSON_BYTES
            refused = self._refusal(headers.get(b"host", b""), headers.get(b"authorization", b""))
            if refused is None and int(headers.get(b"content-length", 0)) > most:
                refused = problem(413, too_large(most))
            if refused is not None:
                await refused(scope, receive, send)
                return
            self._users.note()
            receive = limited(receive, most)
        await self._app(scope, receive, send)

    def _refusal(self, host: bytes, authorization: bytes) -> JSONResponse | None:
        if self._hosts is not None and name_in(host.decode("latin-1")) not in self._hosts:
            return problem(403, "The engine answers only to localhost; connect to it by that name.")
        if not hmac.compare_digest(authorization, self._expected):
            return problem(401, "The token is missing or wrong; read it anew from engine.json in the engine's home.")
        return None


def name_in(host: str) -> str:
    """The name in a `Host` header: "localhost" in "localhost:8765", "[::1]" in "[::1]:8765"."""
    return re.sub(r":\d*$", "", host).lower()


def problem(code: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a refusal."""
    return JSONResponse(asdict(Problem(sentence)), code, headers)


async def refuse_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a request whose JSON, or whose query, is wrong."""
    assert isinstance(error, RequestValidationError)
    if request.method == "POST" and not IS_JSON.fullmatch(type_of_body(request)):
        return problem(415, NO_JSON)
    return problem(422, refusal(list(error.errors())))


async def refuse_user_error(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request that the user can mend."""
    return problem(422, str(error))


async def refuse_http(request: Request, error: Exception) -> JSONResponse:
    """Answer with the code and sentence that an endpoint raised; the router, which finds none, has no sentence."""
    assert isinstance(error, AnyHTTPException)
    if error.status_code == 400:  # FastAPI could not even decode the body
        return problem(422, NO_JSON)
    if isinstance(error, HTTPException):
        return problem(error.status_code, error.detail)
    said = f"No such endpoint: {request.method} {request.url.path}; see the protocol."
    return problem(error.status_code, said, error.headers)


async def refuse_own_fault(request: Request, error: Exception) -> JSONResponse:
    """Answer when we made a mistake."""
    return problem(500, sentence_about(error, scheduler_of(request).home.log))
