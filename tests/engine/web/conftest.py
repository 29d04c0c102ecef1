# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a real Chromium, without a window; its camera is a file."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright
from semblance.tests.engine.conftest import TOKEN
from semblance.tests.makers.painters import painters_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page

CHROMIUM = shutil.which("chromium")
WORDS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
DESK, PHONE = (1440, 900), (390, 844)
PATIENCE = 60_000
"""Milliseconds for what takes a moment on a machine that does nothing else."""


@dataclass
class Seen:
    """A page, and what its console said that is no good.

    Attributes:
        expected: parts of what it may say: Chromium itself notes every request that fails.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def listen(self) -> None:
        """Begin to note what goes wrong."""

        def note(said: ConsoleMessage) -> None:
            if said.type in ("error", "warning"):
                self.complaints.append(said.text)

        self.page.on("console", note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def unexpected(self) -> list[str]:
        return [each for each in self.complaints if not any(part in each for part in self.expected)]


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserType]:
    """What starts browsers: a process has one."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="session")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    launched = chromium.launch(executable_path=CHROMIUM, args=list(WORDS))
    yield launched
    launched.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Seen]]:
    """Opens pages of an engine, by desk or phone and by day or night; at the end no console may have complained."""
    opened: list[Seen] = []

    def opening(address: str, size: tuple[int, int] = DESK, scheme: str = "light", token: str = TOKEN) -> Seen:
        is_phone = size == PHONE
        context: Any = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            has_touch=is_phone,
            is_mobile=is_phone,
            accept_downloads=True,
            permissions=["camera"],
        )
        context.set_default_timeout(PATIENCE)
        seen = Seen(context.new_page())
        seen.listen()
        seen.page.goto(f"{address}/#token={token}" if token else address)
        opened.append(seen)
        return seen

    yield opening
    for each in opened:
        complaints = each.unexpected()
        each.page.context.close()
        assert not complaints


@pytest.fixture(scope="module")
def address(engine: Any) -> Iterator[str]:
    """Of an engine with two avatars, "Head" (in 3D) and "Portrait"."""
    with painters_in(engine.home):
        yield str(engine.client.base_url).rstrip("/")
