# SPDX-License-Identifier: GPL-3.0-or-later
"""Files come whole, go on after a break, and are what their hash says."""

from __future__ import annotations

import pytest
from semblance.common.errors import UserError
from semblance.common.installation import downloads
from semblance.common.installation.downloads import bring
from semblance.common.installation.indexes import Found, files_of
from semblance.common.installation.telling import Meter, Teller, last_told

from tests.makers.wheels import make_wheel, serving, sha256_of


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE", 0.01)


@pytest.fixture
def server(tmp_path):
    make_wheel(tmp_path / "wheels", "alpha", "1.0", padding=200_000)
    with serving(tmp_path / "wheels") as server:
        yield server


def the_file(server) -> Found:
    (file,) = files_of(server.index, "alpha")
    return file


def test_a_break_is_gone_on_from_by_itself(server, tmp_path):
    server.break_after = 90_000
    counts: list[int] = []
    brought = bring(the_file(server), tmp_path / "wheels" / "..", counts.append)
    assert sha256_of(brought) == the_file(server).sha256
    assert [asked for path, asked in server.requests if "files" in path] == ["", "bytes=90000-", "bytes=180000-"]
    assert counts == sorted(counts)
    assert counts[-1] == brought.stat().st_size


def test_what_came_is_kept_for_the_next_try(server, tmp_path):
    server.break_after = 20_000
    with pytest.raises(UserError, match=r"alpha.*did not come whole.*kept"):
        bring(the_file(server), tmp_path, lambda _have: None)
    kept = (tmp_path / "alpha-1.0-py3-none-any.whl.partial").stat().st_size
    assert kept == downloads.TRIES * 20_000
    server.break_after = 0
    counts: list[int] = []
    bring(the_file(server), tmp_path, counts.append)
    assert server.requests[-2:][0][1] == f"bytes={kept}-" or server.requests[-1][1] == f"bytes={kept}-"
    assert counts[0] == kept
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_that_is_there_is_not_asked_for_again(server, tmp_path):
    file = the_file(server)
    bring(file, tmp_path, lambda _have: None)
    asked = len(server.requests)
    bring(file, tmp_path, lambda _have: None)
    assert len(server.requests) == asked


def test_another_file_of_that_name_is_not_kept(server, tmp_path):
    wrong = Found(the_file(server).name, the_file(server).url, "0" * 64)
    with pytest.raises(UserError, match="not the file that was asked for"):
        bring(wrong, tmp_path, lambda _have: None)
    assert not list(tmp_path.glob("alpha*"))


def test_a_server_that_says_no_is_named(server, tmp_path):
    gone = Found("beta-1.0-py3-none-any.whl", f"http://127.0.0.1:{server.port}/files/beta-1.0-py3-none-any.whl", "0")
    with pytest.raises(UserError, match=r"127\.0\.0\.1 answered 404"):
        bring(gone, tmp_path, lambda _have: None)


def test_bytes_and_time_left_are_told(capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("semblance.common.installation.telling.time.monotonic", lambda: clock[0])
    meter = Meter(Teller(0.0, 0.5))
    meter.expected = 300_000_000
    count = meter.of("torch")
    count(100_000_000)  # of an earlier try: says nothing about the rate
    clock[0] = 10.0
    count(150_000_000)
    count = meter.of("numpy")
    clock[0] = 20.0
    count(0)
    count(50_000_000)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "16.7 % Fetching torch: 100 of 300 MB"
    assert printed[1] == "25.0 % Fetching torch: 150 of 300 MB, 30 s left"
    assert last_told("\n".join(printed))[0] == pytest.approx(0.25)
    assert last_told("Traceback …") is None
