# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that another machine does: results lie here as if they had been made here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from semblance.engine.commands.cli import main
from semblance.tests.makers.remote_engines import TOKEN, remote_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from semblance.tests.makers.remote_engines import RemoteEngine


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteEngine]:
    folder = tmp_path_factory.mktemp("machines")
    with remote_engine(folder) as engine:
        (folder / "there" / "trained.safetensors").write_bytes(avatar_like())
        yield engine


def avatar_like() -> bytes:
    """A file with the header of an avatar's."""
    description = json.dumps({"head": "flame", "head_path": "/srv/flame.pkl"})
    header = json.dumps({"__metadata__": {"format": "semblance-avatar", "description": description}}).encode()
    return len(header).to_bytes(8, "little") + header + b"weights"


def test_track_and_build_there_leave_their_results_here(there, tmp_path, monkeypatch, capsys):
    video, home = tmp_path / "clip.mp4", tmp_path / "home"
    video.write_bytes(b"footage" * 1000)
    monkeypatch.setenv("SEMBLANCE_HOME", str(home))
    monkeypatch.setenv("SEMBLANCE_ENGINE_FINGERPRINT", there.fingerprint)
    (tmp_path / "token").write_text(TOKEN + "\n")
    monkeypatch.setenv("SEMBLANCE_ENGINE_TOKEN_FILE", str(tmp_path / "token"))
    main_(["track", str(video), "--engine", there.url])
    dataset = home / "datasets" / "clip"
    assert f"dataset: {dataset}" in capsys.readouterr().out
    assert (dataset / "performance.npz").is_file()
    main_(["build", "clip", "--consent", "all", "--engine", there.url])
    avatar = home / "avatars" / "clip.safetensors"
    assert f"avatar: {avatar}" in capsys.readouterr().out
    assert avatar.read_bytes().endswith(b"weights")
    assert b"/srv" not in avatar.read_bytes()


def main_(words: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert not left.value.code


def test_what_keeps_the_other_machine_from_it_is_one_sentence(there, tmp_path, monkeypatch, capsys):
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"footage")
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))

    def said(url: str) -> str:
        with pytest.raises(SystemExit) as left:
            main(["track", str(video), "--engine", url])
        assert left.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        return lines[0]

    assert "SEMBLANCE_ENGINE_TOKEN" in said(there.url)
    monkeypatch.setenv("SEMBLANCE_ENGINE_TOKEN", "Schlüssel")
    assert "characters that no token has" in said(there.url)
    monkeypatch.setenv("SEMBLANCE_ENGINE_TOKEN", "wrong")
    assert f"compare {there.fingerprint}" in said(there.url)
    assert "write https://" in said("http://192.168.1.20:8765")
    monkeypatch.setenv("SEMBLANCE_ENGINE_FINGERPRINT", there.fingerprint)
    assert "does not accept the token" in said(there.url)
    assert "cannot be reached" in said("https://127.0.0.1:9")
