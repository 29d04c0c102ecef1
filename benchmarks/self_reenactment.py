# SPDX-License-Identifier: GPL-3.0-or-later
"""Self-reenactment: avatars of a video's first frame are driven by the video, whose other frames are the truth.

    python benchmarks/self_reenactment.py VIDEO... [--train splats-0 splats-2 portrait] [--seconds 120 | --steps 2400]
        [--avatar NAME=FILE] [--size 256] [--frames 120] [--out self_reenactment]

In the folder, each video gets one of its own: `photo/` is the dataset of the first frame, `truth/` that of the whole
video in the photo's window. Compared are the photo held still, the coarse video (the mesh warp, driven by the video)
before its own background and cut out as heads are, every avatar in that folder, and those named (`{video}` in FILE is
the video's name). `--train` makes avatars there that are not there yet: splats-N and field-N after N updates, portrait
on the coarse video. Head pixels only; all frames, and by how far the head is turned from the camera. Writes
self_reenactment.md and .json and a sheet of pictures for each video.
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from hardware import hardware
from semblance.benchmarks.ablation_rows import by_row
from semblance.benchmarks.driven_photo import acted, in_window
from semblance.common.files import written_whole
from semblance.engine.commands.terminal import shown
from semblance.neural.avatar import Avatar
from semblance.neural.device import device_facts
from semblance.neural.evaluation.comparison import Comparison, compare
from semblance.neural.evaluation.figures import EXPLANATION
from semblance.neural.evaluation.footage import Covered, painted
from semblance.neural.evaluation.observer import Observer
from semblance.neural.evaluation.output import contact_sheet
from semblance.neural.evaluation.regions import EXPLANATIONS
from semblance.neural.evaluation.tables import Table
from semblance.neural.kinds import BUILDS
from semblance.neural.rendering.frames import DRAWING
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.pictures import central_window, read_picture, read_window
from semblance.tracking.datasets.writer import DatasetWriter
from semblance.tracking.heads.registry import open_head
from semblance.tracking.mattes.selfie_matting import builtin_matting
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.video import scaled, write_png
from semblance.tracking.photos.coarse_source import MeshWarp, SolvedPhoto
from semblance.tracking.photos.photo import photo_dataset
from semblance.tracking.photos.portraits import found_portrait
from semblance.tracking.plates.of_footage import PlateMaker
from semblance.tracking.threads import one_thread_a_library
from semblance.tracking.track import find_landmarks, solved, write_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from semblance.common.progress import Listener
    from semblance.protocol.choices import AvatarKindName
    from semblance.tracking.heads.head import MorphableHead
    from semblance.tracking.performances.performance import Performance

TRAINED: dict[str, tuple[AvatarKindName, dict[str, int]]] = {
    "splats-0": ("splats", {"updates": 0}),
    "splats-1": ("splats", {"updates": 1}),
    "splats-2": ("splats", {"updates": 2}),
    "field-0": ("field", {"updates": 0}),
    "field-1": ("field", {"updates": 1}),
    "field-2": ("field", {"updates": 2}),
    "portrait": ("portrait", {}),
}
"""What to build, and with which options, by name."""
STILL, COARSE, CUT_OUT = "photo held still", "coarse video", "coarse video, cut out"
SHEET_SIDE = 224


@dataclass(frozen=True)
class Subject:
    """A video and its first frame.

    Attributes:
        folder: where what is made of it lies.
        head: the morphable head of both.
        photo: the dataset of the first frame; truth: that of the video, in the photo's window.
        still: the frame solved from the photo; driving: what the video does, for the photo's person and camera.
    """

    folder: Path
    head: MorphableHead
    photo: Dataset
    truth: Dataset
    still: Performance
    driving: Performance

    @property
    def picture(self) -> Path:
        """The photo's file."""
        return self.folder / "photo.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--train", nargs="+", default=[], choices=TRAINED, metavar="NAME", help=", ".join(TRAINED))
    parser.add_argument("--seconds", type=float, help="of each training; the preset's time when not given")
    parser.add_argument("--steps", type=int, help="of each training, instead of a time: the same on a busy machine")
    parser.add_argument("--avatar", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--size", type=int, default=256, help="pixels of the pictures' side")
    parser.add_argument("--frames", type=int, default=120, help="how many frames are compared, evenly apart")
    parser.add_argument("--out", type=Path, default=Path("self_reenactment"))
    options = parser.parse_args()
    named = dict(each.split("=", 1) for each in options.avatar)
    results: dict[str, Comparison] = {}
    with shown() as listener:
        for video in options.videos:
            subject = prepared(video, options.out / video.stem, options.size, listener)
            for name in options.train:
                train(subject, name, options.seconds, options.steps, listener)
            avatars = {file.stem: file for file in sorted(subject.folder.glob("*.safetensors"))}
            avatars |= {name: Path(file.replace("{video}", video.stem)) for name, file in named.items()}
            results[video.stem] = compared(subject, avatars, options.frames, listener)
            write(results, options.out)
    print((options.out / "self_reenactment.md").read_text(encoding="utf-8"))


# --- what is compared -------------------------------------------------------------------------------------------------


def prepared(video: Path, folder: Path, size: int, listener: Listener) -> Subject:
    """Make the datasets of a video that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    head = open_head("builtin")
    if not (folder / "photo").is_dir():
        with closing(Footage.open(video).frames()) as frames:
            write_png(folder / "photo.png", next(frames).image)
        photo_dataset(folder / "photo.png", folder / "photo", head=head, size=size, listener=listener)
    photo = Dataset.open(folder / "photo")
    still = photo.performance().at(slice(0, 1))
    if not (folder / "truth").is_dir():
        track_in_window(video, folder / "truth", head, still, size, listener)
    truth = Dataset.open(folder / "truth")
    return Subject(folder, head, photo, truth, still, acted(truth.performance(), still))


@one_thread_a_library()
def track_in_window(
    video: Path, folder: Path, head: MorphableHead, still: Performance, size: int, listener: Listener
) -> None:
    """Track a video and cut its frames as the photo is cut."""
    footage, crop = Footage.open(video), still.crop
    assert crop is not None  # a solved photo has the window in which it was solved
    with DatasetWriter(folder, size) as writer:
        whole = solved(footage, find_landmarks(footage, listener), head, size, listener)
        seen = whole.confidence > 0
        performance = in_window(whole.at(seen), crop, size)
        with closing(builtin_matting(head, performance)) as matting:
            write_frames(writer, footage, head, performance, seen, size, matting, PlateMaker(performance), listener)
        writer.finish(performance)


def train(subject: Subject, name: str, seconds: float | None, steps: int | None, listener: Listener) -> None:
    """Build the avatar of a name on the photo's dataset, unless it is there."""
    file = subject.folder / f"{name}.safetensors"
    if file.is_file():
        return
    kind, options = TRAINED[name]
    folder = subject.photo.folder
    BUILDS[kind](folder, file, seconds=seconds, steps=steps, train_share=1.0, listener=listener, **options)


# --- comparing --------------------------------------------------------------------------------------------------------


def compared(subject: Subject, avatars: dict[str, Path], most: int, listener: Listener) -> Comparison:
    """Compare all that was made of the photo with at most so many of the video's other frames."""
    side = subject.truth.size
    others = np.flatnonzero(subject.truth.performance().trusted)
    others = others[others > 0]
    chosen = others[np.unique(np.linspace(0, len(others) - 1, min(most, len(others))).astype(int))].tolist()
    photo = Covered(read_window(subject.photo, 0, side))
    with Observer(device_facts().device) as observer, ExitStack() as opened:
        pictures: dict[str, Callable[[int], Covered]] = {STILL: lambda _index: photo}
        coarse = opened.enter_context(coarse_video(subject))
        pictures[COARSE] = lambda index: Covered(coarse(index).colour)
        pictures[CUT_OUT] = coarse
        for name, file in avatars.items():
            pictures[name] = opened.enter_context(driven(Avatar.load(file), subject))
        return compare(subject.truth, chosen, pictures, "head", side, observer, subject.head, listener)


@contextmanager
def coarse_video(subject: Subject) -> Iterator[Callable[[int], Covered]]:
    """Give what warps the photo by the video's motion, by the number of its frame: it covers what its matte does."""
    portrait = found_portrait(subject.picture)
    window = portrait.window(subject.photo.size)
    matte = read_picture(subject.photo.matte(subject.photo.names[0]), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
    photo = SolvedPhoto(subject.head, subject.still, window, matte, portrait.marks(len(window)))
    neutral = subject.head.neutral(subject.still.identity)
    with MeshWarp()(photo) as video:

        @lru_cache(1)  # two rows show the same frame
        def picture(index: int) -> Covered:
            warped, cover = video.frame(subject.driving, index, neutral)
            return Covered(central_window(warped), central_window(cover))

        yield picture


@contextmanager
def driven(avatar: Avatar, subject: Subject) -> Iterator[Callable[[int], Covered]]:
    """Give what has an avatar do as the video does, by the number of its frame."""
    side = subject.truth.size
    with DRAWING[avatar.kind.inputs](subject.head, subject.driving) as draw:

        def picture(index: int) -> Covered:
            shown_now = painted(avatar, draw(index))
            return shown_now if len(shown_now.colour) == side else Covered(scaled(shown_now.colour, side))

        yield picture


# --- writing ----------------------------------------------------------------------------------------------------------


def write(results: dict[str, Comparison], folder: Path) -> None:
    """Write tables, numbers and sheets of what there is so far."""
    parts = [f"# Self-reenactment\n\n{hardware()}"]
    for video, result in results.items():
        headings, lines, absent = by_row(result.rows)
        parts.append(f"## {video}, all frames\n\n{Table(video, headings, lines).markdown}\n\n{' '.join(absent)}")
        for name, each in result.bins.items():
            headings, lines, _ = by_row(each.rows)
            parts.append(f"### {video}, {name} ({each.frames} frames)\n\n{Table(name, headings, lines).markdown}")
        sheet = [{name: scaled(picture, SHEET_SIDE) for name, picture in line.items()} for line in result.frames]
        write_png(folder / f"{video}.png", contact_sheet(sheet))
    parts.append(f"{EXPLANATIONS['head']} {EXPLANATION}")
    with written_whole(folder / "self_reenactment.md") as partial:
        partial.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    numbers = {
        video: {
            "rows": {name: asdict(figures) for name, figures in result.rows.items()},
            "yaw": {name: asdict(each) for name, each in result.bins.items()},
        }
        for video, result in results.items()
    }
    with written_whole(folder / "self_reenactment.json") as partial:
        partial.write_text(json.dumps(numbers, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
