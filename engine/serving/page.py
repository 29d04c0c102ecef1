# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's static files: all that the engine gives to who does not know the token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import HTTPException, Response

if TYPE_CHECKING:
    from fastapi import FastAPI

FOLDER = Path(__file__).parent.parent / "web"
INDEX = "index.html"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Nothing from elsewhere is loaded, nobody frames the page, and its address goes to nobody."""


def add_page(app: FastAPI) -> None:
    """Add the page at `/`, and its files under `/page/`."""
    files = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.suffix in TYPES}

    @app.get("/", include_in_schema=False)
    def index() -> Response:
        return answer_with(files[INDEX])

    @app.get("/page/{name:path}", include_in_schema=False)
    def page_file(name: str) -> Response:
        if name not in files:
            raise HTTPException(404, "The page has no such file; open / instead.")
        return answer_with(files[name])


def is_of_page(method: str, path: str) -> bool:
    """Tell whether a request is for the page's own files, which hold nothing of anybody's."""
    return method in ("GET", "HEAD") and (path == "/" or path.startswith("/page/"))


def answer_with(file: Path) -> Response:
    """A file of the page."""
    return Response(file.read_bytes(), media_type=TYPES[file.suffix], headers=HEADERS)
