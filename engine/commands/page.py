# SPDX-License-Identifier: GPL-3.0-or-later
"""`page`: the engine's page in this machine's browser."""

from __future__ import annotations

import html
import threading
import time
import webbrowser
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from ...common.files import write_privately
from ...common.home import Home
from ...protocol.messages import Announcement
from .shared import HomeOption, home_of

OPENER = "page.html"
"""Name of the file, in the engine's home, by which the browser learns the token."""
SECONDS_BETWEEN_LOOKS = 0.2


def page(
    home: HomeOption = None,
    is_opened: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the browser; its address is printed either way.")
    ] = True,
) -> None:
    """Open the engine's page in the browser; where no engine runs, run one until Ctrl-C."""
    from ..serving.process import is_served, serve

    place = home_of(home)
    running = Announcement.read(place.folder) if is_served(place) else None
    if running is not None:
        show(place, running, is_opened)
        return
    threading.Thread(target=show_when_there, args=(place, is_opened), daemon=True).start()
    serve(place)


def show_when_there(home: Home, is_opened: bool) -> None:
    """Show the page as soon as the engine of `home` is announced."""
    while (said := Announcement.read(home.folder)) is None:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    show(home, said, is_opened)


def show(home: Home, said: Announcement, is_opened: bool) -> None:
    """Print the page's address, and have the browser open it."""
    address = address_of(said)
    print(f"The page is at {address}", flush=True)
    print("Whoever has this address can use the engine: its last part is the token.", flush=True)
    if is_opened:
        webbrowser.open(opener(home, address).as_uri())


def address_of(said: Announcement) -> str:
    """The page's address, with the token in the fragment, which browsers send to nobody."""
    scheme = "https" if said.fingerprint else "http"
    return f"{scheme}://{said.host}:{said.port}/#token={quote(said.token, safe='')}"


def opener(home: Home, address: str) -> Path:
    """Write a file, readable by this user only, that leads the browser to an address; return its path.

    Other users of the machine see with which words programs are started: the token must not be among them.
    """
    path = home.folder / OPENER
    refresh = html.escape(f"0; url={address}")
    write_privately(
        path,
        f'<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Semblance</title>'
        f'<meta http-equiv="refresh" content="{refresh}"><p><a href="{html.escape(address)}">Open Semblance</a></p>\n',
    )
    return path
