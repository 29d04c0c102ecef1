# SPDX-License-Identifier: GPL-3.0-or-later
"""How many cores are free: what others compute counts, what we compute ourselves does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from semblance.common import cores
from semblance.common.cores import CoreWatch, busy_seconds, own_cores


class Machine:
    """A machine whose clock goes on a second at a look, and how many cores' worth everybody and we compute."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.everybody, self.ours = 0.0, 0.0, 0.0
        monkeypatch.setattr(cores, "time", SimpleNamespace(monotonic=lambda: self.now))

    def passes(self, others: float, ours: float) -> None:
        self.now += 1.0
        self.everybody += others + ours
        self.ours += ours


@pytest.mark.parametrize(
    ("count", "others", "ours", "free"),
    [(2, 0.0, 2.0, 2), (2, 1.0, 1.0, 1), (2, 0.3, 1.7, 2), (2, 0.6, 1.4, 1), (2, 2.0, 0.0, 1), (16, 3.2, 12.0, 13),
     (1, 0.9, 0.1, 1), (4, -0.2, 4.0, 4)],
)  # fmt: skip
def test_others_take_cores_and_we_do_not(monkeypatch, count, others, ours, free):
    machine = Machine(monkeypatch)
    watch = CoreWatch(count, lambda: (machine.everybody, machine.ours))
    assert watch.free() == count
    machine.passes(others, ours)
    assert watch.free() == free


def test_it_is_noticed_when_they_come_and_go(monkeypatch):
    machine = Machine(monkeypatch)
    watch = CoreWatch(2, lambda: (machine.everybody, machine.ours))
    found = []
    for others in (0, 1, 1, 0):
        machine.passes(others, 1)
        found.append(watch.free())
    assert found == [2, 1, 1, 2]


def test_a_system_that_says_nothing_is_free():
    assert CoreWatch(8, lambda: None).free() == 8


def test_what_this_system_says_grows_with_what_we_compute():
    if (before := busy_seconds()) is None:
        pytest.skip("this system does not say how busy it is")
    deadline = time.process_time() + 0.5
    while time.process_time() < deadline:
        pass
    after = busy_seconds()
    assert after is not None
    if not hasattr(os, "nice") or os.nice(0) <= 0:
        assert after[1] - before[1] > 0.3
        assert after[0] - before[0] > 0.3
    assert own_cores() >= 1


def test_threads_that_wait_rest_unless_the_user_wants_otherwise():
    """The engine says so before PyTorch is imported, which reads it once."""
    script = """
import os, sys
from semblance.engine.commands import cli
sys.argv = ["semblance", "--help"]
try:
    cli.main()
except SystemExit:
    pass
assert "torch" not in sys.modules
print(os.environ["GOMP_SPINCOUNT"], os.environ["KMP_BLOCKTIME"], file=sys.stderr)
"""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    asked = {**given, "KMP_BLOCKTIME": "7"}
    said = subprocess.run([sys.executable, "-c", script], env=asked, capture_output=True, text=True, check=True)
    assert said.stderr.split() == ["20000", "7"]
