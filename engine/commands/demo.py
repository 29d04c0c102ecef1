# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: a video or a photo becomes an avatar, Blender renders it, a report shows what came out.

Run by `python3 run.py demo`. The last part of the footage is never trained on: it drives the avatar.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.failures import mendable
from ...common.home import HOME_VARIABLE, Home
from ...common.progress import Cancelled, Listener
from ...neural.avatar import Avatar
from ...neural.evaluation import output as evaluation
from ...neural.evaluation.charts import read_curves
from ...neural.evaluation.evaluate import evaluate, held_out
from ...neural.evaluation.report import Picture, write_report
from ...neural.evaluation.tables import Table
from ...neural.kinds import BUILDS
from ...neural.rendering.frames import frames_of
from ...neural.rendering.orbit import orbit
from ...neural.rendering.reenact import reenact
from ...protocol.choices import AvatarKindName
from ...tracking.datasets.consent import Consent, note_consent
from ...tracking.datasets.dataset import Dataset
from ...tracking.datasets.origin import origin_facts
from ..credentials.marking import mark, usable_key
from ..credentials.statement import statement_of
from ..jobs.tasks import remember
from .cli import STOPPED, THEIRS
from .terminal import shown

AVATAR = "avatar"
"""Name of the demo's avatar and of its dataset in the demo's home."""
TRAINING_MINUTES: dict[AvatarKindName, float] = {"portrait": 8.0, "splats": 2.0, "field": 10.0}
SIZE = 256
"""Pixels of the portrait's side: what the `preview` preset trains at."""
MOST_DRIVING_FRAMES = 150
PUBLIC_DOMAIN = Consent("public domain: NASA's portrait of Eileen Collins", by="Semblance's demo", purpose="any use")
ASTRONAUT = "astronaut.png"
PLACES = ("video", "photo", "out", "blender")
TURNTABLE = "turntable.mp4"
REENACTED, SIDE_BY_SIDE = "reenacted.mp4", "side_by_side.mp4"
VIDEOS = {
    "Rendered and edited by Blender": REENACTED,
    "From round about": TURNTABLE,
    "Driver, avatar": SIDE_BY_SIDE,
}
"""What the report shows, and its files."""
WITH_FOOTAGE = (REENACTED, SIDE_BY_SIDE)
"""Those in which filmed pictures are seen, too."""
RENDERED = re.compile(r"^rendered (\d+)/(\d+)$")
"""What the Blender side prints after each frame."""


@dataclass(frozen=True)
class Plan:
    """What the demo was asked to do.

    Attributes:
        video, photo: the source; neither means the public-domain portrait that scikit-image brings.
        out: folder for the results; blender: a Python with the bpy wheel; kind: what to build; minutes: training time.
    """

    video: Path | None
    photo: Path | None
    out: Path
    blender: Path
    kind: AvatarKindName
    minutes: float

    @property
    def home(self) -> Home:
        """The engine's home that the demo uses, apart from the user's."""
        return Home(self.out / "home")

    @property
    def avatar(self) -> Path:
        """The avatar file in that home, where the engine finds it."""
        return self.home.avatar(AVATAR)

    @property
    def driver(self) -> Path:
        """The performance that drives the avatar."""
        return self.out / "driver.npz"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo with command-line arguments and leave with an exit code."""
    plan = plan_of(arguments)
    try:
        with shown() as listener:
            report = run(plan, listener)
    except (Cancelled, KeyboardInterrupt):
        sys.exit(STOPPED)
    except Exception as error:
        mended = mendable(error)
        if mended is None:
            raise
        print(mended, file=sys.stderr)
        sys.exit(THEIRS)
    print(f"Open {report}")


def plan_of(arguments: Sequence[str] | None) -> Plan:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="run.py demo", description="Build an avatar and render it in Blender.")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--video", type=Path, help="a portrait video")
    source.add_argument("--photo", type=Path, help="a portrait photo (default: a public-domain portrait)")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the results")
    parser.add_argument("--kind", choices=get_args(AvatarKindName), help="what to build (default: splats of a photo)")
    parser.add_argument("--minutes", type=float, help="training time (default: 2 for splats, 8 for a portrait)")
    parser.add_argument("--blender", type=Path, required=True, help="a Python with the bpy wheel")
    given = parser.parse_args(arguments)
    places = {name: path and path.absolute() for name, path in vars(given).items() if name in PLACES}
    kind: AvatarKindName = given.kind or ("portrait" if given.video else "splats")
    return Plan(**places, kind=kind, minutes=given.minutes or TRAINING_MINUTES[kind])


def run(plan: Plan, listener: Listener) -> Path:
    """Do everything; return the report's path."""
    times: dict[str, float] = {}
    began = time.monotonic()

    def lap(what: str) -> None:
        times[what] = time.monotonic() - began - sum(times.values())

    plan.home.prepare()
    dataset = make_dataset(plan, listener)
    remember(dataset, origin_facts(plan.video or plan.photo or plan.out / ASTRONAUT), None)
    if not (plan.video or plan.photo):
        note_consent(dataset.folder, PUBLIC_DOMAIN)
    lap("tracking")
    trained = {"preset": "preview", "seconds": plan.minutes * 60, "resume": False, "listener": listener}
    BUILDS[plan.kind](dataset.folder, plan.avatar, **trained)
    lap("training")
    found = evaluate(plan.avatar, dataset.folder, listener=listener)
    evaluation.save(found, plan.out)
    evaluation.show(found)
    lap("evaluation")
    make_driver(dataset, plan.driver)
    engine_only, panels = plan.out / "home" / "engine.mp4", plan.out / SIDE_BY_SIDE
    reenact(plan.avatar, plan.driver, engine_only, panels=panels, listener=listener)
    lap("reenactment")
    if plan.kind != "portrait":
        orbit(plan.avatar, plan.out / TURNTABLE, performance=plan.driver, listener=listener)
        lap("turntable")
    film(plan, dataset, listener)
    lap("Blender")
    sign(plan, listener)
    shutil.copyfile(plan.avatar, plan.out / "avatar.safetensors")
    difference = renderers_differ(plan)
    return describe(plan, found, difference, times)


def make_dataset(plan: Plan, listener: Listener) -> Dataset:
    """Track the video, or make the coarse video of the photo."""
    from ...tracking.heads.registry import open_head
    from ...tracking.photos.photo import photo_dataset
    from ...tracking.track import track

    folder = plan.home.dataset(AVATAR)
    head = open_head("builtin")
    if plan.video:
        return track(plan.video, folder, head=head, size=SIZE, listener=listener)
    return photo_dataset(plan.photo or astronaut(plan.out), folder, head=head, size=SIZE, listener=listener)


def astronaut(folder: Path) -> Path:
    """Write NASA's public-domain portrait of Eileen Collins, which scikit-image brings, to a folder."""
    from skimage.data import astronaut as portrait

    path = folder / ASTRONAUT
    Image.fromarray(portrait()).save(path)
    return path


def make_driver(dataset: Dataset, path: Path) -> None:
    """Write the part of the dataset's performance that training never saw, at most some seconds of it."""
    performance = dataset.performance()
    _training, test = held_out(performance.trusted)
    performance.at(slice(test[0], test[0] + MOST_DRIVING_FRAMES)).save(path)


def film(plan: Plan, dataset: Dataset, listener: Listener) -> None:
    """Let Blender make the scene, render it with Semblance, edit it and save demo.blend and reenacted.mp4.

    Raises:
        UserError: Blender failed; its output lies in blender.log.
    """
    arguments = ["--performance", plan.driver, "--dataset", dataset.folder, "--avatar", AVATAR, "--out", plan.out]
    command = [plan.blender, "-m", "semblance.blender_addon.film", *arguments]
    own = {HOME_VARIABLE: str(plan.home.folder), "SEMBLANCE_ENGINE_PYTHON": sys.executable}
    log = plan.out / "blender.log"
    clock = Clock("Rendering in Blender", 0, listener)
    clock.tell(0, "")
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with log.open("w", encoding="utf-8") as file:
            for line in process.stdout or ():
                file.write(line)
                if said := RENDERED.match(line):
                    clock.total = int(said[2])
                    clock.tell_finished(int(said[1]))
        if process.wait() != 0:
            raise UserError(f"Blender ended with exit code {process.returncode}; what it said is in {log}.")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def sign(plan: Plan, listener: Listener) -> None:
    """Give the films, Blender's too, Content Credentials."""
    said, key = statement_of(plan.avatar, plan.driver), usable_key(plan.home.credentials)
    for name in VIDEOS.values():
        if (plan.out / name).is_file():
            mark(plan.out / name, replace(said, composite=name in WITH_FOOTAGE), key, listener)


def renderers_differ(plan: Plan) -> tuple[float, int]:
    """Return the mean and the greatest difference, of 255, between Blender's frames and the engine's own."""
    from ...tracking.performances.performance import Performance

    files = sorted((plan.out / "frames").glob("*.png"))
    performance = Performance.load(plan.driver)
    shown = list(range(0, len(performance), max(1, len(performance) // 8)))
    differences = [
        np.abs(np.asarray(Image.open(files[frame.index]).convert("RGBA"), np.int16) - frame.rgba)[
            frame.rgba[..., 3] == 255
        ]
        for frame in frames_of(Avatar.load(plan.avatar), performance, shown)
    ]
    return float(np.mean([each.mean() for each in differences])), int(max(each.max() for each in differences))


def describe(plan: Plan, found: evaluation.Evaluation, difference: tuple[float, int], times: dict[str, float]) -> Path:
    """Write report.html and return its path."""
    avatar = Avatar.load(plan.avatar)
    same = Table(
        "Blender's frames against the engine's own",
        ("mean difference", "greatest difference"),
        [(f"{difference[0]:.3f} / 255", f"{difference[1]} / 255")],
    )
    took = Table("Time", ("step", "seconds"), [(what, f"{seconds:.0f}") for what, seconds in times.items()])
    report = plan.out / "report.html"
    write_report(
        report,
        f"Semblance: {avatar.metadata.provenance.source}",
        figures=(evaluation.figures_table(found), same, took),
        curves=read_curves(plan.avatar.with_name(f"{plan.avatar.name}.training") / "curves.jsonl"),
        pictures=[Picture(found.sheet, "Footage, nearest training frame, avatar: frames that training never saw")],
        videos={what: plan.out / name for what, name in VIDEOS.items() if (plan.out / name).is_file()},
        notes=avatar.metadata.provenance.fallbacks,
    )
    return report


if __name__ == "__main__":
    main()
