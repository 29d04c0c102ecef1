# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is dropped on the page becomes an avatar's jobs; so does a film's driver."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from semblance.engine.jobs.expectations import expectation, expectations, note_rates
from semblance.protocol.messages import Job, JobState
from semblance.tests.engine.web.conftest import DESK, PHONE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

DATA = bytes(range(256)) * 40_000
"""Ten megabytes: three pieces."""


def file(name: str, data: bytes = DATA) -> Any:
    return {"name": name, "mimeType": "", "buffer": data}


def drop(page: Page, place: str, name: str) -> None:
    """Let a file fall onto a place of the page."""
    page.locator(place).evaluate(
        """(element, name) => {
            const data = new DataTransfer();
            data.items.add(new File(["bytes of a picture"], name));
            for (const type of ["dragenter", "dragover", "drop"]) {
                element.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
            }
        }""",
        name,
    )


def newest(engine: Any, count: int) -> list[Job]:
    return [Job.from_json(each) for each in engine.client.get(f"/v1/jobs?most={count}").json()]


@pytest.fixture(autouse=True)
def nothing_to_do(engine):
    """Whatever a test leaves is stopped."""
    yield
    for job in newest(engine, 20):
        if not job.state.ended:
            engine.client.post(f"/v1/jobs/{job.id}/cancel")
            engine.wait(job)


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_a_video_becomes_an_avatar(address, open_page, engine, size, scheme):
    page = open_page(address, size, scheme).page
    page.get_by_role("link", name="New avatar").click()
    page.get_by_label("Drop a photo or a video").set_input_files(file("Me, talking (take 2).MP4"))
    assert page.get_by_label("Name").input_value() == "Me talking take 2"
    assert page.get_by_label("Portrait", exact=False).first.is_checked()
    page.get_by_role("button", name="Make the avatar").click()
    assert page.get_by_role("button", name="Make the avatar").is_visible(), "it asks for consent first"
    page.get_by_role("button", name="It is me").click()
    page.get_by_label("Who says so").fill("Me")
    page.get_by_label("Name").fill(f"Take {size[0]}")
    page.get_by_role("button", name="Make the avatar").click()
    page.locator(".job", has_text=f"Building Take {size[0]}").wait_for()
    build, track = newest(engine, 2)
    assert (track.kind, build.kind) == ("track", "build")
    assert track.parameters["size"] == 256
    assert track.parameters["source"].endswith(".MP4")
    with open(track.parameters["source"], "rb") as sent:  # noqa: PTH123
        assert hashlib.file_digest(sent, "sha256").digest() == hashlib.sha256(DATA).digest()
    assert build.parameters["dataset"] == track.parameters["dataset"]
    assert build.parameters["avatar_kind"] == "portrait"
    assert build.parameters["consent"].startswith("I am the person shown")
    assert build.parameters["consent_by"] == "Me"


def test_it_says_beside_each_quality_how_long_it_trains_here(address, open_page, engine):
    note_rates(engine.home, {"portrait preview": 4.0})
    page = open_page(address).page
    page.get_by_role("link", name="New avatar").click()
    page.get_by_label("Drop a photo or a video").set_input_files(file("Me.mp4"))
    qualities = page.get_by_role("group", name="Quality")
    for kind, title in (("portrait", "Portrait"), ("splats", "Head in 3D")):
        page.get_by_label(title, exact=False).first.check()
        told = [each for each in expectations(engine.home) if each.kind == kind]
        assert len(told) == 3
        for each in told:
            qualities.get_by_text(each.sentence, exact=True).first.wait_for()
    assert "of training here, about" in expectation(engine.home, "portrait", "preview").sentence


def test_a_photo_that_is_dropped_anywhere_becomes_a_head_in_3d(address, open_page, engine):
    page = open_page(address).page
    page.get_by_role("heading", name="Head").wait_for()
    drop(page, "main", "long.jpg")
    page.get_by_label("Name").wait_for()
    assert page.get_by_label("Head in 3D").is_checked()
    page.get_by_role("button", name="Public domain").click()
    page.get_by_role("button", name="Make the avatar").click()
    page.locator(".job", has_text="Building long").wait_for()
    build, photo = newest(engine, 2)
    assert (photo.kind, build.parameters["avatar_kind"]) == ("photo", "splats")
    page.get_by_role("button", name="Cancel: Preparing long").click()
    engine.wait(photo)
    assert engine.wait(build).state is JobState.CANCELLED, "what waits for it is stopped, too"


def test_other_files_are_refused_with_a_sentence(address, open_page):
    page = open_page(address).page
    page.get_by_role("heading", name="Head").wait_for()
    drop(page, "main", "notes <b>.txt")
    page.get_by_text("“notes <b>.txt” is neither a photo nor a video").wait_for()
    page.get_by_label("Drop a photo or a video").set_input_files(file("empty.mp4", b""))
    page.get_by_text("is empty; choose another file").wait_for()


def test_an_upload_goes_on_after_a_break(address, open_page, engine):
    seen = open_page(address)
    page = seen.page
    seen.expected = ("net::ERR",)
    page.get_by_role("link", name="New avatar").click()
    pieces: list[str] = []

    def broken_once(route: Any) -> None:
        if route.request.method == "PUT":
            pieces.append(route.request.headers["content-range"].split()[1].split("-")[0])
            if len(pieces) == 2:
                route.abort("connectionreset")
                return
        route.continue_()

    page.route("**/v1/files/*", broken_once)
    page.get_by_label("Drop a photo or a video").set_input_files(file("long.mp4", DATA[::-1]))
    page.get_by_role("button", name="It is me").click()
    page.get_by_role("button", name="Make the avatar").click()
    page.locator(".job h3", has_text="Tracking long").first.wait_for()
    assert pieces == ["0", "4194304", "4194304", "8388608"], "the piece that was lost came again, and no other"


def test_a_film_is_asked_for(address, open_page, engine):
    page = open_page(address).page
    page.evaluate("location.hash = '#/avatars/Head'")
    page.get_by_role("tab", name="Film").click()
    page.get_by_label("Write “Synthetic”").check()
    page.get_by_role("button", name="Film it from round about").click()
    page.get_by_text("The film is being made").wait_for()
    (orbit,) = newest(engine, 1)
    assert (orbit.kind, orbit.parameters["label"]) == ("orbit", "Synthetic")
    drop(page, "[role=tabpanel]:not([hidden]) .drop", "long.mp4")
    page.get_by_role("link", name="See how far it is").click()
    page.locator(".job", has_text="Filming Head").wait_for()
    (reenact,) = newest(engine, 1)
    assert reenact.kind == "reenact"
    assert reenact.parameters["out"].endswith(".mp4")
