# SPDX-License-Identifier: GPL-3.0-or-later
"""Speaks to the engine for Blender and the command line: HTTP with a bearer token, standard library only.

Short questions can be asked without waiting (`Client.ask` returns a `Question`), so that Blender's window never stops.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from ..common.errors import UserError
from .address import Address
from .arrays import ARRAYS_TYPE, pack_arrays, unpack_arrays
from .certificates import OtherCertificate
from .connection import Connection, Exchange, Reply
from .inputs import Inputs
from .jobs import JobRequest
from .look import USUAL_LOOK, Look
from .messages import VERSION, AvatarInfo, Curve, Job, Status
from .pictures import Pictures
from .pins import PATH as PINS_PATH
from .pins import PinnedFace, PinRequest
from .splats import SplatCloud

SECONDS_TO_ANSWER = 5.0
SECONDS_TO_RENDER = 600.0
"""A large avatar on a slow processor takes minutes a batch; only a render waits this long."""
MOST_BYTES = 1 << 30
"""Bytes of an answer, unless it is a head of splats."""
MOST_SPLAT_BYTES = 1 << 30
"""Bytes of a head of splats: of six million of them."""


class EngineUnreachable(UserError):
    """Nothing answers at the engine's address."""


class WrongToken(UserError):
    """The engine does not accept the token."""


class UnknownCertificate(UserError):
    """The engine shows a certificate that nobody has accepted yet; nothing was sent to it.

    Attributes:
        found: its fingerprint.
    """

    def __init__(self, sentence: str, found: str) -> None:
        super().__init__(sentence)
        self.found = found


class CertificateChanged(UnknownCertificate):
    """The engine shows another certificate than the one that was accepted; nothing was sent to it."""


class EngineRefused(UserError):
    """The engine answered that it cannot do what was asked; the text is its own sentence."""


class NotAnEngine(EngineRefused):
    """What answers is no engine of ours."""


class Client:
    """One engine, spoken to over one connection that is opened again when it breaks.

    `seconds_to_answer` is for how long an answer is waited for: short where an artist waits for it, too.
    """

    def __init__(self, address: Address, seconds_to_answer: float = SECONDS_TO_ANSWER) -> None:
        self.address = address
        self.seconds_to_answer = seconds_to_answer
        self.connection = Connection(address.host, address.port, address.secure, address.fingerprint)

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    def status(self) -> Status:
        """Ask what the engine is. Raises EngineRefused when it speaks another version of the protocol."""
        return read_status(self.ask("GET", "/v1/status").wait())

    def submit(self, job: JobRequest) -> Job:
        """Ask for a job."""
        return Job.from_json(self.ask_to_do(job).wait())

    def ask_to_do(self, job: JobRequest) -> Question:
        """Ask for a job, as `submit` does, without waiting for the answer."""
        return self.ask("POST", "/v1/jobs", {"kind": job.kind.value, "parameters": job.given()})

    def jobs(self) -> list[Job]:
        """Ask for every job, newest first."""
        return [Job.from_json(each) for each in self.ask_jobs().wait()]

    def ask_jobs(self, most: int | None = None) -> Question:
        """Ask for the jobs, or the newest of them, without waiting for them."""
        return self.ask("GET", "/v1/jobs" if most is None else f"/v1/jobs?most={most}")

    def job(self, job: str) -> Job:
        """Ask how a job stands."""
        return Job.from_json(self.ask_job(job).wait())

    def ask_job(self, job: str) -> Question:
        """Ask how a job stands, as `job` does, without waiting for it."""
        return self.ask("GET", f"/v1/jobs/{quoted(job)}")

    def cancel(self, job: str) -> Job:
        """Ask to end a job."""
        return Job.from_json(self.ask_to_cancel(job).wait())

    def ask_to_cancel(self, job: str) -> Question:
        """Ask to end a job, without waiting for the answer."""
        return self.ask("POST", f"/v1/jobs/{quoted(job)}/cancel")

    def retry(self, job: str) -> Job:
        """Ask for the same job once more; returns the new job."""
        return Job.from_json(self.ask_to_retry(job).wait())

    def ask_to_retry(self, job: str) -> Question:
        """Ask for the same job once more, without waiting for the answer, which is the new job."""
        return self.ask("POST", f"/v1/jobs/{quoted(job)}/retry")

    def finish(self, job: str) -> Job:
        """Ask that a build ends early, with the avatar that it has."""
        return Job.from_json(self.ask_to_finish(job).wait())

    def ask_to_finish(self, job: str) -> Question:
        """Ask that a build ends early, without waiting for the answer."""
        return self.ask("POST", f"/v1/jobs/{quoted(job)}/finish")

    def move(self, job: str, *, later: bool) -> Job:
        """Ask that a job that waits changes places with the one behind it, or with the one before it."""
        return Job.from_json(self.ask_to_move(job, later=later).wait())

    def ask_to_move(self, job: str, *, later: bool) -> Question:
        """Ask that a job that waits changes places, as `move` does, without waiting for the answer."""
        return self.ask("POST", f"/v1/jobs/{quoted(job)}/{'later' if later else 'sooner'}")

    def remove(self, job: str) -> Job:
        """Ask that a job that has ended is no longer listed."""
        return Job.from_json(self.ask_to_remove(job).wait())

    def ask_to_remove(self, job: str) -> Question:
        """Ask that a job that has ended is no longer listed, without waiting for the answer."""
        return self.ask("DELETE", f"/v1/jobs/{quoted(job)}")

    def ask_expectations(self) -> Question:
        """Ask how long builds take on the engine's machine, without waiting for the answer."""
        return self.ask("GET", "/v1/expectations")

    def curve(self, job: str) -> Curve:
        """Ask how a training's losses have gone so far."""
        return Curve.from_json(self.ask_curve(job).wait())

    def ask_curve(self, job: str) -> Question:
        """Ask how a training's losses have gone, without waiting for the answer."""
        return self.ask("GET", f"/v1/jobs/{quoted(job)}/curve")

    def log(self, job: str) -> str:
        """Ask for the end of what a job has printed."""
        return self.ask_log(job).wait_for_bytes(self.seconds_to_answer).decode("utf-8", "replace")

    def ask_log(self, job: str) -> Question:
        """Ask for the end of what a job has printed, without waiting for the answer, which is UTF-8."""
        return self.ask("GET", f"/v1/jobs/{quoted(job)}/log")

    def avatars(self) -> list[AvatarInfo]:
        """Ask for the avatars in the engine's home, newest first."""
        return [AvatarInfo.from_json(each) for each in self.ask_avatars().wait()]

    def ask_avatars(self) -> Question:
        """Ask for the avatars, as `avatars` does, without waiting for them."""
        return self.ask("GET", "/v1/avatars")

    def ask_avatar(self, avatar: str) -> Question:
        """Ask for one avatar, without waiting for it."""
        return self.ask("GET", f"/v1/avatars/{quoted(avatar)}")

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

    def ask_pinned(self, request: PinRequest) -> PinnedQuestion:
        """Ask for a frame that is solved again with pins, without waiting for it."""
        return PinnedQuestion(self, "POST", PINS_PATH, pack_arrays(**request.arrays()), ARRAYS_TYPE)

    def preview(self, job: str) -> bytes:
        """Ask for the current picture of a job: the bytes of a PNG or JPEG file."""
        return self.ask_preview(job).wait_for_bytes(self.seconds_to_answer)

    def ask_preview(self, job: str) -> Question:
        """Ask for the current picture of a job, without waiting for it."""
        return self.ask("GET", f"/v1/jobs/{quoted(job)}/preview")

    def ask(self, method: str, path: str, body: Any = None) -> Question:
        """Send a question and return without waiting for its answer; one at a time."""
        data = None if body is None else json.dumps(body).encode()
        return Question(self, method, path, data, "application/json")


class Question:
    """A question on its way. `answered()` never waits; `wait()` returns the answer or raises a `UserError`."""

    most = MOST_BYTES
    kind: type[Exchange] = Exchange

    def __init__(
        self, client: Client, method: str, path: str, body: bytes | None, content_type: str, *more: str
    ) -> None:
        """Send it; `more` are further lines of its head."""
        self._client = client
        request = request_of(client, method, path, body, content_type, *more)
        self._exchange = self.kind(client.connection, request, self.most)
        self._exchange.step()

    @property
    def moved(self) -> int:
        """Bytes of the question that are sent, and of its answer that have come."""
        return self._exchange.sent + self._exchange.received

    def answered(self) -> bool:
        """Send and read what can be sent and read now; tell whether all of the answer is here, or none will come."""
        return self._exchange.step()

    @property
    def begun(self) -> int:
        """The status of the answer as soon as it has begun; 0 before."""
        return self._exchange.status

    def wait(self) -> Any:
        """Return the answer's JSON."""
        data = self.wait_for_bytes(self._client.seconds_to_answer)
        try:
            return json.loads(data)
        except ValueError as error:
            raise NotAnEngine(
                f"What answers at {self._client.address.place} is not a Semblance engine; "
                "check the address in the preferences."
            ) from error

    def wait_for_bytes(self, seconds: float) -> bytes:
        """Return the answer's body; wait for it at most so long in all."""
        return self.wait_for_reply(seconds).body

    def wait_for_reply(self, seconds: float) -> Reply:
        """Return the answer with its headers; wait for it at most so long in all."""
        where = self._client.address.place
        try:
            reply = self._exchange.wait(seconds)
        except OtherCertificate as error:
            raise certificate_trouble(self._client.address, error.found) from error
        except OSError as error:
            raise EngineUnreachable(
                f"The engine at {where} does not answer; press Restart Engine in the Semblance panel."
            ) from error
        if reply.status == 401:
            raise WrongToken(
                f"The engine at {where} does not accept the token; restart the engine, "
                "or copy its token into the preferences."
            )
        if reply.status >= 400:
            raise refusal(reply.body, reply.status)
        return reply


def certificate_trouble(address: Address, found: str) -> UnknownCertificate:
    """Say that an engine shows a certificate, by its fingerprint, that was not accepted."""
    if address.fingerprint:
        return CertificateChanged(
            f"The certificate of the engine at {address.place} has changed: ask who runs it whether {found} is its new "
            "fingerprint, and accept it only then.",
            found,
        )
    return UnknownCertificate(
        f"The certificate of the engine at {address.place} is not known yet: compare {found} with the fingerprint that "
        "`semblance serve` has printed there, and accept it.",
        found,
    )


def request_of(client: Client, method: str, path: str, body: bytes | None, content_type: str, *more: str) -> bytes:
    """The bytes of a request, with `more` lines in its head."""
    address = client.address
    host = f"[{address.host}]" if ":" in address.host else address.host.encode("idna").decode()
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}:{address.port}", f"Authorization: Bearer {address.token}"]
    if body is not None:
        head.append(f"Content-Type: {content_type}")
    if body is not None or method != "GET":
        head.append(f"Content-Length: {len(body or b'')}")
    return "\r\n".join([*head, *more, "Accept-Encoding: identity", "", ""]).encode("ascii") + (body or b"")


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

    most = MOST_SPLAT_BYTES

    def cloud(self) -> SplatCloud:
        """Wait for the splats and return them."""
        try:
            return SplatCloud.of_arrays(unpack_arrays(self.wait_for_bytes(SECONDS_TO_RENDER), MOST_SPLAT_BYTES))
        except (ValueError, KeyError) as error:
            raise EngineRefused("The engine sent no splats; restart it and try again.") from error


class PinnedQuestion(Question):
    """A question that a frame solved with pins answers."""

    def face(self) -> PinnedFace:
        """Wait for the frame and return what the face does in it."""
        try:
            return PinnedFace.read(unpack_arrays(self.wait_for_bytes(self._client.seconds_to_answer)))
        except ValueError as error:
            raise EngineRefused("The engine sent no solved frame; restart it and try again.") from error


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
