# SPDX-License-Identifier: GPL-3.0-or-later
"""`semblance page`: the browser learns the token, and nobody else does."""

from __future__ import annotations

import os
import stat
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pytest
from filelock import FileLock
from semblance.common.home import Home
from semblance.engine.commands import page
from semblance.engine.serving import process
from semblance.protocol.messages import STATE_FILE, Announcement

if TYPE_CHECKING:
    from collections.abc import Iterator

SAID = Announcement(8123, "a-token-that-nobody-guesses", os.getpid())


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


@pytest.fixture
def home(tmp_path) -> Iterator[Home]:
    """The home of an engine that runs: it holds the lock and is announced."""
    made = Home(tmp_path / "home")
    made.prepare()
    (made.folder / STATE_FILE).write_text(SAID.to_text())
    with FileLock(made.lock):
        yield made


def test_the_browser_opens_a_private_file_that_leads_to_the_page(home, opened, capsys):
    page.page(home=home.folder)
    (address,) = opened
    assert SAID.token not in address, "others see with which words programs are started"
    path = Path(url2pathname(unquote(urlsplit(address).path)))
    text = path.read_text(encoding="utf-8")
    assert f"http://127.0.0.1:8123/#token={SAID.token}" in text
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"#token={SAID.token}" in capsys.readouterr().out


def test_the_address_alone(home, opened, capsys):
    page.page(home=home.folder, is_opened=False)
    assert not opened
    assert "http://127.0.0.1:8123/#token=" in capsys.readouterr().out


def test_an_engine_beyond_this_machine_is_opened_securely():
    said = Announcement(8123, "t" * 40, 1, host="192.168.1.5", fingerprint="ab:cd")
    assert page.address_of(said) == f"https://192.168.1.5:8123/#token={'t' * 40}"


def test_an_engine_takes_the_port_of_last_time(tmp_path):
    home = Home(tmp_path)
    first = process.bind_again(home, process.LOOPBACK, 0)
    port = first.getsockname()[1]
    taken = process.bind_again(home, process.LOOPBACK, 0)
    assert taken.getsockname()[1] != port, "it is in use"
    (tmp_path / process.PORT_FILE).write_text(str(port))
    first.close()
    again = process.bind_again(home, process.LOOPBACK, 0)
    assert again.getsockname()[1] == port
    for damaged in ("no port", "99999", "-1", ""):
        (tmp_path / process.PORT_FILE).write_text(damaged)
        process.bind_again(home, process.LOOPBACK, 0).close()
    for each in (taken, again):
        each.close()
