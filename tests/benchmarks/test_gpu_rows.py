# SPDX-License-Identifier: GPL-3.0-or-later
"""A benchmark's rows: none is lost by another's failure, and there is an end."""

from __future__ import annotations

import sys

from semblance.benchmarks.gpu_rows import Row, figures_of

SCRIPTS = {
    "fine": "print('warming up'); print('4.00 ms')",
    "broken": "import sys; print('1 ms'); sys.exit('CUDA error: an illegal memory access was encountered')",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "endless": "import time; time.sleep(60)",
}


def command(row):
    return [sys.executable, "-c", SCRIPTS[row.name]]


def test_every_row_is_there_whatever_happens_to_the_others():
    rows = [Row("broken", 30), Row("killed", 30), Row("endless", 1), Row("fine", 30)]
    assert [(row.name, figures) for row, figures in figures_of(rows, command, 600)] == [
        ("broken", "failed: CUDA error: an illegal memory access was encountered"),
        ("killed", "failed: nothing was said"),
        ("endless", "failed: was not done after 1 s"),
        ("fine", "4.00 ms"),
    ]


def test_rows_for_which_no_time_is_left_say_so():
    times = iter([0.0, 0.0, 700.0, 719.0])
    rows = [Row("fine", 30), Row("fine", 30), Row("fine", 30)]
    figures = [said for _, said in figures_of(rows, command, 720, lambda: next(times))]
    assert figures == ["4.00 ms", "4.00 ms", "left out: 12 minutes were over"]
