# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of their speed the engine's tasks keep beside a program that keeps one core busy, as Blender itself does.

    python benchmarks/busy_core.py [--seconds 15] [--only training ...] [--out TABLE.md]

Each task runs as the engine runs it: in a worker process, frames in the engine's own. It is measured with the machine
to itself and then, going on, beside the other program. The aim is 45 %; on two cores no more than some 60 % can be had
by work that shares both cores step by step. Close other programs first: they count as busy, too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hardware import hardware
from markdown import report
from network import untrained
from semblance.common.home import HOME_VARIABLE, Home
from semblance.engine.jobs.scheduler import WORKER
from semblance.engine.jobs.worker import JOB_FILE, OUTCOME_FILE, PROGRESS_FILE
from semblance.protocol.address import Address
from semblance.protocol.client import Client
from semblance.protocol.inputs import Maps
from semblance.protocol.jobs import Build, JobRequest, Track
from semblance.protocol.messages import Announcement
from semblance.tests.makers.avatars import avatar_of
from tracking_speed import film

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from semblance.protocol.choices import AvatarKindName

NEIGHBOUR = "while True: pass"
SECONDS_TO_SETTLE = 4.0
"""For the task to notice the other program."""
SECONDS_TO_BEGIN = 150.0
WARM_STEPS = 6
FRAMES = 120
AIM = 0.45

Rates = tuple[float, float]
"""A second, quiet and beside the other program."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0, help="how long to measure each rate")
    parser.add_argument("--only", nargs="+", choices=sorted(SUBJECTS), default=list(SUBJECTS), help="what to measure")
    parser.add_argument("--out", type=Path, help="a Markdown file to write the table to")
    options = parser.parse_args()
    machine, rows = hardware(), []
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.prepare()
        clip = film(Path(folder) / "clip.mp4", FRAMES)
        dataset = Track(source=str(clip), dataset=str(home.dataset("clip")), size=256)
        to_the_end(home, dataset)
        for name in options.only:
            unit, measure = SUBJECTS[name]
            quiet, busy = measure(home, clip, options.seconds)
            rows.append([name, unit, f"{quiet:.2f}", f"{busy:.2f}", f"{busy / quiet:.0%}"])
            print(*rows[-1], flush=True)
    notes = f"{machine}. The other program computes without end, on one core. Aim: {AIM:.0%}."
    report("Beside a busy core", ("task", "unit", "quiet", "beside", "kept"), rows, notes, options.out)


def training(home: Home, _clip: Path, seconds: float) -> Rates:
    """A portrait with the preset `preview`."""
    return steps_rates(home, "portrait", seconds)


def splats(home: Home, _clip: Path, seconds: float) -> Rates:
    """A head of splats with the preset `preview`."""
    return steps_rates(home, "splats", seconds)


def steps_rates(home: Home, kind: AvatarKindName, seconds: float) -> Rates:
    """Steps of a training."""
    build = Build(dataset=str(home.dataset("clip")), avatar=f"{kind}_busy", avatar_kind=kind, steps=100_000)
    resolved = {**asdict(build), "avatar": str(home.avatar(build.avatar))}
    with worker(home, build, resolved) as folder:
        wait_until(lambda: steps_of(folder) >= WARM_STEPS, folder)
        return both(lambda: steps_of(folder), seconds)


def tracking(home: Home, clip: Path, _seconds: float) -> Rates:
    """Frames of a video to a dataset."""
    track = Track(source=str(clip), dataset=str(home.dataset("again")), size=256)
    quiet = FRAMES / to_the_end(home, track)
    with neighbour():
        return quiet, FRAMES / to_the_end(home, track)


def frames(home: Home, _clip: Path, seconds: float) -> Rates:
    """Frames of a portrait (`preview`) that Blender asks for, one after the other."""
    avatar_of(untrained("preview")).save(home.avatar("busy"))
    environment = {**os.environ, HOME_VARIABLE: str(home.folder)}
    command = [sys.executable, "-m", "semblance.engine.commands.cli", "serve", "--home", str(home.folder)]
    engine = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(lambda: Announcement.read(home.folder) is not None, home.folder)
        announced = Announcement.read(home.folder)
        assert announced is not None
        client = Client(Address.announced(announced), SECONDS_TO_BEGIN)
        maps = Maps(*np.random.default_rng(0).random((2, 1, 256, 256, 3)).astype(np.float16))
        for _ in range(WARM_STEPS):
            client.frames("busy", maps)
        done = 0

        def count() -> int:
            nonlocal done
            client.frames("busy", maps)
            done += 1
            return done

        return both(count, seconds)
    finally:
        engine.terminate()
        engine.wait()


SUBJECTS: dict[str, tuple[str, Callable[[Home, Path, float], Rates]]] = {
    "training": ("steps/s", training),
    "splats": ("steps/s", splats),
    "tracking": ("frames/s", tracking),
    "frames": ("frames/s", frames),
}


def both(count: Callable[[], int], seconds: float) -> Rates:
    """How fast something that goes on is counted up, quiet and beside the other program."""
    quiet = rate(count, seconds)
    with neighbour():
        rate(count, SECONDS_TO_SETTLE)
        return quiet, rate(count, seconds)


def rate(count: Callable[[], int], seconds: float) -> float:
    """How much is counted in a second."""
    first, began = count(), time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        last = count()
        time.sleep(0.001)
    return (last - first) / passed


@contextmanager
def neighbour() -> Iterator[None]:
    """Keep one core busy."""
    other = subprocess.Popen([sys.executable, "-c", NEIGHBOUR], start_new_session=True)
    try:
        yield
    finally:
        other.kill()
        other.wait()


@contextmanager
def worker(home: Home, job: JobRequest, parameters: dict | None = None) -> Iterator[Path]:
    """Run a job as the engine does; gives its folder, and ends it afterwards."""
    folder = Path(tempfile.mkdtemp(dir=home.folder / "jobs"))
    said = {"kind": job.kind, "parameters": parameters or asdict(job)}
    (folder / JOB_FILE).write_text(json.dumps(said), encoding="utf-8")
    environment = {**os.environ, HOME_VARIABLE: str(home.folder)}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [*WORKER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        yield folder
    finally:
        process.kill()
        process.communicate()


def to_the_end(home: Home, job: JobRequest) -> float:
    """Run a job; seconds from its first word to its end."""
    with worker(home, job) as folder:
        wait_until((folder / PROGRESS_FILE).exists, folder)
        began = time.monotonic()
        wait_until((folder / OUTCOME_FILE).exists, folder)
        said = json.loads((folder / OUTCOME_FILE).read_text(encoding="utf-8"))
        assert said["end"] == "done", said
        return time.monotonic() - began


def steps_of(folder: Path) -> int:
    """The last step that a training has told of."""
    file = folder / PROGRESS_FILE
    found = re.findall(r'"step (\d+)', file.read_text(encoding="utf-8")[-2000:]) if file.exists() else []
    return int(found[-1]) if found else 0


def wait_until(true: Callable[[], bool], folder: Path) -> None:
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > SECONDS_TO_BEGIN:
            raise SystemExit(f"It took too long; its log is in {folder}.")
        time.sleep(0.005)


if __name__ == "__main__":
    main()
