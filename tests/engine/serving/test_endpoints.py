# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's endpoints: who is let in, what they give, and what is refused in which sentence."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from semblance.engine.serving.frames import MOST_BYTES
from semblance.neural.kinds import KINDS
from semblance.neural.solid import without_holes
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.protocol.address import Address
from semblance.protocol.arrays import pack_arrays, unpack_arrays
from semblance.protocol.client import Client, EngineRefused
from semblance.protocol.messages import MOST_FRAMES, AvatarInfo, Job, JobState, Status
from semblance.tests.engine.conftest import TOKEN
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.performances import at_rest
from semblance.tests.makers.splats import random_cloud
from semblance.tracking.heads.builtin import load_builtin
from torch import nn


class HeldNetwork(nn.Module):
    """Gives the texture map back with the UV map's mask as alpha, as soon as a test lets it."""

    begun, go_on = threading.Event(), threading.Event()

    def __init__(self, held: bool) -> None:
        super().__init__()
        self.held = held
        self.weight = nn.Parameter(torch.zeros(4096))

    def forward(self, uv, texture, time_code):
        if self.held:
            self.begun.set()
            assert self.go_on.wait(300)
        return torch.cat([texture, uv[:, 2:]], 1)


@pytest.fixture(scope="module", autouse=True)
def avatars(engine):
    """Two avatars in the home: one whole, one cut in half."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda config: HeldNetwork(**config)))
        for name, held in (("whole", False), ("held", True)):
            avatar_of(HeldNetwork(held), {"held": held}).save(engine.home.avatar(name))
        data = engine.home.avatar("whole").read_bytes()
        engine.home.avatar("cut").write_bytes(data[: len(data) // 2])
        yield


def maps(frames: int = 2, dtype=np.float16) -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    return {name: random.random((frames, 256, 256, 3)).astype(dtype) for name in ("uv", "texture")}


def frames(engine, avatar: str, body: bytes):
    return engine.client.post(f"/v1/avatars/{avatar}/frames", content=body)


def sentence(answer, code: int) -> str:
    assert answer.status_code == code, answer.text
    assert set(answer.json()) == {"detail"}
    assert answer.json()["detail"].endswith(".")
    assert "\n" not in answer.json()["detail"]
    return answer.json()["detail"]


def test_status_says_what_the_engine_is(engine):
    status = Status.from_json(engine.client.get("/v1/status").json())
    assert (status.protocol, status.torch) == (1, torch.__version__)
    assert status.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert Path(status.home) == engine.home.folder


@pytest.mark.parametrize("endpoint", ["/v1/status", "/v1/jobs", "/openapi.json", "/nowhere"])
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic a-token-for-tests"])
def test_without_the_token_every_endpoint_is_shut(engine, endpoint, authorization):
    assert "token" in sentence(engine.client.get(endpoint, headers={"Authorization": authorization}), 401)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_foreign_name_for_this_machine_is_refused(engine, host):
    assert "localhost" in sentence(engine.client.get("/v1/jobs", headers={"Host": host}), 403)


def test_localhost_is_let_in(engine):
    for host in ("localhost", "LOCALHOST:81", "127.0.0.1:5", "[::1]", "[::1]:9"):
        assert engine.client.get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_endpoint_that_is_not_there(engine, method):
    said = sentence(engine.client.request(method, "/v1/dance"), 404)
    assert said.startswith(f"No such endpoint: {method.upper()} /v1/dance;")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"kind": "dance", "parameters": {}}, "kind of job"),
        ({"kind": "track", "parameters": {"source": "clip.mp4", "dataset": "a"}}, "“source”"),
        ({"kind": "track", "parameters": {"source": "/clip.mp4"}}, "“dataset”"),
        ({"kind": "track", "parameters": {"source": "/clip.mp4", "dataset": "../../etc"}}, "“dataset”"),
        ({"kind": "track", "parameters": {"source": "/c.mp4", "dataset": "a", "size": 100000}}, "“size”"),
        ({"kind": "track", "parameters": {"source": "/c.mp4", "dataset": "a", "head": "x"}}, "“head”"),
        ({"kind": "track", "parameters": {"source": "/c.mp4", "dataset": "a", "head": "faceverse-v3"}}, "head_path"),
        ({"kind": "build", "parameters": {"dataset": "/d", "avatar": "a", "preset": "huge"}}, "“preset”"),
        ({"kind": "build", "parameters": {"dataset": "/d", "avatar": "a", "seconds": -1}}, "“seconds”"),
        ({"kind": "reenact", "parameters": {"avatar": "a", "driver": "/d", "out": "/o", "colour": 1}}, "“colour”"),
    ],
)
def test_a_job_with_wrong_parameters_is_refused(engine, request_, words):
    assert words in sentence(engine.client.post("/v1/jobs", json=request_), 422)


def test_a_request_that_is_not_json_is_refused(engine):
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"\xff\xfe{", b"[" * 100_000, b""):
        answer = engine.client.post("/v1/jobs", content=body, headers=headers)
        assert "JSON" in sentence(answer, 422) or not body
        assert answer.status_code == 422
    nothing = engine.client.post("/v1/jobs", content=b'"\\ud800"', headers=headers)
    assert sentence(nothing, 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
def test_a_body_of_another_type_is_refused(engine, kind):
    job = b'{"kind": "track", "parameters": {"source": "/short", "dataset": "out"}}'
    headers = {"Content-Type": kind}
    assert "application/json" in sentence(engine.client.post("/v1/jobs", content=job, headers=headers), 415)
    said = engine.client.post("/v1/avatars/whole/frames", content=pack_arrays(**maps(1)), headers=headers)
    assert "x-npz" in sentence(said, 415)


def test_another_method_is_refused_with_those_that_are_taken(engine):
    answer = engine.client.put("/v1/jobs", json={})
    assert "PUT /v1/jobs" in sentence(answer, 405)
    assert answer.headers["Allow"]


def test_a_job_that_is_too_large_is_refused(engine):
    padded = b" " * (2 << 20)
    assert "larger" in sentence(engine.client.post("/v1/jobs", content=padded), 413)
    pieces = (b" " * 65536 for _ in range(32))
    answer = engine.client.post("/v1/jobs", content=pieces, headers={"Content-Type": "application/json"})
    assert "larger" in sentence(answer, 413)


@pytest.mark.parametrize("source", ["/a\x00b", "/\ud800"])
def test_what_no_file_can_be_called_is_refused(engine, source):
    asked = json.dumps({"kind": "track", "parameters": {"source": source, "dataset": "out"}})
    answer = engine.client.post("/v1/jobs", content=asked, headers={"Content-Type": "application/json"})
    assert "“source”" in sentence(answer, 422)


def test_a_number_that_is_none_is_refused(engine):
    asked = '{"kind": "build", "parameters": {"dataset": "/d", "avatar": "a", "seconds": NaN}}'
    answer = engine.client.post("/v1/jobs", content=asked, headers={"Content-Type": "application/json"})
    assert "“seconds”" in sentence(answer, 422)


def test_an_avatar_s_name_may_be_too_long_for_the_disk(engine):
    assert engine.client.get("/v1/avatars/" + "演" * 100).status_code == 404


def test_a_job_s_log_and_the_same_job_again(engine):
    job = engine.wait(engine.submit("fault"))
    log = engine.client.get(f"/v1/jobs/{job.id}/log")
    assert "ZeroDivisionError" in log.text
    assert log.headers["content-type"].startswith("text/plain")
    again = Job.from_json(engine.client.post(f"/v1/jobs/{job.id}/retry").json())
    assert (again.kind, again.parameters) == (job.kind, job.parameters)
    assert again.id != job.id
    assert engine.wait(again).state is JobState.FAILED
    long = engine.submit("long")
    assert "not ended" in sentence(engine.client.post(f"/v1/jobs/{long.id}/retry"), 422)
    engine.client.post(f"/v1/jobs/{long.id}/cancel")
    engine.wait(long)


def test_the_newest_jobs_alone(engine):
    every = engine.client.get("/v1/jobs").json()
    assert engine.client.get("/v1/jobs?most=2").json() == every[:2]
    for wrong in ("0", "x", "99999999999"):
        sentence(engine.client.get(f"/v1/jobs?most={wrong}"), 422)


def test_unknown_job_and_missing_preview(engine):
    for endpoint in ("", "/events", "/preview"):
        assert "no job" in sentence(engine.client.get(f"/v1/jobs/nope{endpoint}"), 404)
    job = engine.wait(engine.submit("crash"))
    assert "no preview" in sentence(engine.client.get(f"/v1/jobs/{job.id}/preview"), 404)


def test_avatars_are_listed_with_what_they_say_or_why_they_cannot(engine):
    found = {each["id"]: AvatarInfo.from_json(each) for each in engine.client.get("/v1/avatars").json()}
    assert found["whole"].metadata["resolution"] == 256
    assert found["whole"].error == ""
    assert "damaged" in found["cut"].error
    assert AvatarInfo.from_json(engine.client.get("/v1/avatars/whole").json()) == found["whole"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_frames_come_back_as_the_avatar_paints_them(engine, dtype):
    sent = maps(3, dtype)
    answer = frames(engine, "whole", pack_arrays(**sent, time_code=np.float32(0.5)))
    rgba = unpack_arrays(answer.content)["rgba"]
    assert (rgba.dtype, rgba.shape) == (np.uint8, (3, 256, 256, 4))
    assert np.abs(rgba[..., :3] - sent["texture"].astype(np.float32) * 255).max() <= 0.51
    alpha = (sent["uv"][..., 2].astype(np.float32) * 255 + 0.5).astype(np.uint8)
    assert all((ours == without_holes(painted)).all() for ours, painted in zip(rgba[..., 3], alpha, strict=True))


def test_frames_of_an_avatar_built_anew_are_the_new_ones(engine):
    path = engine.home.avatar("changing")
    data = engine.home.avatar("whole").read_bytes()
    path.write_bytes(data)
    assert frames(engine, "changing", pack_arrays(**maps())).status_code == 200
    path.write_bytes(data[:-100])
    assert "damaged" in sentence(frames(engine, "changing", pack_arrays(**maps())), 422)


def test_frames_of_unknown_and_cut_avatars_are_refused(engine):
    body = pack_arrays(**maps(1))
    for name in ("absent", "..", "%2e%2e%2fjobs", "a%00b"):
        sentence(frames(engine, name, body), 404)
    assert "damaged" in sentence(frames(engine, "cut", body), 422)


GOOD = maps(1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no arrays",
        pack_arrays(**GOOD)[:-2000],
        pack_arrays(uv=GOOD["uv"]),
        pack_arrays(uv=GOOD["uv"], texture=GOOD["texture"][:, :128]),
        pack_arrays(uv=GOOD["uv"], texture=GOOD["texture"][0]),
        pack_arrays(uv=GOOD["uv"], texture=np.concatenate([GOOD["texture"]] * 2)),
        pack_arrays(uv=GOOD["uv"], texture=(GOOD["texture"] * 255).astype(np.uint8)),
        pack_arrays(uv=GOOD["uv"], texture=GOOD["texture"] * np.nan),
        pack_arrays(uv=GOOD["uv"][:0], texture=GOOD["texture"][:0]),
        pack_arrays(**GOOD, time_code=np.zeros((3, 2))),
        pack_arrays(**GOOD, time_code=np.array("soon")),
    ],
)
def test_malformed_maps_are_refused(engine, body):
    sentence(frames(engine, "whole", body), 422)


def test_too_many_frames_are_refused(engine):
    small = np.zeros((MOST_FRAMES + 1, 256, 256, 3), np.float16)
    assert str(MOST_FRAMES) in sentence(frames(engine, "whole", pack_arrays(uv=small, texture=small)), 422)


def test_a_body_that_is_too_large_is_refused(engine):
    assert "larger" in sentence(frames(engine, "whole", bytes(MOST_BYTES + 1)), 413)
    pieces = (bytes(1 << 20) for _ in range(MOST_BYTES // (1 << 20) + 2))
    assert "larger" in sentence(engine.client.post("/v1/avatars/whole/frames", content=pieces), 413)


def test_arrays_that_swell_when_unpacked_are_refused(engine):
    swelling = io.BytesIO()
    zeros = np.zeros((MOST_FRAMES + 1, 256, 256, 3), np.float32)
    np.savez_compressed(swelling, uv=zeros, texture=zeros)
    assert len(swelling.getvalue()) < MOST_BYTES
    sentence(frames(engine, "whole", swelling.getvalue()), 422)


def test_an_avatar_of_splats_gives_them(engine, monkeypatch):
    head = load_builtin()
    rest = head.neutral(np.zeros(len(head.identity_basis), np.float32))
    cloud = random_cloud(rest, head.triangles, 40)
    of_splats = replace(STYLEAVATAR, load=lambda config: HeldNetwork(**config), splats=lambda *_: cloud)
    monkeypatch.setitem(KINDS, "styleavatar", of_splats)
    avatar_of(HeldNetwork(False), {"held": False}, at_rest(head=head)).save(engine.home.avatar("splats"))
    client = Client(Address("127.0.0.1", engine.client.base_url.port or 0, TOKEN))
    given = client.ask_splats("splats").cloud()
    client.close()
    assert all(np.array_equal(values, given.arrays()[name]) for name, values in cloud.arrays().items())


def test_an_avatar_without_splats_says_so(engine):
    assert "not made of splats" in sentence(engine.client.get("/v1/avatars/whole/splats"), 422)
    assert "absent" in sentence(engine.client.get("/v1/avatars/absent/splats"), 404)
    client = Client(Address("127.0.0.1", engine.client.base_url.port or 0, TOKEN))
    with pytest.raises(EngineRefused, match="not made of splats"):
        client.ask_splats("whole").cloud()
    client.close()


@pytest.fixture
def rendering(engine):
    """A thread that asks for a picture, in the midst of its rendering; the answers that it gets."""
    HeldNetwork.begun.clear()
    HeldNetwork.go_on.clear()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(frames(engine, "held", pack_arrays(**maps(1)))))
    thread.start()
    assert HeldNetwork.begun.wait(300)
    yield answers
    HeldNetwork.go_on.set()
    thread.join()
    assert answers[0].status_code == 200


def test_the_engine_answers_while_it_renders(engine, rendering):
    assert engine.client.get("/v1/jobs").status_code == 200
    assert rendering == [], "the answer waited for the picture"


def test_jobs_run_while_the_engine_renders(engine, rendering):
    assert engine.wait(engine.submit("short")).state is JobState.DONE
    assert rendering == [], "the job waited for the picture"
