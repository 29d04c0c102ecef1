# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar against footage it never saw, beside the baseline of showing the nearest training frame (Tab. 3, 4)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from ..common.errors import UserError
from ..common.files import written_whole
from ..common.progress import Listener, Progress, silent
from ..tracking.dataset import Dataset
from ..tracking.heads.head import Floats
from . import metrics
from .avatar import Avatar
from .batches import read_picture, split
from .nearest import mean_distances, nearest_frames
from .video import labelled, scaled, write_png

TEST_SHARE = 0.2
AVATAR, NEAREST = "avatar", "nearest training frame"
SHEET_ROWS = 6
BATCH = 8
"""Frames in memory at once."""


@dataclass(frozen=True)
class Figures:
    """PSNR in decibels and SSIM, means over the test frames; sharpness of all of them (1 is the footage's own)."""

    psnr: float
    ssim: float
    sharpness: float


@dataclass(frozen=True)
class Comparison:
    """One frame: PSNR, SSIM, and the energy of the face's high band in the picture and in the footage."""

    psnr: float
    ssim: float
    energy: float
    true_energy: float


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        rows: figures of the avatar and of the nearest training frame.
        training_frames, test_frames: how many.
        resolution: side of the compared pictures in pixels.
        distance: mean distance of the test frames to the nearest training frame, separately for translation,
            rotation and expression, in standard deviations of training (Tab. 4).
        sheet: RGB picture: footage, nearest, avatar at frames spread over the test.
    """

    rows: dict[str, Figures]
    training_frames: int
    test_frames: int
    resolution: int
    distance: dict[str, float]
    sheet: np.ndarray

    def to_json(self) -> dict[str, object]:
        """The numbers as plain JSON values."""
        rows = {name: asdict(figures) for name, figures in self.rows.items()}
        names = ("training_frames", "test_frames", "resolution", "distance")
        return {"rows": rows, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True)
class View:
    """What one frame of a dataset shows in the central window, at the avatar's resolution.

    Attributes:
        picture: RGB uint8 `[R, R, 3]`; matte: `[R, R]` 0 to 1; face: bool `[R, R]`, the UV map's region.
        uv, texture: maps `[256, 256, 3]`, 0 to 1.
    """

    picture: np.ndarray
    matte: Floats
    face: np.ndarray
    uv: Floats
    texture: Floats


def evaluate(avatar: Path, dataset: Path, *, share: float | None = None, listener: Listener = silent) -> Evaluation:
    """Compare an avatar with the last `share` of its dataset's frames; all that training left, when not given.

    Both sides have the background removed by the footage's matte, at the avatar's resolution.

    Raises:
        UserError: a file is missing or damaged, training left too few frames, or `share` reaches into its frames.
    """
    subject, data = Avatar.load(avatar), Dataset.open(dataset)
    performance = data.performance()
    training, test = held_out(performance.trusted, unseen_share(subject, share))
    nearest = nearest_frames(performance, training, test)
    side = subject.metadata.resolution
    shown = set(spread(test, SHEET_ROWS))
    found: dict[str, list[Comparison]] = {AVATAR: [], NEAREST: []}
    sheet: list[dict[str, np.ndarray]] = []
    began = time.monotonic()
    for start in range(0, len(test), BATCH):
        part = test[start : start + BATCH]
        views = [read_view(data, index, side) for index in part]
        rendered = subject.render(np.stack([view.uv for view in views]), np.stack([view.texture for view in views]))
        for index, view, rgba in zip(part, views, rendered, strict=True):
            rival = read_window(data, nearest[index], side)
            found[AVATAR].append(compare(rgba[..., :3], view))
            found[NEAREST].append(compare(rival, view))
            if index in shown:
                sheet.append({"footage": view.picture, "nearest": rival, "avatar": rgba[..., :3]})
        done = start + len(part)
        left = (time.monotonic() - began) / done * (len(test) - done)
        listener(Progress("Evaluating", done, len(test), f"frame {done} of {len(test)}", left))
    rows = {name: summary(comparisons) for name, comparisons in found.items()}
    distance = mean_distances(performance, training, test)
    return Evaluation(rows, len(training), len(test), side, distance, contact_sheet(sheet))


def held_out(trusted: np.ndarray, share: float = TEST_SHARE) -> tuple[list[int], list[int]]:
    """Return the frames that training sees and the last `share` of all, which it must not see.

    Those that cannot be trusted, `trusted [T]`, are in neither.

    Raises:
        UserError: there are too few frames to hold any out.
    """
    training, test = ([index for index in part if trusted[index]] for part in split(len(trusted), 1 - share))
    if not test:
        raise UserError(f"{len(trusted)} frames are too few to hold any out for a test; track a longer video.")
    return training, test


def unseen_share(avatar: Avatar, share: float | None) -> float:
    """Return `share`, or all that training left; refuse to test on what was trained on."""
    trained = avatar.metadata.provenance.train_share
    if trained == 1:
        raise UserError("The avatar was trained on all frames, so none can test it; build one with --train-share 0.8.")
    if share is not None and share > 1 - trained + 1e-6:
        raise UserError(
            f"The avatar was trained on the first {trained:.0%} of the frames; test on fewer than {share:.0%}."
        )
    return 1 - trained if share is None else share


def spread(frames: Sequence[int], count: int) -> list[int]:
    """Return `count` of the frames, evenly apart, neither the first nor the last."""
    return [frames[int((number + 0.5) / count * len(frames))] for number in range(count)]


def compare(picture: np.ndarray, view: View) -> Comparison:
    """One RGB uint8 picture against what the footage shows."""
    own, truth = (metrics.without_background(each, view.matte) for each in (picture, view.picture))
    energies = (metrics.high_band_energy(each, view.face) for each in (own, truth))
    return Comparison(metrics.psnr(own, truth), metrics.ssim(own, truth), *energies)


def summary(comparisons: Sequence[Comparison]) -> Figures:
    """The figures of all frames."""
    return Figures(
        psnr=float(np.mean([each.psnr for each in comparisons])),
        ssim=float(np.mean([each.ssim for each in comparisons])),
        sharpness=metrics.sharpness([each.energy for each in comparisons], [each.true_energy for each in comparisons]),
    )


# --- reading --------------------------------------------------------------------------------------------------------


def read_view(dataset: Dataset, index: int, side: int) -> View:
    """Read a frame of a dataset, its central window `side` pixels square."""
    name = dataset.names[index]
    uv, texture = read_map(dataset.uv_map(name)), read_map(dataset.texture_map(name))
    matte = window(read_picture(dataset.matte(name), cv2.IMREAD_GRAYSCALE), side).astype(np.float32) / 255
    face = cv2.resize(uv[..., 2], (side, side), interpolation=cv2.INTER_NEAREST) > 0.5
    return View(read_window(dataset, index, side), matte, face, uv, texture)


def read_window(dataset: Dataset, index: int, side: int) -> np.ndarray:
    """The footage's central window: RGB uint8 `[side, side, 3]`."""
    image = read_picture(dataset.image(dataset.names[index]), cv2.IMREAD_COLOR)
    return window(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), side)


def read_map(path: Path) -> Floats:
    """A map of 8 or 16 bits as `[256, 256, 3]`, 0 to 1."""
    picture = read_picture(path, cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.float32) / np.iinfo(picture.dtype).max


def window(enlarged: np.ndarray, side: int) -> np.ndarray:
    """The central window of an enlarged picture (1.5 times the window), `side` pixels square."""
    whole = enlarged.shape[0]
    start, stop = whole // 6, whole - whole // 6
    return scaled(enlarged[start:stop, start:stop], side)


# --- showing --------------------------------------------------------------------------------------------------------


def contact_sheet(rows: Iterable[dict[str, np.ndarray]]) -> np.ndarray:
    """Footage, nearest and avatar side by side, a row for each frame."""
    lines = [np.concatenate([labelled(name, each) for name, each in row.items()], 1) for row in rows]
    return np.concatenate(lines)


def show(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print the table."""
    table = Table(title=f"Held-out {evaluation.test_frames} frames, {evaluation.resolution} px, background removed")
    table.add_column("")
    for heading in ("PSNR dB", "SSIM", "sharpness"):
        table.add_column(heading, justify="right")
    for name, figures in evaluation.rows.items():
        table.add_row(name, *formatted(figures))
    (console or Console()).print(table)


def markdown(evaluation: Evaluation) -> str:
    """The table as Markdown."""
    lines = ["| | PSNR dB | SSIM | sharpness |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {' | '.join(formatted(figures))} |" for name, figures in evaluation.rows.items()]
    apart = ", ".join(f"{name} {value:.2f}" for name, value in evaluation.distance.items())
    lines += ["", f"Last {evaluation.test_frames} frames of {evaluation.training_frames + evaluation.test_frames},"
              f" {evaluation.resolution} px, background removed on both sides. Mean distance to the nearest training"
              f" parameters, in standard deviations: {apart}."]  # fmt: skip
    return "\n".join(lines) + "\n"


def formatted(figures: Figures) -> tuple[str, str, str]:
    """The figures as they are shown."""
    return f"{figures.psnr:.2f}", f"{figures.ssim:.3f}", f"{figures.sharpness:.2f}"


def save(evaluation: Evaluation, folder: Path) -> None:
    """Write evaluation.json, evaluation.md and evaluation.png (the contact sheet) into a folder."""
    with written_whole(folder / "evaluation.json") as partial:
        partial.write_text(json.dumps(evaluation.to_json(), indent=1), encoding="utf-8")
    with written_whole(folder / "evaluation.md") as partial:
        partial.write_text(markdown(evaluation), encoding="utf-8")
    write_png(folder / "evaluation.png", evaluation.sheet)
