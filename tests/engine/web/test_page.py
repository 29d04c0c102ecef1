# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as its users see it: avatars, sliders, orbit, jobs, what a file says; on a desk and on a phone."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageChops, ImageStat
from semblance.tests.engine.conftest import TOKEN
from semblance.tests.engine.web.conftest import DESK, PHONE
from semblance.tests.makers.painters import CONSENT
from semblance.tracking.heads.head import ARKIT_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])


def text_of(page: Page, place: str) -> str:
    return page.locator(place).inner_text()


def stage(page: Page) -> Image.Image:
    """What the avatar's stage shows."""
    page.locator(".stage-said:empty").wait_for(state="attached")
    data = page.evaluate("document.querySelector('.stage canvas').toDataURL('image/png').split(',')[1]")
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")


def difference(one: Image.Image, other: Image.Image) -> float:
    other = other.resize(one.size)
    return float(sum(ImageStat.Stat(ImageChops.difference(one, other)).mean))


def until_changed(page: Page, before: Image.Image, least: float) -> Image.Image:
    for _ in range(200):
        if difference(now := stage(page), before) > least:
            return now
        page.wait_for_timeout(50)
    raise AssertionError("the stage did not change")


def go(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = place }", f"#/{place}")


@BOTH
def test_the_token_is_taken_out_of_the_address(address, open_page, size, scheme):
    page = open_page(address, size, scheme).page
    page.get_by_role("heading", name="Head").wait_for()
    assert page.url == f"{address}/#/avatars"
    assert "token" not in page.content()
    assert page.evaluate("Object.keys(localStorage).length") == 0
    page.reload()
    page.get_by_role("heading", name="Head").wait_for()


def test_a_tab_that_is_open_takes_a_token_too(address, open_page):
    page = open_page(address, token="").page
    page.get_by_label("Token").wait_for()
    page.goto(f"{address}/#token={TOKEN}")
    page.get_by_role("heading", name="Portrait").wait_for()
    assert page.url == f"{address}/#/avatars"


def test_without_a_token_the_page_asks_for_it(address, open_page):
    seen = open_page(address, token="")
    page = seen.page
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("The engine refused the token").wait_for()
    seen.expected = ("401",)
    page.get_by_label("Token").fill("a-token-for-tests")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Portrait").wait_for()


@BOTH
def test_avatars_have_pictures_and_are_opened_by_keyboard(address, open_page, size, scheme):
    page = open_page(address, size, scheme).page
    card = page.get_by_role("link", name="Head Head in 3D")
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    card.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Head", level=1).wait_for()
    assert page.title() == "Head · Semblance"


@BOTH
def test_sliders_move_the_avatar(address, open_page, size, scheme):
    page = open_page(address, size, scheme).page
    go(page, "avatars/Portrait")
    page.get_by_label("Turn", exact=True).wait_for()
    rest = stage(page)
    page.get_by_label("Turn", exact=True).fill("35")
    turned = until_changed(page, rest, 1)
    page.get_by_role("button", name="Surprise").click()
    face = until_changed(page, turned, 1)
    page.get_by_role("button", name="At rest").click()
    until_changed(page, face, 1)
    page.wait_for_timeout(200)
    assert difference(stage(page), rest) < 0.1
    page.get_by_label("Left and right apart").check()
    page.locator("summary", has_text="Eyes").last.click()
    assert page.get_by_label("Blink, left").is_visible()


@BOTH
def test_a_head_in_3d_turns_under_the_hand_and_by_keys(address, open_page, size, scheme):
    page = open_page(address, size, scheme).page
    go(page, "avatars/Head")
    page.get_by_label("Turn", exact=True).wait_for()
    page.wait_for_timeout(300)
    front = stage(page)
    box: Any = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 4, y, steps=4)
    page.mouse.up()
    dragged = until_changed(page, front, 3)
    page.get_by_role("button", name="From the front").click()
    again = until_changed(page, dragged, 3)
    page.locator(".stage").focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    by_keys = until_changed(page, again, 3)
    page.keyboard.press("+")
    until_changed(page, by_keys, 1)


def test_names_of_strangers_are_text(address, open_page):
    page = open_page(address).page
    go(page, "avatars/Head")
    page.get_by_role("tab", name="About").click()
    assert CONSENT in text_of(page, ".facts")
    assert page.locator(".facts img").count() == 0


def test_an_avatar_is_downloaded(address, open_page, engine):
    page = open_page(address).page
    go(page, "avatars/Head")
    page.get_by_role("tab", name="About").click()
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download").click()
    assert begun.value.suggested_filename == "Head.safetensors"
    path: Path = begun.value.path()
    assert path.read_bytes() == engine.home.avatar("Head").read_bytes()


@BOTH
def test_a_job_is_watched_and_cancelled(address, open_page, engine, size, scheme):
    page = open_page(address, size, scheme).page
    go(page, "jobs")
    job = engine.submit("long", "build")
    waiting = engine.submit("short")
    card = page.locator(".job", has_text="Building a").first
    card.locator(".words", has_text="step").wait_for()
    assert re.search(r"Training, \d+ % · [\d ]+(s|min|h)( \d+ min)? left · step \d+", card.inner_text())
    card.locator("img.preview").wait_for(state="attached")
    assert page.get_by_role("link", name="Jobs").locator(".count").inner_text() == "2"
    assert page.locator(".group", has_text="Waiting").locator(".job").count() == 1
    card.get_by_role("button", name=re.compile("^Cancel")).click()
    engine.wait(job)
    engine.wait(waiting)
    page.locator(".group", has_text="Ended").locator(".job", has_text="Building a").first.get_by_text(
        "Cancelled"
    ).wait_for()


def test_why_a_job_failed_is_said_and_it_can_be_tried_again(address, open_page, engine):
    page = open_page(address).page
    go(page, "jobs")
    engine.wait(engine.submit("no_face"))
    card = page.locator(".job", has_text="choose other footage").first
    card.wait_for()
    before = len(engine.client.get("/v1/jobs").json())
    card.get_by_role("button", name=re.compile("^Try again")).click()
    page.wait_for_timeout(500)
    assert len(engine.client.get("/v1/jobs").json()) == before + 1


def test_the_loss_of_a_training_is_drawn(address, open_page):
    page = open_page(address).page
    page.get_by_role("heading", name="Head").wait_for()
    said = page.evaluate(
        """async () => {
            const { Curve } = await import("/page/views/curve.js");
            const curve = new Curve();
            document.body.append(curve.element);
            curve.show({ steps: [1], losses: { l1: [1] }, watched: "l1" });
            const hidden = curve.element.hidden;
            curve.show({ steps: [1, 2, 3], losses: { l1: [1, null, 0.1] }, watched: "l1" });
            return [hidden, curve.element.querySelector("polyline").getAttribute("points"), curve.element.innerText];
        }"""
    )
    assert said == [True, "4.0,6.0 296.0,90.0", "Loss after 3 steps: 0.100"]


@BOTH
def test_what_a_file_says_is_read_to_the_user(address, open_page, engine, size, scheme):
    page = open_page(address, size, scheme).page
    go(page, "verify")
    page.get_by_label("Drop a film").set_input_files(engine.home.avatar("Head"))
    page.get_by_role("heading", name="It says how it was made").wait_for()
    assert CONSENT in text_of(page, ".finding")
    assert page.locator(".finding img").count() == 0
    plain = io.BytesIO()
    Image.new("RGB", (8, 8)).save(plain, "PNG")
    file: Any = {"name": "plain.png", "mimeType": "image/png", "buffer": plain.getvalue()}
    page.get_by_label("Drop a film").set_input_files(file)
    page.get_by_role("heading", name="It says nothing of how it was made").wait_for()


def test_the_page_and_the_engine_mean_the_same_expressions(address, open_page):
    page = open_page(address).page
    page.get_by_role("heading", name="Head").wait_for()
    names = page.evaluate("""import("/page/expressions.js").then(({ NAMES }) => NAMES)""")
    assert names == list(ARKIT_NAMES)
    used = page.evaluate(
        """import("/page/expressions.js").then(({ FACES, places }) => [
            ...Object.values(FACES).flatMap(Object.keys),
            ...places(true).flatMap(([, rows]) => rows.flatMap((row) => row.names)),
        ])"""
    )
    assert {name for name in ARKIT_NAMES if not name.startswith("eyeLook")} <= set(used) <= set(ARKIT_NAMES)


@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 119, 1000, 70_001])
def test_files_are_hashed_as_the_engine_does(address, open_page, length):
    page = open_page(address).page
    page.get_by_role("heading", name="Head").wait_for()
    said = page.evaluate(
        """async (length) => {
            const { Sha256 } = await import("/page/engine/sha256.js");
            const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 251);
            const hash = new Sha256();
            for (let at = 0; at < length; at += 37) hash.add(bytes.subarray(at, at + 37));
            return [hash.hex(), new Sha256().add(bytes).hex()];
        }""",
        length,
    )
    assert said == [hashlib.sha256(bytes((i * 7) % 251 for i in range(length))).hexdigest()] * 2
