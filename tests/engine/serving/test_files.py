# SPDX-License-Identifier: GPL-3.0-or-later
"""Files go up and down in pieces by their contents, and nothing comes in under another name than its own."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.engine.jobs import file_store
from semblance.engine.jobs.file_store import SECONDS_KEPT, FileStore
from semblance.engine.jobs.references import materialised, refuse_paths
from semblance.engine.serving.files import MOST_PIECE
from semblance.engine.serving.visibility import Discreet
from semblance.protocol.archives import likeness, packing, unpacking
from semblance.protocol.jobs import Build, JobKind, Reenact, Track
from semblance.protocol.messages import Job, JobState
from semblance.protocol.references import Reference, plain_name
from semblance.tests.engine.serving.test_endpoints import sentence
from semblance.tests.makers.performances import at_rest
from semblance.tracking.performances.performance import Performance

DATA = bytes(range(256)) * 40


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put(engine, digest: str, start: int, piece: bytes, total: int):
    headers = {"Content-Range": f"bytes {start}-{start + len(piece) - 1}/{total}"}
    return engine.client.put(f"/v1/files/{digest}", content=piece, headers=headers)


def here(engine, digest: str) -> tuple[str, str]:
    answer = engine.client.head(f"/v1/files/{digest}")
    assert answer.status_code == 204
    return answer.headers["upload-offset"], answer.headers["upload-complete"]


def test_a_file_comes_in_pieces_goes_on_where_it_was_and_goes_out_in_parts(engine):
    digest = digest_of(DATA)
    assert here(engine, digest) == ("0", "?0")
    assert put(engine, digest, 0, DATA[:4000], len(DATA)).json() == {"sha256": digest, "bytes": 4000, "whole": False}
    assert here(engine, digest) == ("4000", "?0")
    assert "go on from there" in sentence(put(engine, digest, 5000, DATA[5000:], len(DATA)), 409)
    sentence(engine.client.get(f"/v1/files/{digest}"), 404)
    assert put(engine, digest, 4000, DATA[4000:], len(DATA)).json()["whole"]
    assert here(engine, digest) == (str(len(DATA)), "?1")
    assert put(engine, digest, 0, DATA[:9], len(DATA)).json()["whole"], "it is there already"
    assert engine.client.get(f"/v1/files/{digest}").content == DATA
    part = engine.client.get(f"/v1/files/{digest}", headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, DATA[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(DATA)}"
    assert engine.client.get(f"/v1/files/{digest}", headers={"Range": "bytes=10000-"}).content == DATA[10000:]
    sentence(engine.client.get(f"/v1/files/{digest}", headers={"Range": "bytes=99999-"}), 416)
    sentence(engine.client.get(f"/v1/files/{digest}", headers={"Range": "lines=1-2"}), 422)


def test_contents_that_are_not_what_their_name_says_are_refused_and_not_kept(engine):
    digest = digest_of(b"something else")
    assert "not what its name says" in sentence(put(engine, digest, 0, DATA, len(DATA)), 422)
    assert here(engine, digest) == ("0", "?0")
    sentence(engine.client.get(f"/v1/files/{digest}"), 404)


def test_what_is_too_large_or_said_wrong_is_refused_before_it_is_taken(engine, monkeypatch):
    digest = digest_of(b"large")
    assert "64 GB" in sentence(put(engine, digest, 0, b"x", 1 << 40), 422)
    assert "16777216 bytes" in sentence(put(engine, digest, 0, b"x" * (MOST_PIECE + 1), 1 << 30), 413)
    wrong = {"Content-Range": "bytes 0-9/10"}
    assert "has 3 bytes" in sentence(engine.client.put(f"/v1/files/{digest}", content=b"abc", headers=wrong), 422)
    sentence(engine.client.put(f"/v1/files/{digest}", content=b"abc"), 422)
    sentence(engine.client.put("/v1/files/..%2Fengine.json", content=b"abc", headers=wrong), 404)
    full = SimpleNamespace(free=10)
    monkeypatch.setattr(file_store, "shutil", SimpleNamespace(disk_usage=lambda _: full, rmtree=shutil.rmtree))
    assert "is full" in sentence(put(engine, digest, 0, b"abc", 1 << 20), 422)


def test_a_token_is_needed(engine):
    answer = engine.client.put(f"/v1/files/{digest_of(DATA)}", content=b"x", headers={"Authorization": "Bearer no"})
    sentence(answer, 401)


def test_files_that_no_job_needs_go_when_they_are_old(tmp_path):
    old, needed, new = (digest_of(name) for name in (b"old", b"needed", b"new"))
    store = FileStore(tmp_path / "files", lambda: [needed])
    for digest, data in ((old, b"old"), (needed, b"needed"), (new, b"new")):
        store.add(digest, 0, len(data), data)
    long_ago = time.time() - SECONDS_KEPT - 60
    for digest in (old, needed):
        os.utime(tmp_path / "files" / digest / "content", (long_ago, long_ago))
    store.clean()
    assert store.content(old) is None
    assert store.content(needed)
    assert store.content(new)
    store.clean(wanted=1 << 60)
    assert [each.name for each in (tmp_path / "files").iterdir()] == [needed]


def test_a_job_may_name_what_was_sent_and_where_it_is_written_is_the_engine_s(engine):
    store = FileStore(engine.home.files)
    store.add(digest_of(DATA), 0, len(DATA), DATA)
    film = Reference(digest_of(DATA), "clip.mp4")
    job = materialised(Reenact(avatar="me", driver=str(film), out="film.mp4"), engine.home, store)
    assert Path(job.driver).read_bytes() == DATA
    assert Path(job.driver).name == "clip.mp4"
    assert (Path(job.out).name, Path(job.out).parent.parent) == ("film.mp4", engine.home.outputs)
    with pytest.raises(UserError, match=r"does not have the file other\.mp4"):
        materialised(Track(source=f"sha256:{'0' * 64}/other.mp4", dataset="d"), engine.home, store)
    answer = engine.client.post(
        "/v1/jobs", json={"kind": "track", "parameters": {"source": f"sha256:{'0' * 64}/../x", "dataset": "d"}}
    )
    assert "absolute" in sentence(answer, 422)


def test_an_engine_for_other_machines_reads_no_path_and_tells_none(engine):
    for job in (
        Track(source="/etc/passwd", dataset="d"),
        Track(source=f"sha256:{'0' * 64}/a.mp4", dataset="/mine/d"),
        Build(dataset="/d", avatar="a"),
        Build(dataset="d", avatar="/a.safetensors"),
    ):
        with pytest.raises(UserError, match="names a path"):
            refuse_paths(job)
    refuse_paths(Track(source=f"sha256:{'0' * 64}/a.mp4", dataset="d"))
    store = FileStore(engine.home.files)
    store.add(digest_of(DATA), 0, len(DATA), DATA)
    source = Reference(digest_of(DATA), "clip.mp4")
    shown = Discreet(engine.home, store).job(
        Job(
            "1",
            JobKind.TRACK,
            JobState.FAILED,
            {"source": str(store.named(source)), "dataset": str(engine.home.dataset("d"))},
            error=f"{engine.home.datasets / 'My Take'} is damaged (log: /var/log/x/y.txt); see C:\\Users\\me\\a.txt.",
            result={"avatar": str(engine.home.avatar("me")), "out": "/mine/a/film.mp4"},
        )
    )
    assert shown.parameters == {"source": str(source), "dataset": "d"}
    assert shown.result == {"avatar": "me", "out": "film.mp4"}
    assert shown.error == "datasets/My Take is damaged (log: y.txt); see a.txt."
    assert Discreet(engine.home, store).text("3 / 4 of https://x.org/a, and/or 1/2") == (
        "3 / 4 of https://x.org/a, and/or 1/2"
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """The folder of something like a dataset that names files within and outside."""
    folder = tmp_path / "here" / "clip"
    (folder / "image").mkdir(parents=True)
    (folder / "image" / "000001.jpg").write_bytes(b"picture")
    (folder / "clean_plate.png").write_bytes(b"plate")
    (folder / ".hidden").write_bytes(b"x")
    (folder / "dataset.json").write_text(f'{{"size": 256, "sound": "{tmp_path}/clip.mp4"}}')
    extra = {"clean_plate": str(folder / "clean_plate.png"), "made_from": str(tmp_path / "clip.mp4"), "note": "a / b"}
    performance = at_rest()
    performance = Performance(**{**vars(performance), "source": "/home/me/secret/clip.mp4", "extra": extra})
    performance.save(folder / "performance.npz")
    return folder


def all_of(steps) -> None:
    deque(steps, maxlen=0)


def test_a_dataset_is_carried_whole_and_names_no_file_of_the_other_machine(tmp_path, dataset):
    known = f"sha256:{digest_of(DATA)}/clip.mp4"
    archives = [tmp_path / "1.tar", tmp_path / "2.tar"]
    for archive in archives:
        all_of(packing(dataset, archive, lambda path: known if path == f"{tmp_path}/clip.mp4" else Path(path).name))
    assert archives[0].read_bytes() == archives[1].read_bytes()
    assert str(tmp_path).encode() not in archives[0].read_bytes()
    assert str(tmp_path).encode("utf-32-le") not in archives[0].read_bytes()
    assert "secret".encode("utf-32-le") not in archives[0].read_bytes()
    there = tmp_path / "there" / "clip"
    there.mkdir(parents=True)
    (there / "notes.txt").write_text("mine")
    (there / "plate.mp4").write_text("of before")
    all_of(unpacking(archives[0], there, lambda text: "/mine/clip.mp4" if text == known else text))
    assert sorted(each.name for each in there.iterdir()) == [
        "clean_plate.png", "dataset.json", "image", "notes.txt", "performance.npz"
    ]  # fmt: skip
    assert likeness(there) == likeness(dataset)
    said = Performance.load(there / "performance.npz")
    assert said.source == "clip.mp4"
    assert said.extra == {
        "clean_plate": str(there / "clean_plate.png"), "made_from": "/mine/clip.mp4", "note": "a / b"
    }  # fmt: skip
    assert np.array_equal(said.expression, Performance.load(dataset / "performance.npz").expression)
    assert '"sound": "/mine/clip.mp4"' in (there / "dataset.json").read_text()


@pytest.mark.parametrize("kind", ["outside", "absolute", "link", "hidden", "cut", "none"])
def test_an_archive_that_leads_elsewhere_is_refused(tmp_path, kind):
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w:") as opened:
        name = {"outside": "../out.txt", "absolute": "/mine/out.txt", "hidden": "image/.x"}.get(kind, "a.txt")
        member = tarfile.TarInfo(name)
        if kind == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        member.size = 0 if kind == "link" else 3000
        opened.addfile(member, io.BytesIO(b"x" * 3000))
    if kind == "cut":
        archive.write_bytes(archive.read_bytes()[:1000])
    if kind == "none":
        archive.write_bytes(b"x" * 5000)
    with pytest.raises(UserError, match="is damaged or is none"):
        all_of(unpacking(archive, tmp_path / "folder", str))
    assert not (tmp_path / "folder").exists()


def test_a_sent_performance_names_no_other_file_of_the_engine_s_machine(engine, dataset):
    store = FileStore(engine.home.files)
    data = (dataset / "performance.npz").read_bytes()
    store.add(digest_of(data), 0, len(data), data)
    driver = str(Reference(digest_of(data), "performance.npz"))
    job = materialised(Reenact(avatar="me", driver=driver, out="film.mp4"), engine.home, store)
    assert Performance.load(job.driver).source == "clip.mp4"


@pytest.mark.parametrize("name", ["a.mp4", "Überraschung 1.MOV", "(1) “x”.mp4", "…", "x" * 300 + ".mp4", ".hidden", ""])
def test_every_file_can_be_called_something(name):
    assert Reference.read(f"sha256:{'0' * 64}/{plain_name(name)}")
