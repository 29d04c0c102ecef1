# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's own process: `python -m semblance.engine.jobs.worker JOB_FOLDER`.

The engine and its worker talk through the job's folder and the worker's standard input:

- `job.json` says what to do; the engine wrote it.
- `progress.jsonl` grows by one line, written at once, for each piece of progress.
- `outcome.json` is written whole when the job has ended.
- `worker.lock` is held locked as long as the worker lives.
- A line `cancel` on standard input asks the worker to stop; the end of standard input says that the engine has gone,
  and stops it too. Either way the task hears `Cancelled` at its next report, and may clean up.
- A line `finish` asks it to end with what it has: the task hears `GoodEnough` wherever it may end.
"""

from __future__ import annotations

import enum
import json
import os
import sys
import threading
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from ...common.cores import let_waiting_threads_rest
from ...common.errors import UserError
from ...common.failures import sentence_about
from ...common.files import written_whole
from ...common.progress import Cancelled, GoodEnough, Listener, Progress
from ...neural.processor import giving_way
from ...protocol.jobs import JobKind
from .requests import checked

JOB_FILE, PROGRESS_FILE, OUTCOME_FILE = "job.json", "progress.jsonl", "outcome.json"
LOCK_FILE, LOG_FILE = "worker.lock", "log.txt"
CANCEL_LINE, FINISH_LINE = b"cancel\n", b"finish\n"
NICENESS = 5
SECONDS_BETWEEN_LINES = 0.1
SECONDS_WITHOUT_ENGINE = 10.0
"""How long a task may go on after its engine has gone, when it does not report."""


class End(enum.StrEnum):
    """How a worker's task ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Outcome:
    """What a worker leaves behind: how the task ended, what it made, and one sentence when it failed."""

    end: End
    result: dict[str, Any]
    error: str = ""

    def save(self, folder: Path) -> None:
        """Write it into the job's folder, whole."""
        with written_whole(folder / OUTCOME_FILE) as partial:
            partial.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Outcome | None:
        """Read it from the job's folder; None when the worker left none."""
        try:
            values = json.loads((folder / OUTCOME_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return cls(End(values["end"]), values["result"], values["error"])


def main() -> None:
    """Run the job in the folder that the command line names."""
    folder = Path(sys.argv[1])
    be_nice()
    let_waiting_threads_rest()
    with FileLock(folder / LOCK_FILE):
        stop = StopRequest(sys.stdin.fileno())
        perform(folder, giving_way(reporter(folder / PROGRESS_FILE, stop))).save(folder)


def perform(folder: Path, listener: Listener) -> Outcome:
    """Do what the folder's `job.json` says; every failure becomes a sentence."""
    try:
        job = json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))
        asked = checked(JobKind(job["kind"]), job["parameters"])
        from .tasks import TASKS

        return Outcome(End.DONE, TASKS[asked.kind](asked, listener))
    except Cancelled:
        return Outcome(End.CANCELLED, {})
    except UserError as error:
        return Outcome(End.FAILED, {}, str(error))
    except Exception as error:
        traceback.print_exc()
        return Outcome(End.FAILED, {}, sentence_about(error, folder / LOG_FILE))


class StopRequest:
    """Hears, on a thread of its own, when the task is to stop (`asked`), or to end with what it has (`good_enough`)."""

    def __init__(self, source: int) -> None:
        """Listen to the file descriptor `source`: Python's own `stdin` could not be left waiting at the end."""
        self.asked, self.good_enough = threading.Event(), threading.Event()
        threading.Thread(target=self._hear, args=(source,), daemon=True).start()

    def _hear(self, source: int) -> None:
        heard = b""
        while more := os.read(source, len(CANCEL_LINE)):
            heard += more
            while b"\n" in heard:
                line, _, heard = heard.partition(b"\n")
                (self.good_enough if line + b"\n" == FINISH_LINE else self.asked).set()
        self.asked.set()
        time.sleep(SECONDS_WITHOUT_ENGINE)
        os._exit(1)


def reporter(path: Path, stop: StopRequest) -> Listener:
    """Return a listener that appends a JSON line to `path`, and raises `Cancelled` when the task is to stop, or
    `GoodEnough` when it is to end and may.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    last_stage, last_time = "", 0.0

    def write(values: dict[str, Any]) -> None:
        os.write(descriptor, (json.dumps(values) + "\n").encode())

    def listener(progress: Progress) -> None:
        nonlocal last_stage, last_time
        if stop.asked.is_set():
            write({"stopping": True})
            raise Cancelled
        if stop.good_enough.is_set() and progress.may_end:
            raise GoodEnough
        now = time.monotonic()
        at_end = progress.total > 0 and progress.done >= progress.total
        if progress.stage == last_stage and not at_end and now - last_time < SECONDS_BETWEEN_LINES:
            return
        last_stage, last_time = progress.stage, now
        write(
            {
                "stage": progress.stage,
                "fraction": progress.fraction,
                "message": progress.message,
                "seconds_left": progress.seconds_left,
                "preview": progress.preview or "",
            }
        )

    return listener


def be_nice() -> None:
    """Give way to Blender."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


if __name__ == "__main__":
    main()
