# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine on another machine does for Blender what one on this machine does: over TLS, with files up and down."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from semblance.blender_addon.engine import avatar_files, frame_service, jobs, tokens
from semblance.blender_addon.engine.jobs import attend, connecting, follow, run_to_end
from semblance.blender_addon.engine.process import EnginePlace
from semblance.common.errors import UserError
from semblance.common.home import Home
from semblance.engine.jobs.avatar_heads import copy_with_head
from semblance.neural.kinds import KINDS
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.protocol import known_engines, remote_jobs, transfers
from semblance.protocol import messages as protocol_messages
from semblance.protocol.client import CertificateChanged, EngineRefused, UnknownCertificate, WrongToken
from semblance.protocol.inputs import Maps
from semblance.protocol.jobs import Build, JobKind, Reenact, Track
from semblance.protocol.look import USUAL_LOOK
from semblance.protocol.messages import Job, JobState
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.remote_engines import TOKEN, proxy_to, remote_engine
from semblance.tracking.performances.performance import Performance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from semblance.tests.makers.remote_engines import RemoteEngine

MEGABYTE = 1_000_000


class Copies(torch.nn.Module):
    """A network that gives the texture map back."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(4))

    def forward(self, uv: torch.Tensor, texture: torch.Tensor, time_code: torch.Tensor) -> torch.Tensor:
        return torch.cat([texture, uv[:, 2:]], 1)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteEngine]:
    folder = tmp_path_factory.mktemp("machines")
    with pytest.MonkeyPatch.context() as patch, remote_engine(folder) as engine:
        patch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda config: Copies()))
        avatar_of(Copies(), {}).save(folder / "there" / "trained.safetensors")
        yield engine


@pytest.fixture
def place(tmp_path: Path, there: RemoteEngine) -> Iterator[EnginePlace]:
    """How this machine reaches it; its certificate was accepted."""
    (tmp_path / "here").mkdir()
    yield reached(tmp_path / "here", there.port, there.fingerprint)
    frame_service.forget_all()


def reached(home: Path, port: int, fingerprint: str) -> EnginePlace:
    known_engines.accept(home, f"127.0.0.1:{port}", fingerprint)
    return EnginePlace(home, url=f"https://127.0.0.1:{port}", token=TOKEN)


def footage_in(folder: Path, size: int = 3 * MEGABYTE) -> Path:
    source = folder / "My Interview.mp4"
    source.write_bytes(np.random.default_rng(size).bytes(size))
    return source


@pytest.mark.slow
def test_from_footage_to_a_frame_on_another_machine(place, there, tmp_path):
    source, texts = footage_in(tmp_path), []
    tracked = run_to_end(
        follow(place, Track(source=str(source), dataset="my_interview")), lambda bar: texts.append(bar.text), 0.002
    )
    assert any(text.startswith("Sending My Interview.mp4") and "of 3.0 MB" in text for text in texts), texts
    dataset = Home(place.home).datasets / tracked.result["dataset"].rpartition("/")[2]
    assert tracked.result["dataset"] == str(dataset)
    assert dataset.name.startswith("my_interview_")
    assert tracked.parameters["source"] == str(source)
    performance = Performance.load(dataset / "performance.npz")
    assert performance.source == performance.extra["made_from"] == str(source)
    assert performance.extra["clean_plate"] == str(dataset / "clean_plate.png")
    assert json.loads((dataset / "dataset.json").read_text())["sound"] == str(source)
    assert (dataset / "image" / "000001.jpg").read_bytes() == source.read_bytes()[:1000]

    texts.clear()
    built = run_to_end(
        follow(place, Build(dataset=str(dataset), avatar="mine")), lambda bar: texts.append(bar.text), 0.002
    )
    assert not any(text.startswith("Sending") for text in texts), "the engine has the dataset"
    avatar = built.result["avatar_id"]
    assert Home(place.home).avatar(avatar).is_file()
    assert built.result["avatar"] == str(Home(place.home).avatar(avatar))
    maps = Maps(*np.random.default_rng(1).random((2, 1, 256, 256, 3)).astype(np.float16))
    pictures = frame_service.avatar_pictures(place, avatar, maps, USUAL_LOOK)
    assert pictures.rgba.shape == (1, 256, 256, 4)

    film = tmp_path / "films" / "film.mp4"
    done = run_to_end(follow(place, Reenact(avatar=avatar, driver=str(source), out=str(film))))
    assert done.result["out"] == str(film)
    assert film.read_bytes() == source.read_bytes() + b" drives " + avatar.encode()


def test_nothing_that_the_engine_says_names_a_path_of_its_machine(place, there, tmp_path):
    source = footage_in(tmp_path, 1000)
    job = run_to_end(follow(place, Track(source=str(source), dataset="d")))
    client = run_to_end(connecting(place))
    for path in ("/v1/status", "/v1/jobs", f"/v1/jobs/{job.id}", f"/v1/jobs/{job.id}/files", "/v1/datasets"):
        said = client.ask("GET", path).wait_for_bytes(30.0).decode()
        assert str(there.home.folder) not in said
        assert str(tmp_path) not in said
    with pytest.raises(EngineRefused, match="names a path"):
        client.submit(Track(source="/etc/passwd", dataset="d"))
    client.close()


@pytest.mark.slow
def test_a_local_dataset_is_sent_once_and_its_build_goes_on_under_the_same_name(place, there, tmp_path):
    tracked = run_to_end(follow(place, Track(source=str(footage_in(tmp_path, 5000)), dataset="d")))
    dataset = tmp_path / "own"
    Home(place.home).dataset(tracked.result["dataset"]).rename(dataset)
    (dataset / "image" / "000002.jpg").write_bytes(b"another picture")
    names = [
        run_to_end(follow(place, Build(dataset=str(dataset), avatar=str(tmp_path / "me.safetensors")))).result
        for _ in range(2)
    ]
    assert names[0] == names[1]
    assert names[0]["avatar"] == str(tmp_path / "me.safetensors")
    assert (tmp_path / "me.safetensors").is_file()
    assert len([each for each in there.home.datasets.iterdir() if each.name.startswith("own_")]) == 1


def test_a_broken_transfer_goes_on_where_it_was(there, tmp_path, monkeypatch):
    monkeypatch.setattr(transfers, "PIECE", MEGABYTE)
    monkeypatch.setattr(transfers, "SECONDS_BETWEEN_ATTEMPTS", 0.05)
    source = footage_in(tmp_path, 8 * MEGABYTE + 1)
    (tmp_path / "here").mkdir()
    with proxy_to(there.port) as proxy:
        proxy.budget = 4.5 * MEGABYTE
        place = reached(tmp_path / "here", proxy.port, there.fingerprint)
        run_to_end(follow(place, Track(source=str(source), dataset="d")), pause=0.002)
        assert proxy.budget == float("inf"), "it broke"
        assert 8 * MEGABYTE < proxy.sent < 9.7 * MEGABYTE, "no more than a piece was sent again"


def test_an_avatar_of_this_machine_is_sent_and_no_head_of_that_machine_is_named(place, there, tmp_path):
    avatar = tmp_path / "me.safetensors"
    data = (there.home.folder.parent / "trained.safetensors").read_bytes()
    avatar.write_bytes(data)
    name, said = run_to_end(avatar_files.sending(place, avatar))
    assert (name, said["kind"]) == (f"me_{hashlib.sha256(data).hexdigest()[:6]}", "styleavatar")
    assert run_to_end(avatar_files.sending(place, avatar))[0] == name
    copy_with_head(avatar, avatar, str)
    changed = avatar.read_bytes().replace(b'\\"head_path\\": \\"\\"', b'\\"head_path\\": \\"/etc/passwd\\"')
    assert b"/etc/passwd" in changed
    length = int.from_bytes(changed[:8], "little") + len("/etc/passwd")
    avatar.write_bytes(length.to_bytes(8, "little") + changed[8:])
    name, _ = run_to_end(avatar_files.sending(place, avatar))
    assert b"/etc/passwd" not in there.home.avatar(name).read_bytes()
    (tmp_path / "wrong.safetensors").write_bytes(b"x" * 100)
    client = run_to_end(connecting(place))
    with pytest.raises(EngineRefused, match="not an avatar"):
        run_to_end(jobs.moving(remote_jobs.avatar_sent(client.address, tmp_path / "wrong.safetensors")))
    client.close()


def test_a_file_that_changes_on_the_way_is_refused(place, there, tmp_path):
    source = footage_in(tmp_path, 2000)
    client = run_to_end(connecting(place))
    with pytest.raises(EngineRefused, match="not what its name says"):
        run_to_end(jobs.moving(transfers.sending(client.address, source, "0" * 64)))
    client.close()


def test_who_answers_is_known_by_its_certificate(place, there, tmp_path):
    unknown = EnginePlace(tmp_path, url=there.url, token=TOKEN)
    with pytest.raises(UnknownCertificate, match=there.fingerprint):
        run_to_end(connecting(unknown))
    another = ("01" if there.fingerprint.startswith("00") else "00") + there.fingerprint[2:]
    known_engines.accept(tmp_path, f"127.0.0.1:{there.port}", another)
    with pytest.raises(CertificateChanged, match=there.fingerprint):
        run_to_end(connecting(unknown))
    with pytest.raises(WrongToken):
        run_to_end(connecting(replace(place, token="wrong")))
    with pytest.raises(UserError, match="characters that no token has"):
        run_to_end(connecting(replace(place, token="Schlüssel")))


def test_an_engine_of_another_version(place, monkeypatch):
    monkeypatch.setattr("semblance.engine.serving.server.VERSION", protocol_messages.VERSION + 1)
    with pytest.raises(EngineRefused, match="do not fit together; update this extension"):
        run_to_end(connecting(place))


@pytest.mark.slow
def test_long_ways_make_no_step_of_blender_s_wait(there, tmp_path):
    source = footage_in(tmp_path, MEGABYTE)
    (tmp_path / "here").mkdir()
    with proxy_to(there.port) as proxy:
        place = reached(tmp_path / "here", proxy.port, there.fingerprint)
        run_to_end(connecting(place)).close()  # what is made once, such as contexts, is made now
        proxy.delay = 0.3
        longest, steps, task = 0.0, 0, follow(place, Track(source=str(source), dataset="d"))
        while True:
            began = time.thread_time()
            wall = time.monotonic()
            try:
                next(task)
            except StopIteration:
                break
            waited = (time.monotonic() - wall) - (time.thread_time() - began)
            longest, steps = max(longest, waited), steps + 1
            time.sleep(0.005)
        assert steps > 50
        assert longest < 0.25, "a step waited for an answer"


def test_a_token_is_kept_in_a_file_of_its_own_where_there_is_no_keyring(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "keyring", lambda: "")
    url = "https://gpu.example:8765"
    where = run_to_end(jobs.as_bars(tokens.keeping(tmp_path, url, f" {TOKEN}\n")))
    assert where == f"file {tmp_path / tokens.FILE}, which only you may read"
    assert (tmp_path / tokens.FILE).stat().st_mode & 0o777 == 0o600
    tokens._known.clear()
    assert run_to_end(jobs.as_bars(tokens.finding(tmp_path, url))) == TOKEN
    with pytest.raises(UserError, match="characters that no token has"):
        run_to_end(jobs.as_bars(tokens.keeping(tmp_path, url, "Schlüssel")))


def test_a_token_is_kept_by_the_system_s_keyring_and_never_among_the_words_of_a_command(tmp_path, monkeypatch):
    tool = tmp_path / "secret-tool"
    tool.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/words\nif [ $1 = store ]; then cat > {tmp_path}/kept; '
        f"else cat {tmp_path}/kept; fi\n"
    )
    tool.chmod(0o755)
    monkeypatch.setattr(tokens.sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    url = "https://gpu.example:8765"
    assert "keyring" in run_to_end(jobs.as_bars(tokens.keeping(tmp_path, url, TOKEN)))
    tokens._known.clear()
    assert run_to_end(jobs.as_bars(tokens.finding(tmp_path, url))) == TOKEN
    assert TOKEN not in (tmp_path / "words").read_text()
    assert not (tmp_path / tokens.FILE).exists()


def test_a_job_of_before_blender_began_is_brought_too(place, tmp_path):
    source = footage_in(tmp_path, 4000)
    asked = run_to_end(follow(place, Track(source=str(source), dataset="d")))
    client = run_to_end(connecting(place))
    found = client.job(asked.id)
    client.close()
    again = run_to_end(attend(place, found))
    assert again.result["dataset"] == asked.result["dataset"]
    assert again.parameters["source"] == str(source)


@pytest.mark.parametrize("name", ["..", "../x", "/etc/x", ".hidden", ""])
def test_an_engine_cannot_say_where_on_this_machine_its_results_go(tmp_path, name):
    home = Home(tmp_path)
    job = Job("j1", JobKind.TRACK, JobState.DONE, {"source": "x.mp4", "dataset": name}, result={"dataset": name})
    try:
        here = remote_jobs.localised(job, home, remote_jobs.Notes())
    except EngineRefused:
        return
    target = here.parameters["dataset"]
    assert not target or home.dataset(Path(target).name) == Path(target)


def test_a_folder_of_something_else_is_not_replaced_by_a_dataset(place, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(UserError, match="is no dataset and not empty"):
        run_to_end(follow(place, Track(source=str(footage_in(tmp_path, 100)), dataset=str(tmp_path / "mine"))))
