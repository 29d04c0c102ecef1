# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file that somebody sends says of how it was made, in words."""

from __future__ import annotations

import asyncio
import enum
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request

from ...common.errors import UserError
from ...common.files import full_disk_told
from ...common.home import Home
from ..credentials.reading import Changed, NothingSaid, described, shown
from .known import BINARY, scheduler_of
from .refusals import type_of_body

MOST_BYTES = 4 << 30
"""Of a file that is verified."""
ANYTHING = "application/octet-stream"
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,16}")


def add_verifying(app: FastAPI) -> None:
    """Add the endpoint that says how a file was made."""

    @app.post("/v1/verify", openapi_extra={"requestBody": {"required": True, "content": {ANYTHING: BINARY}}})
    async def verify(request: Request, name: Annotated[str, Query(min_length=1, max_length=255)]) -> Verified:
        if (given := type_of_body(request)) not in (ANYTHING, ""):
            raise HTTPException(415, f"The body is {given}; send the file's bytes as {ANYTHING}.")
        return await verified(name, request.stream(), scheduler_of(request).home)


class Finding(enum.StrEnum):
    """What was found in a file."""

    VALID = "valid"
    CHANGED = "changed"
    NOTHING = "nothing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Verified:
    """What a file says of itself.

    Attributes:
        finding: valid: it carries what follows, and was not changed since it was signed (an avatar is not signed);
            changed: it was; nothing: it carries nothing; unreadable: it is damaged, or of a kind that carries none.
        sentences: what it says, or why it says nothing.
    """

    finding: Finding
    sentences: list[str]


async def verified(name: str, pieces: AsyncIterator[bytes], home: Home) -> Verified:
    """Return what a file says of itself that is called `name` and comes in pieces.

    Raises:
        UserError: the disk is full.
    """
    with TemporaryDirectory(prefix="verify-", dir=home.folder) as folder:
        suffix = Path(name).suffix.lower()
        path = Path(folder, "file" + (suffix if SUFFIX.fullmatch(suffix) else ""))
        with full_disk_told(path), path.open("wb") as file:
            async for piece in pieces:
                await asyncio.to_thread(file.write, piece)
        return await asyncio.to_thread(found_in, path, shown(name), home)


def found_in(path: Path, name: str, home: Home) -> Verified:
    """What the file at `path`, which its owner calls `name`, says of itself."""
    try:
        finding, sentences = Finding.VALID, described(path, home)
    except Changed as error:
        finding, sentences = Finding.CHANGED, [str(error)]
    except NothingSaid as error:
        finding, sentences = Finding.NOTHING, [str(error)]
    except UserError as error:
        finding, sentences = Finding.UNREADABLE, [str(error)]
    return Verified(finding, [each.replace(str(path), name).replace(path.name, name).strip() for each in sentences])
