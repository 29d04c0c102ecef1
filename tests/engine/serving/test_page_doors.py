# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page asks for: its own files, pictures of a posed avatar, downloads, and how a file was made."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from semblance.engine.credentials.marking import mark, usable_key
from semblance.engine.credentials.statement import statement_of
from semblance.engine.serving import page, server
from semblance.protocol.messages import JobState
from semblance.tests.makers.painters import CONSENT, painters_in

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module", autouse=True)
def avatars(engine):
    with painters_in(engine.home):
        yield


def picture(engine, name: str, **asked: Any) -> np.ndarray:
    answer = engine.client.post(f"/v1/avatars/{name}/picture", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp"
    return np.asarray(Image.open(io.BytesIO(answer.content)), np.float32)


def refusal(engine, name: str, **asked: Any) -> str:
    answer = engine.client.post(f"/v1/avatars/{name}/picture", json=asked)
    assert answer.status_code == 422, answer.text
    return answer.json()["detail"]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one[..., :3] - other[..., :3]).mean())


def test_a_portrait_is_posed_by_numbers(engine):
    rest = picture(engine, "Portrait")
    assert rest.shape == (256, 256, 3)
    assert difference(picture(engine, "Portrait"), rest) == 0
    for asked in ({"expression": {"jawOpen": 1}}, {"rotation": [0, 0.4, 0]}):
        assert difference(picture(engine, "Portrait", **asked), rest) > 0.3, asked


def test_a_head_in_3d_is_seen_from_round_about(engine):
    rest = picture(engine, "Head", size=128)
    assert rest.shape == (128, 128, 4), "and lies over nothing"
    turned = picture(engine, "Head", orbit=[0, 0.7], size=128)
    assert difference(turned, rest) > 3
    near, far = (picture(engine, "Head", zoom=zoom, size=128) for zoom in (1.5, 0.5))
    widths = [np.ptp(np.nonzero(each[..., 3] > 128)[1]) for each in (near, rest, far)]
    assert widths[0] > widths[1] > 1.8 * widths[2]


def test_a_turn_of_the_camera_is_one_of_the_head_where_nothing_else_is_seen(engine):
    by_camera = picture(engine, "Head", orbit=[0, 0.3], size=128)[..., 3] > 128
    by_head = picture(engine, "Head", rotation=[0, 0.3, 0], size=128)[..., 3] > 128
    centres = [np.mean(np.nonzero(each), 1) for each in (by_camera, by_head)]
    assert np.abs(centres[0] - centres[1]).max() < 12, "only the pivot differs"


def test_poses_that_cannot_be_are_refused(engine):
    assert "portrait" in refusal(engine, "Portrait", orbit=[0, 0.5])
    assert "jawOpen" in refusal(engine, "Portrait", expression={"jawopen": 0.5})
    assert "“expression.jawOpen”" in refusal(engine, "Portrait", expression={"jawOpen": 2})
    assert "“size”" in refusal(engine, "Head", size=100_000)
    assert "“colour”" in refusal(engine, "Head", colour="red")
    assert engine.client.post("/v1/avatars/nobody/picture", json={}).status_code == 404


def test_an_avatar_is_downloaded_under_its_name(engine):
    answer = engine.client.get("/v1/avatars/Head/file")
    assert answer.content == engine.home.avatar("Head").read_bytes()
    assert 'filename="Head.safetensors"' in answer.headers["content-disposition"]


def test_what_a_job_wrote_is_downloaded(engine, tmp_path):
    job = engine.wait(engine.submit("short"))
    assert engine.client.get(f"/v1/jobs/{job.id}/file").status_code == 404
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    engine.scheduler.store.update(job.id, result={"out": str(film)})
    answer = engine.client.get(f"/v1/jobs/{job.id}/file")
    assert (answer.content, answer.headers["content-type"]) == (b"a film", "video/mp4")
    film.unlink()
    assert engine.client.get(f"/v1/jobs/{job.id}/file").status_code == 404
    assert job.state is JobState.DONE


def verified(engine, name: str, data: bytes) -> dict[str, Any]:
    answer = engine.client.post(
        "/v1/verify", params={"name": name}, content=data, headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.status_code == 200, answer.text
    assert not list(engine.home.folder.glob("verify-*")), "nothing is kept"
    return answer.json()


@pytest.fixture(scope="module")
def signed(engine, tmp_path_factory) -> bytes:
    path: Path = tmp_path_factory.mktemp("signed") / "still.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    mark(path, statement_of(engine.home.avatar("Portrait"), None), usable_key(engine.home.credentials))
    return path.read_bytes()


def test_a_signed_picture_says_how_it_was_made(engine, signed):
    said = verified(engine, "still.png", signed)
    assert said["finding"] == "valid"
    assert said["sentences"][0].startswith("still.png was not changed")
    assert any("synthetic" in each for each in said["sentences"])
    assert any(CONSENT in each for each in said["sentences"])


def test_a_picture_that_was_changed_is_found_out(engine, signed):
    middle = signed.rindex(b"IDAT") + 40
    said = verified(engine, "still.png", signed[:middle] + bytes([signed[middle] ^ 1]) + signed[middle + 1 :])
    assert said["finding"] == "changed"
    assert said["sentences"][0].startswith("still.png was changed")


def test_files_that_say_nothing(engine):
    plain = io.BytesIO()
    Image.new("RGB", (8, 8)).save(plain, "PNG")
    said = verified(engine, "plain <b>.png", plain.getvalue())
    assert said["finding"] == "nothing"
    assert said["sentences"][0].startswith("plain <b>.png carries no")
    for name, data in (("x.png", b"no picture"), ("notes.txt", b"words"), ("a", b""), ("../../x.mp4", b"\0" * 99)):
        said = verified(engine, name, data)
        assert said["finding"] in ("unreadable", "nothing")
        assert str(engine.home.folder) not in said["sentences"][0]
    avatar = verified(engine, "Head.safetensors", engine.home.avatar("Head").read_bytes())
    assert avatar["finding"] == "valid"
    assert "not signed" in avatar["sentences"][0]


def test_a_file_that_is_too_large_to_verify_is_refused(engine, monkeypatch):
    monkeypatch.setattr(server, "MOST_VERIFIED_BYTES", 1000)
    headers = {"Content-Type": "application/octet-stream"}
    answer = engine.client.post("/v1/verify?name=x.mp4", content=b" " * 1001, headers=headers)
    assert answer.status_code == 413
    pieces = (b" " * 400 for _ in range(3))
    assert engine.client.post("/v1/verify?name=x.mp4", content=pieces, headers=headers).status_code == 413
    assert not list(engine.home.folder.glob("verify-*"))


def test_the_page_is_given_to_everybody_and_nothing_else_is(engine):
    anybody = {"Authorization": ""}
    index = engine.client.get("/", headers=anybody)
    assert index.status_code == 200
    assert 'src="/page/main.js"' in index.text
    policy = index.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for path, kind in (("main.js", "text/javascript"), ("style/base.css", "text/css"), ("icon.svg", "image/svg+xml")):
        answer = engine.client.get(f"/page/{path}", headers=anybody)
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("nothing.js", "__init__.py", "%2e%2e/serving/page.py", ""):
        assert engine.client.get(f"/page/{path}", headers=anybody).status_code == 404
    assert engine.client.post("/", headers=anybody).status_code == 401
    assert engine.client.get("/page/main.js", headers={"Host": "evil.example"}).status_code == 403


def test_other_sites_get_nothing(engine):
    own = str(engine.client.base_url).rstrip("/")
    assert engine.client.get("/v1/jobs", headers={"Origin": own}).status_code == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "", own.replace("127.0.0.1", "localhost")):
        for path in ("/v1/jobs", "/"):
            answer = engine.client.get(path, headers={"Origin": origin})
            assert answer.status_code == 403, origin
            assert "access-control-allow-origin" not in answer.headers
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST", "Authorization": ""}
    assert engine.client.options("/v1/jobs", headers=asked).status_code == 403


def test_every_file_of_the_page_is_one_that_is_served(engine):
    files = [path for path in page.FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    odd = [path for path in files if path.suffix not in page.TYPES and path.name != "__init__.py"]
    assert not odd
    assert len(files) > 20
