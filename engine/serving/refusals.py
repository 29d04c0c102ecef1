# SPDX-License-Identifier: GPL-3.0-or-later
"""How the engine refuses: one sentence, whatever went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from ...common.errors import UserError
from ...common.failures import sentence_about
from ...protocol.arrays import ARRAYS_TYPE
from ..jobs.requests import refusal
from .visibility import Plain

IS_JSON = re.compile(r"application/(.*\+)?json")
ARRAYS_TYPES = (ARRAYS_TYPE, "application/octet-stream", "")
"""What a body of arrays may say that it is."""
NO_JSON = "The request is not JSON; send it as application/json, in UTF-8."


@dataclass(frozen=True)
class Problem:
    """A refusal: one sentence."""

    detail: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The token is missing or wrong"},
    403: {"model": Problem, "description": "The request did not come to this machine's own name"},
    404: {"model": Problem, "description": "There is no such thing"},
    405: {"model": Problem, "description": "This endpoint is not asked by this method"},
    409: {"model": Problem, "description": "A piece of a file does not go on where the last one ended"},
    413: {"model": Problem, "description": "The request is too large"},
    415: {"model": Problem, "description": "The body is of another type than this endpoint takes"},
    416: {"model": Problem, "description": "The file has no such part"},
    422: {"model": Problem, "description": "This cannot be done as asked"},
}


def add_refusals(app: FastAPI) -> None:
    """Let every failure become a sentence."""
    app.add_exception_handler(RequestValidationError, refuse_invalid)
    app.add_exception_handler(UserError, refuse_user_error)
    app.add_exception_handler(AnyHTTPException, refuse_http)
    app.add_exception_handler(Exception, refuse_own_fault)


def shown_by(request: Request) -> Plain:
    """What the application tells its clients."""
    shown: Plain = request.app.state.shown
    return shown


def type_of_body(request: Request) -> str:
    """What a request says of the type of its body; empty when it says nothing."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def arrays_body(request: Request) -> bytes:
    """Return the body of a request that sends arrays; refuse one that says to be of another type."""
    if (given := type_of_body(request)) not in ARRAYS_TYPES:
        raise HTTPException(415, f"The body is {given}; send {ARRAYS_TYPE}, as pack_arrays makes it.")
    return await request.body()


def problem(code: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a refusal."""
    return JSONResponse(asdict(Problem(sentence)), code, headers)


async def refuse_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a request whose JSON, or whose query, is wrong."""
    assert isinstance(error, RequestValidationError)
    if request.method == "POST" and not IS_JSON.fullmatch(type_of_body(request)):
        return problem(415, NO_JSON)
    return problem(422, refusal(list(error.errors())))


async def refuse_user_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that the user can mend."""
    return problem(422, shown_by(request).text(str(error)))


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
    return problem(500, shown_by(request).text(sentence_about(error, request.app.state.scheduler.home.log)))
