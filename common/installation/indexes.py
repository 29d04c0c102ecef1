# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of Python packages are: folders, and pages of package indexes (PEP 503 and its JSON, PEP 691)."""

from __future__ import annotations

import html.parser
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from ..errors import UserError

PYPI = "https://pypi.org/simple"
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
PATIENCE = 30.0
"""Seconds without an answer after which an index counts as out of reach."""
NO_SUCH_PAGE = (403, 404)
HASHES_FILE = "SHA256SUMS"
"""In a folder of wheels: lines of a hash and a file's name."""


@dataclass(frozen=True)
class Found:
    """A file of a package.

    Attributes:
        name: of the file; url: where it is, also "file:…"; sha256: as its index says, empty where it does not.
        size: bytes, 0 where its index does not say.
    """

    name: str
    url: str
    sha256: str = ""
    size: int = 0


def normalised(name: str) -> str:
    """Name of a package as indexes spell it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def files_of(place: str, package: str) -> list[Found]:
    """Return the files of a package in a place: a folder of wheels, or the address of an index.

    Raises:
        UserError: the index cannot be reached or gives nonsense.
    """
    return files_in_folder(Path(place), package) if is_folder(place) else files_on_page(place, package)


def is_folder(place: str) -> bool:
    """Tell whether a place is a folder of wheels and no index."""
    return urlsplit(place).scheme not in ("http", "https", "file")


def files_in_folder(folder: Path, package: str) -> list[Found]:
    """Return the wheels of a package in a folder, with their hashes where the folder has a list of them."""
    hashes = hashes_in(folder)
    wheels = sorted(folder.glob("*.whl"))
    mine = [wheel for wheel in wheels if normalised(wheel.name.partition("-")[0]) == normalised(package)]
    return [
        Found(wheel.name, wheel.resolve().as_uri(), hashes.get(wheel.name, ""), wheel.stat().st_size) for wheel in mine
    ]


def hashes_in(folder: Path) -> dict[str, str]:
    """Read a folder's list of hashes: file's name to SHA-256; empty without one."""
    file = folder / HASHES_FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    pairs = [line.split(maxsplit=1) for line in lines if len(line.split(maxsplit=1)) == 2]
    return {name.lstrip("*"): digest.lower() for digest, name in pairs}


def files_on_page(index: str, package: str) -> list[Found]:
    """Return the files that an index lists for a package; none where it does not know it.

    Raises:
        UserError: the index cannot be reached or gives nonsense.
    """
    address = f"{index.rstrip('/')}/{normalised(package)}/"
    try:
        address, kind, body = read_page(address)
    except urllib.error.HTTPError as error:
        if error.code in NO_SUCH_PAGE:
            return []
        raise UserError(f"{address} answered {error.code} {error.reason}; try again later.") from error
    except (OSError, HTTPException) as error:
        if urlsplit(address).scheme == "file":
            return []
        raise UserError(
            f"{urlsplit(address).hostname} cannot be reached ({getattr(error, 'reason', error)}); check the connection "
            "and try again: what has come already is kept."
        ) from error
    try:
        return read_json(address, body) if "json" in kind else read_html(address, body)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{address} is no page of a package index; check pip's settings.") from error


def read_page(address: str) -> tuple[str, str, str]:
    """Return the address that answered in the end, the kind of the answer, and its text."""
    if urlsplit(address).scheme == "file":
        address = urljoin(address, "index.html")
    request = urllib.request.Request(address, headers={"Accept": ACCEPT, "User-Agent": "Semblance"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.url, answer.headers.get("Content-Type") or "", answer.read().decode("utf-8", "replace")


def read_json(address: str, body: str) -> list[Found]:
    """Read a page of PEP 691; files that were withdrawn are left out."""
    files = [each for each in json.loads(body)["files"] if not each.get("yanked")]
    return [
        Found(each["filename"], urljoin(address, each["url"]), each["hashes"].get("sha256", ""), each.get("size") or 0)
        for each in files
    ]


def read_html(address: str, body: str) -> list[Found]:
    """Read a page of PEP 503: its links, whose fragments are the files' hashes."""
    page = Links()
    page.feed(body)
    found = []
    for link in page.links:
        url, fragment = urldefrag(urljoin(address, link))
        sha256 = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""
        found.append(Found(unquote(url.rpartition("/")[2]), url, sha256))
    return found


class Links(html.parser.HTMLParser):
    """Collects the links of a page, without those that were withdrawn."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a link."""
        given = dict(attrs)
        if tag == "a" and given.get("href") and "data-yanked" not in given:
            self.links.append(given["href"] or "")
