# SPDX-License-Identifier: GPL-3.0-or-later
"""Speaks to the engine for Blender and the command line: HTTP with a bearer token, standard library only.

Short questions can be asked without waiting (`Client.ask` returns a `Question`), so that Blender's window never stops.
"""

from __future__ import annotations

import http.client
import json
import select
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from ..common.errors import UserError
from .arrays import ARRAYS_TYPE, pack_arrays, unpack_arrays
from .inputs import Inputs
from .jobs import JobRequest
from .look import USUAL_LOOK, Look
from .messages import VERSION, Announcement, AvatarInfo, Job, Status
from .pictures import Pictures
from .splats import SplatCloud

SECONDS_TO_CONNECT = 1.0
SECONDS_TO_SEND = 30.0
SECONDS_TO_ANSWER = 5.0
SECONDS_TO_RENDER = 600.0
"""A large avatar on a slow processor takes minutes a batch; only a render waits this long."""
MOST_SPLAT_BYTES = 1 << 30
"""Bytes of a head of splats: of six million of them."""


class EngineUnreachable(UserError):
    """Nothing answers at the engine's address."""


class WrongToken(UserError):
    """The engine does not accept the token."""


class EngineRefused(UserError):
    """The engine answered that it cannot do what was asked; the text is its own sentence."""


class NotAnEngine(EngineRefused):
    """What answers is no engine of ours."""


@dataclass(frozen=True)
class Address:
    """Where an engine listens."""

    host: str
    port: int
    token: str
    secure: bool = False

    @classmethod
    def announced(cls, announcement: Announcement) -> Address:
        """The address of an engine on this machine."""
        return cls(announcement.host, announcement.port, announcement.token)

    @classmethod
    def of_url(cls, url: str, token: str) -> Address:
        """The address of a remote engine.

        Raises:
            UserError: the URL is none.
        """
        with suppress(ValueError):
            parts = urlsplit(url.strip())
            if parts.scheme in ("http", "https") and parts.hostname:
                secure = parts.scheme == "https"
                return cls(parts.hostname, parts.port or (443 if secure else 80), token.strip(), secure)
        raise UserError(f"{url!r} is no address of an engine; write it like http://192.168.1.20:8765.")


class Client:
    """One engine, spoken to over one connection that is opened again when it breaks.

    `seconds_to_answer` is for how long an answer is waited for: short where an artist waits for it, too.
    """

    def __init__(self, address: Address, seconds_to_answer: float = SECONDS_TO_ANSWER) -> None:
        self.address = address
        self.seconds_to_answer = seconds_to_answer
        kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
        self._connection = kind(address.host, address.port, timeout=SECONDS_TO_CONNECT)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def status(self) -> Status:
        """Ask what the engine is. Raises EngineRefused when it speaks another version of the protocol."""
        return read_status(self.ask("GET", "/v1/status").wait())

    def submit(self, job: JobRequest) -> Job:
        """Ask for a job."""
        body = {"kind": job.kind.value, "parameters": job.given()}
        return Job.from_json(self.ask("POST", "/v1/jobs", body).wait())

    def jobs(self) -> list[Job]:
        """Ask for every job, newest first."""
        return [Job.from_json(each) for each in self.ask("GET", "/v1/jobs").wait()]

    def job(self, job: str) -> Job:
        """Ask how a job stands."""
        return Job.from_json(self.ask_job(job).wait())

    def ask_job(self, job: str) -> Question:
        """Ask how a job stands, as `job` does, without waiting for it."""
        return self.ask("GET", f"/v1/jobs/{quoted(job)}")

    def cancel(self, job: str) -> Job:
        """Ask to end a job."""
        return Job.from_json(self.ask("POST", f"/v1/jobs/{quoted(job)}/cancel").wait())

    def avatars(self) -> list[AvatarInfo]:
        """Ask for the avatars in the engine's home, newest first."""
        return [AvatarInfo.from_json(each) for each in self.ask("GET", "/v1/avatars").wait()]

    def frames(self, avatar: str, inputs: Inputs, look: Look = USUAL_LOOK) -> Pictures:
        """Return what an avatar shows for N frames of inputs."""
        return self.ask_frames(avatar, inputs, look).pictures()

    def ask_frames(self, avatar: str, inputs: Inputs, look: Look = USUAL_LOOK) -> PicturesQuestion:
        """Ask for frames, as `frames` does, without waiting for them."""
        body = pack_arrays(**inputs.arrays(), **look.arrays())
        return PicturesQuestion(self, "POST", f"/v1/avatars/{quoted(avatar)}/frames", body, ARRAYS_TYPE)

    def ask_splats(self, avatar: str) -> SplatsQuestion:
        """Ask for an avatar's splats, without waiting for them."""
        return SplatsQuestion(self, "GET", f"/v1/avatars/{quoted(avatar)}/splats", None, ARRAYS_TYPE)

    def preview(self, job: str) -> bytes:
        """Ask for the current picture of a job: the bytes of a PNG or JPEG file."""
        return self.ask("GET", f"/v1/jobs/{quoted(job)}/preview").wait_for_bytes(self.seconds_to_answer)

    def ask(self, method: str, path: str, body: Any = None) -> Question:
        """Send a question and return without waiting for its answer; one at a time."""
        data = None if body is None else json.dumps(body).encode()
        return Question(self, method, path, data, "application/json")


class Question:
    """A question on its way. `answered()` never waits; `wait()` returns the answer or raises a `UserError`."""

    def __init__(self, client: Client, method: str, path: str, body: bytes | None, content_type: str) -> None:
        self._client = client
        self._connection = client._connection
        headers = {"Authorization": f"Bearer {client.address.token}"}
        if body is not None:
            headers["Content-Type"] = content_type
        self._send(method, path, body, headers)

    def answered(self) -> bool:
        """Tell whether the answer has begun to arrive, or the connection broke."""
        return bool(select.select([self._connection.sock], [], [], 0)[0])

    def wait(self) -> Any:
        """Return the answer's JSON."""
        data = self.wait_for_bytes(self._client.seconds_to_answer)
        try:
            return json.loads(data)
        except ValueError as error:
            raise NotAnEngine(
                f"What answers at {self._where} is not a Semblance engine; check the address in the preferences."
            ) from error

    def wait_for_bytes(self, seconds: float) -> bytes:
        """Return the answer's body."""
        try:
            self._connection.sock.settimeout(seconds)
            response = self._connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise self._unreachable() from error
        if response.status == 401:
            raise WrongToken(
                f"The engine at {self._where} does not accept the token; restart the engine, "
                "or copy its token into the preferences."
            )
        if response.status >= 400:
            raise refusal(data, response.status)
        return data

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        """Send over the open connection; it may have been closed meanwhile, so a second try opens a new one."""
        for attempt in (1, 2):
            try:
                if closed_by_peer(self._connection):
                    self._connection.close()
                if self._connection.sock is None:
                    self._connection.connect()
                self._connection.sock.settimeout(SECONDS_TO_SEND)
                self._connection.request(method, path, body, headers)
                return
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if attempt == 2 or isinstance(error, ConnectionRefusedError):
                    raise self._unreachable() from error

    @property
    def _where(self) -> str:
        return f"{self._client.address.host}:{self._client.address.port}"

    def _unreachable(self) -> EngineUnreachable:
        return EngineUnreachable(f"The engine at {self._where} does not answer; restart it in the Semblance panel.")


class PicturesQuestion(Question):
    """A question that pictures answer."""

    def pictures(self) -> Pictures:
        """Wait for the pictures."""
        try:
            return Pictures.of(unpack_arrays(self.wait_for_bytes(SECONDS_TO_RENDER)))
        except (ValueError, KeyError) as error:
            raise EngineRefused("The engine sent no pictures; restart it and try again.") from error


class SplatsQuestion(Question):
    """A question that a head of splats answers."""

    def cloud(self) -> SplatCloud:
        """Wait for the splats and return them."""
        try:
            return SplatCloud.of_arrays(unpack_arrays(self.wait_for_bytes(SECONDS_TO_RENDER), MOST_SPLAT_BYTES))
        except (ValueError, KeyError) as error:
            raise EngineRefused("The engine sent no splats; restart it and try again.") from error


def closed_by_peer(connection: http.client.HTTPConnection) -> bool:
    """Tell whether an idle connection is dead: between questions nothing may arrive on it but its end."""
    return connection.sock is not None and bool(select.select([connection.sock], [], [], 0)[0])


def read_status(values: dict[str, Any]) -> Status:
    """Read the answer of `/v1/status`; raise EngineRefused when the engine speaks another protocol."""
    try:
        status = Status.from_json(values)
    except (TypeError, AttributeError) as error:
        raise NotAnEngine("What answers is not a Semblance engine; check the address in the preferences.") from error
    if status.protocol != VERSION:
        older = "the engine" if status.protocol < VERSION else "this extension"
        raise EngineRefused(f"The engine and this extension do not fit together; update {older}.")
    return status


def refusal(data: bytes, status: int) -> EngineRefused:
    """Return the engine's own sentence why it refuses; it has one for every refusal."""
    with suppress(ValueError, TypeError, KeyError):
        detail = json.loads(data)["detail"]
        if isinstance(detail, str) and detail:
            return EngineRefused(detail)
    return NotAnEngine(f"The engine refused with code {status}; look into its log.")


def quoted(name: str) -> str:
    """A name as one part of a URL's path."""
    return quote(name, safe="")
