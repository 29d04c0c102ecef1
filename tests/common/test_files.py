# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are whole or absent, whatever lies at their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semblance.common.errors import UserError
from semblance.common.files import LONGEST_NAME, hidden_beside, written_whole


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "there.csv").write_text("before")
    (tmp_path / "here.csv").symlink_to(tmp_path / "disk" / "there.csv")
    with written_whole(tmp_path / "here.csv") as partial:
        partial.write_text("after")
    assert (tmp_path / "here.csv").is_symlink()
    assert (tmp_path / "disk" / "there.csv").read_text() == "after"
    assert names_in(tmp_path / "disk") == ["there.csv"]


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="is a link that leads nowhere"), written_whole(tmp_path / "a"):
        pass


def test_a_folder_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder; choose another name"), written_whole(tmp_path):
        pass
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UserError, match="is no file; choose another name"), written_whole(tmp_path / "pipe"):
            pass
        assert names_in(tmp_path) == ["pipe"]


@pytest.mark.parametrize("name", ["x" * 251 + ".csv", "資" * 83 + ".csv", "-rf.csv", ".csv", "take."])
def test_any_name_that_the_disk_takes(tmp_path: Path, name: str) -> None:
    with written_whole(tmp_path / name) as partial:
        assert partial.name.endswith(Path(name).suffix)
        partial.write_text("whole")
    assert (tmp_path / name).read_text() == "whole"
    assert names_in(tmp_path) == [name]


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=LONGEST_NAME))
def test_hidden_names_fit_and_differ(name: str) -> None:
    if name in (".", ".."):
        return
    hidden, other = (
        hidden_beside(Path("takes") / name, ".partial"),
        hidden_beside(Path("takes") / f"{name}2", ".partial"),
    )
    assert hidden.parent == Path("takes")
    assert hidden != other
    assert hidden.name.startswith(".")
    assert hidden.name.endswith(".partial")
    assert len(hidden.name.encode()) <= LONGEST_NAME
