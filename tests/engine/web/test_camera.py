# SPDX-License-Identifier: GPL-3.0-or-later
"""A face before the browser's camera (here a file) moves an avatar on the page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from semblance.tests.engine.web.conftest import CHROMIUM, WORDS
from semblance.tests.makers.footage import portrait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserType

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(chromium: BrowserType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One whose camera sees a face that comes nearer and goes again."""
    film: Path = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    film.write_bytes(b"".join(pictures()))
    words = [*WORDS, f"--use-file-for-fake-video-capture={film}"]
    launched = chromium.launch(executable_path=CHROMIUM, args=words)
    yield launched
    launched.close()


def pictures() -> Iterator[bytes]:
    whole = Image.fromarray(portrait())
    for step in [*range(0, 40, 4), *range(40, 0, -4)]:
        picture = whole.crop((step, step, whole.width - step, whole.height - step)).resize((480, 480))
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90)
        yield file.getvalue()


def colours(page: Any) -> int:
    """How many different pictures the stage has shown in two seconds."""
    return page.evaluate(
        """async () => {
            const canvas = document.querySelector(".stage canvas");
            const seen = new Set();
            for (let i = 0; i < 20; i += 1) {
                seen.add(canvas.toDataURL());
                await new Promise((resolve) => setTimeout(resolve, 100));
            }
            return seen.size;
        }"""
    )


def test_a_face_moves_the_avatar_and_what_it_does_is_recorded(address, open_page):
    page = open_page(address).page
    page.evaluate("location.hash = '#/avatars/Portrait'")
    page.get_by_role("tab", name="Camera").click()
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_text("Following you").wait_for()
    page.get_by_text("ms from camera to picture").wait_for()
    assert colours(page) > 2
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(1500)
    with page.expect_download() as begun:
        page.get_by_role("button", name="Stop recording").click()
    assert begun.value.suggested_filename.startswith("Portrait live.")
    assert begun.value.path().stat().st_size > 1000
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Start the camera").wait_for()
    page.wait_for_timeout(500)
    assert colours(page) == 1, "it sits still again"
    page.get_by_role("button", name="Start the camera").click()
    page.locator("video.self").wait_for()
    page.get_by_role("tab", name="Sliders").click()
    assert page.evaluate(
        "document.querySelector('video.self').srcObject.getTracks().every((track) => track.readyState === 'ended')"
    )


def test_a_camera_that_is_not_allowed_is_said_so(address, open_page):
    page = open_page(address).page
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page.reload()
    page.evaluate("location.hash = '#/avatars/Portrait'")
    page.get_by_role("tab", name="Camera").click()
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_text("The browser was not allowed to use the camera").wait_for()
