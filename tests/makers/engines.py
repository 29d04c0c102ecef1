# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines to test against: real processes and a real server, with tasks that only pretend and without PyTorch."""

from __future__ import annotations

import shlex
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import semblance

if TYPE_CHECKING:
    from collections.abc import Callable

STAND_IN_WORKER = """
    import base64, os, sys, time
    from pathlib import Path
    from semblance.common.errors import UserError
    from semblance.common.home import default_home
    from semblance.common.progress import Cancelled, GoodEnough, Progress
    from semblance.protocol.jobs import JobKind
    from semblance.engine.jobs import tasks, worker

    def steps(parameters, listener):
        place = getattr(parameters, "source", "") or getattr(parameters, "dataset", "short")
        what = Path(place).name
        if what == "crash": os._exit(3)
        if what == "fault": raise ZeroDivisionError
        if what == "no_face": raise UserError("There is no face in no_face; choose other footage.")
        if what == "deaf":
            (Path(sys.argv[1]) / "deaf").touch()
            time.sleep(600)
        count = 100_000 if what == "long" else 5
        picture = Path(sys.argv[1]) / "preview.png"
        picture.write_bytes(b"\\x89PNG picture")
        may_end, stage = parameters.may_end, "Training" if parameters.may_end else "Working"
        if may_end:
            losses = [f'{{"step": {i + 1}, "seconds": {i}, "l1": {1 / (i + 1)}}}\\n' for i in range(1000)]
            picture.with_name("curves.jsonl").write_text("".join(losses))
            picture.write_bytes(base64.b64decode({dot!r}))
        try:
            for i in range(count):
                left = (count - i) * 0.05
                try:
                    listener(Progress(stage, i + 1, count, f"step {i + 1}", left, str(picture), may_end))
                except GoodEnough:
                    break
                time.sleep(0.05)
        except Cancelled:
            (Path(sys.argv[1]) / "cleaned").touch()
            raise
        built = {"avatar_id": Path(parameters.avatar).stem} if hasattr(parameters, "avatar") else {}
        return {"dataset": getattr(parameters, "dataset", ""), "frames": count, "home": str(default_home()), **built}

    for kind in JobKind: tasks.TASKS[kind] = steps
    worker.main()
"""

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A PNG of one pixel, in base64."""

START = """
import sys
from semblance.engine.commands import cli
from semblance.neural import device
from semblance.engine.jobs import expectations, scheduler
from semblance.engine.serving import process, server
scheduler.WORKER = {worker!r}
scheduler.SECONDS_TO_HEAR = {seconds_to_hear!r}
scheduler.SECONDS_TO_CLEAN_UP = 60.0
process.SECONDS_BETWEEN_LOOKS = 0.05
process.SECONDS_TO_LINGER = {seconds_to_linger!r}
process.SECONDS_OF_IDLENESS = {seconds_of_idleness!r}
facts = device.DeviceFacts("cpu", "CPU", "none", ())
process.device_facts = server.device_facts = expectations.device_facts = lambda: facts
cli.main()
"""


def stand_in_worker_in(folder: Path) -> tuple[str, ...]:
    """Write a worker whose tasks only pretend, by the name of their source (crash, fault, deaf, long, ...); return the
    command that runs it.
    """
    script = folder / "stand_in_worker.py"
    script.write_text(textwrap.dedent(STAND_IN_WORKER).replace("{dot!r}", repr(DOT)))
    return (sys.executable, "-P", str(script))


def start_script(
    worker: tuple[str, ...], seconds_to_hear: float, seconds_to_linger: float, seconds_of_idleness: float = 1e9
) -> str:
    """The text of a Python script that is the command line of an engine with this worker."""
    return START.format(
        worker=worker,
        seconds_to_hear=seconds_to_hear,
        seconds_to_linger=seconds_to_linger,
        seconds_of_idleness=seconds_of_idleness,
    )


def stand_in_python(folder: Path, seconds_to_linger: float) -> Path:
    """Write a program that is called like a Python that can run the engine, and runs one with a stand-in worker."""
    script, python = folder / "engine_for_tests.py", folder / "python_for_tests"
    script.write_text(start_script(stand_in_worker_in(folder), 60.0, seconds_to_linger))
    packages = Path(semblance.__file__).parent.parent
    words = shlex.join([f"PYTHONPATH={packages}", sys.executable, "-P", str(script)])
    python.write_text(f'#!/bin/sh\nshift 2\nexec env {words} "$@"\n')
    python.chmod(0o755)
    return python


def python_of_this_tree(folder: Path, python: Path) -> Path:
    """Write a program that is called like `python`, and imports this tree's package wherever that one is installed."""
    script, packages = folder / "python_of_this_tree", Path(semblance.__file__).parent.parent
    script.write_text(f'#!/bin/sh\nexec env {shlex.join([f"PYTHONPATH={packages}", str(python)])} "$@"\n')
    script.chmod(0o755)
    return script


def wait_until(true: Callable[[], object], seconds: float = 300.0) -> None:
    """Return as soon as something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
