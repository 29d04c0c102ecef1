# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of files: up in pieces and down in pieces, each known by the SHA-256 of its contents."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Path, Request, Response
from fastapi.responses import FileResponse

from ...protocol.messages import AvatarInfo, FileState
from ...protocol.references import Reference
from ..jobs.file_store import WrongPlace
from ..jobs.references import adopted
from .avatar_cache import avatar_info
from .refusals import shown_by

if TYPE_CHECKING:
    from ..jobs.file_store import FileStore

MOST_PIECE = 16 << 20
"""Bytes that one request may bring."""
OCTETS = "application/octet-stream"
RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
BYTES: dict[str, Any] = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}
PartHeader = Annotated[str | None, Header(pattern=r"^bytes=\d{1,15}-\d{0,15}$")]
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Piece:
    """Where a piece of a file belongs: its first byte, its length, and the length of the whole."""

    start: int
    length: int
    total: int


@dataclass(frozen=True)
class AvatarSent:
    """An avatar's file that was sent, as a reference."""

    file: str


def place_of_piece(content_range: Annotated[str, Header(pattern=r"^bytes \d{1,15}-\d{1,15}/\d{1,15}$")]) -> Piece:
    """Read a `Content-Range`: `bytes FIRST-LAST/TOTAL`."""
    found = RANGE.fullmatch(content_range)
    start, last, total = map(int, found.groups()) if found else (0, 0, 0)
    if not start <= last < total:
        raise HTTPException(422, "The Content-Range is not right: write bytes FIRST-LAST/TOTAL, counted from 0.")
    return Piece(start, last + 1 - start, total)


def store_of(request: Request) -> FileStore:
    """The application's files."""
    store: FileStore = request.app.state.files
    return store


def add_files(app: FastAPI) -> None:
    """Add the endpoints of files."""

    @app.head("/v1/files/{sha256}", status_code=204, response_class=Response, name="file_state")
    async def file_state(request: Request, sha256: Digest) -> Response:
        here = await asyncio.to_thread(state_of, store_of(request), sha256)
        whole = "?1" if here.whole else "?0"
        headers = {"Upload-Offset": str(here.bytes), "Upload-Complete": whole, "Cache-Control": "no-store"}
        return Response(status_code=204, headers=headers)

    @app.put(
        "/v1/files/{sha256}",
        openapi_extra={"requestBody": {"required": True, "content": BYTES}},
    )
    async def put_file(request: Request, sha256: Digest, place: Annotated[Piece, Depends(place_of_piece)]) -> FileState:
        piece = await request.body()
        if len(piece) != place.length:
            raise HTTPException(422, f"The piece has {len(piece)} bytes, its Content-Range {place.length}; send both.")
        try:
            store = store_of(request)
            here = await asyncio.to_thread(store.add, sha256, place.start, place.total, piece)
        except WrongPlace as error:
            raise HTTPException(409, f"{error.here} bytes of this file are here; go on from there.") from None
        return FileState(sha256, here, here >= place.total)

    @app.post("/v1/avatars", status_code=201)
    async def add_avatar(request: Request, asked: AvatarSent) -> AvatarInfo:
        reference = Reference.read(asked.file)
        if reference is None or not reference.name.endswith(".safetensors"):
            raise HTTPException(422, "“file” is not right: it must be sha256:HEX/NAME.safetensors of what was sent.")
        home = request.app.state.scheduler.home
        path = await asyncio.to_thread(adopted, reference, home, store_of(request))
        return shown_by(request).avatar(await asyncio.to_thread(avatar_info, path))

    @app.get(
        "/v1/files/{sha256}",
        response_class=Response,
        responses={200: {"content": BYTES}, 206: {"content": BYTES, "description": "A part"}},
    )
    async def get_file(request: Request, sha256: Digest, range: PartHeader = None) -> Response:
        path = await asyncio.to_thread(store_of(request).content, sha256)
        if path is None:
            raise HTTPException(404, "There is no such file (any more); ask for the job's files again.")
        if range is None:
            return FileResponse(path, media_type=OCTETS)
        first, last, total = part_of(range, path.stat().st_size)
        part = await asyncio.to_thread(read_part, path, first, last + 1 - first)
        return Response(part, 206, {"Content-Range": f"bytes {first}-{last}/{total}"}, OCTETS)


def part_of(asked: str, total: int) -> tuple[int, int, int]:
    """The first and last byte that are sent when a `Range` is asked of a file of `total` bytes, and these: at most
    `MOST_PIECE`.
    """
    first, _, last = asked.removeprefix("bytes=").partition("-")
    begin, end = int(first), min(int(last or total), total - 1, int(first) + MOST_PIECE - 1)
    if begin > end:
        raise HTTPException(416, f"There is no such part: the file has {total} bytes.")
    return begin, end, total


def read_part(path: FilePath, start: int, count: int) -> bytes:
    """Bytes of a file."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(count)


def state_of(store: FileStore, digest: str) -> FileState:
    """How much of a file is here."""
    whole = store.content(digest)
    return FileState(digest, whole.stat().st_size if whole else store.here(digest), whole is not None)
