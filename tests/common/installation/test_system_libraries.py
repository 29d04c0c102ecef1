# SPDX-License-Identifier: GPL-3.0-or-later
"""Missing graphics libraries are named by package, with the command that installs them."""

from __future__ import annotations

import pytest
from semblance.common.errors import UserError
from semblance.common.installation import system_libraries


def test_missing_system_libraries_are_named_by_package(monkeypatch):
    there_and_not = {"libc.so.6": "libc6", "libdoes-not-exist.so.0": "libdoes-not-exist0"}
    monkeypatch.setattr(system_libraries, "LIBRARIES", there_and_not)
    assert list(system_libraries.missing_packages()) == ["libdoes-not-exist0"]


def test_someone_who_is_not_root_is_told_the_command(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(system_libraries, "LIBRARIES", {"libdoes-not-exist.so.0": "libdoes-not-exist0"})
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(UserError, match=r"sudo apt-get install .*libdoes-not-exist0"):
        system_libraries.require_libraries()
