# SPDX-License-Identifier: GPL-3.0-or-later
"""Two set-ups of one folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from semblance.common.errors import UserError
from semblance.common.installation.alone import alone


def test_the_second_is_told_and_a_dead_one_does_not_count(tmp_path):
    folder = tmp_path / "home" / "environment"
    mark = folder.with_name("environment.process")
    with alone(folder):
        assert mark.read_text() == str(os.getpid())
    assert not mark.exists()
    mark.write_text(str(os.getppid()))
    with pytest.raises(UserError, match="another process"), alone(folder):
        pass
    assert mark.exists(), "it is the other's"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mark.write_text(str(ended.pid))
    with alone(folder):
        pass
