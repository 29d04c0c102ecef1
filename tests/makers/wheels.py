# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny wheels, and a server of them that can be slow or break off."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def make_wheel(
    folder: Path, name: str, version: str, requires: tuple[str, ...] = (), tag: str = "py3-none-any", padding: int = 0
) -> Path:
    """Write a wheel of a module that knows its version, with `padding` bytes that do not compress."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {
        f"{name}/__init__.py": f"version = {version!r}\n".encode(),
        f"{name}/padding.bin": hashlib.shake_128(name.encode()).digest(padding),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    rows = [f"{path},sha256={digest(data)},{len(data)}" for path, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return wheel


def digest(data: bytes) -> str:
    """A hash as RECORD spells it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def sha256_of(file: Path) -> str:
    """A hash as locks spell it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def lock_line(wheel: Path, *more: str, marker: str = "") -> str:
    """A line of a lock for a wheel, with further hashes."""
    name, version = wheel.name.split("-")[:2]
    hashes = "".join(f" \\\n    --hash=sha256:{each}" for each in (sha256_of(wheel), *more))
    return f"{name}=={version}{marker and ' ; '}{marker}{hashes}\n    # via nothing\n"


class WheelServer:
    """A package index over HTTP.

    Attributes:
        requests: paths and `Range` headers that were asked for.
        break_after: bytes after which the connection of a file breaks off; 0 for never.
        pause: seconds between two kilobytes.
        refused: package whose files it has no time for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, str]] = []
        self.break_after, self.pause, self.port = 0, 0.0, 0
        self.refused = "-"

    @property
    def index(self) -> str:
        return f"http://127.0.0.1:{self.port}/simple"

    def page(self, name: str) -> bytes:
        wheels = [each for each in self.folder.glob("*.whl") if each.name.split("-")[0].replace("_", "-") == name]
        links = [f'<a href="/files/{each.name}#sha256={sha256_of(each)}">{each.name}</a>' for each in wheels]
        return "".join(links).encode()

    def send(self, to: BaseHTTPRequestHandler, body: bytes, kind: str, head_only: bool) -> None:
        start = int(to.headers.get("Range", "bytes=0-")[6:-1])
        to.send_response(206 if start else 200)
        to.send_header("Content-Type", kind)
        to.send_header("Content-Length", str(len(body) - start))
        to.end_headers()
        if head_only:
            return
        stop = start + self.break_after if self.break_after and kind != "text/html" else len(body)
        for at in range(start, min(stop, len(body)), 1024):
            to.wfile.write(body[at : min(at + 1024, stop)])
            if kind != "text/html":
                time.sleep(self.pause)


@contextmanager
def serving(folder: Path) -> Iterator[WheelServer]:
    """Serve the wheels of a folder on a port of this machine."""
    server = WheelServer(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(head_only=True)

        def do_GET(self) -> None:
            self.answer(head_only=False)

        def answer(self, head_only: bool) -> None:
            server.requests.append((self.path, self.headers.get("Range", "")))
            _, kind, name = self.path.split("/")[:3]
            file = folder / name
            try:
                if kind == "files" and name.startswith(server.refused):
                    self.send_error(503)
                elif kind == "simple" and (page := server.page(name)):
                    server.send(self, page, "text/html", head_only)
                elif kind == "files" and file.is_file():
                    server.send(self, file.read_bytes(), "application/octet-stream", head_only)
                else:
                    self.send_error(404)
            except (BrokenPipeError, ConnectionResetError):
                pass  # whoever asked has gone

        def log_message(self, *_arguments: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.port = http.server_address[1]
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
