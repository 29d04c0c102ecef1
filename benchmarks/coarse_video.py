# SPDX-License-Identifier: GPL-3.0-or-later
"""How near the coarse video of one photo comes to a real one: PSNR of the head's pixels, beside the photo held still.

    python benchmarks/coarse_video.py VIDEO [--every 4] [--last] [--size 256] [--pictures FOLDER] [--dataset FOLDER]

The video is tracked (a dataset that is there already is used as it is); its first frame is the photo, and its own
performance drives. By bins of yaw, in degrees from the camera. The last fifth is left out, and with `--last` it alone
is measured: nothing may be tuned on it. The pictures show truth, coarse video and error side by side.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from hardware import hardware
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.rasteriser import PlainRasteriser
from semblance.tracking.detection.landmarks import landmarks_of_photo
from semblance.tracking.heads.registry import open_head
from semblance.tracking.performances.maps import frame_vertices
from semblance.tracking.performances.turns import turns_aside
from semblance.tracking.photos.coarse_video import CoarseVideo
from semblance.tracking.track import track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from semblance.tracking.heads.arrays import Booleans, Floats, Image
    from semblance.tracking.heads.head import MorphableHead
    from semblance.tracking.performances.performance import Performance

BINS = ((0, 90), (0, 10), (10, 20), (20, 90))
"""Degrees of yaw, from and to."""
GROWN = 0.08
"""By how much of the window's side the head's outline is grown, to take in the hair."""
UNSEEN = 0.2
"""Share of the frames, at the end, on which nothing is tuned."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--every", type=int, default=4, help="measure every so many frames")
    parser.add_argument("--last", action="store_true", help="measure the last fifth")
    parser.add_argument("--size", type=int, default=256, help="pixels of the central window's side")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures to look at")
    parser.add_argument("--dataset", type=Path, help="where the tracked video is kept")
    options = parser.parse_args()

    print(hardware())
    with tempfile.TemporaryDirectory() as passing:
        dataset = tracked(options.video, options.dataset or Path(passing) / "dataset", options.size)
        performance = dataset.performance()
        border = round((1 - UNSEEN) * len(performance))
        frames = range(border, len(performance)) if options.last else range(1, border)
        report(dataset, performance, frames[:: options.every], options.pictures)


def tracked(video: Path, folder: Path, size: int) -> Dataset:
    if not (folder / "dataset.json").is_file():
        track(video, folder, head=open_head("builtin"), size=size)
    return Dataset.open(folder)


def report(dataset: Dataset, performance: Performance, frames: range, pictures: Path | None) -> None:
    head = open_head(performance.head)
    turns = turns_aside(performance)[list(frames)]
    start = time.perf_counter()
    errors = np.array(list(squared_errors(dataset, head, performance, frames, pictures)))
    print(f"{len(frames) / (time.perf_counter() - start):.1f} frames/s with reading and measuring")
    print("| yaw | frames | photo held still | coarse video |\n| --- | --- | --- | --- |")
    for low, high in BINS:
        within = (turns >= low) & (turns < high)
        if within.any():
            still, coarse = (-10 * np.log10(errors[within].mean(0))).round(2)
            print(f"| {low} to {high} | {within.sum()} | {still} dB | {coarse} dB |")


def squared_errors(
    dataset: Dataset, head: MorphableHead, performance: Performance, frames: range, pictures: Path | None
) -> Iterator[tuple[float, float]]:
    """Yield the mean squared error (of 1) of the head's pixels for the photo held still and for the coarse video."""
    window, matte = picture(dataset, 0), matte_of(dataset, 0)
    marks = landmarks_of_photo(window, dataset.folder)[:, :2]
    neutral = head.neutral(performance.identity)
    with (
        CoarseVideo(head, performance.at(slice(0, 1)), window, matte, marks) as video,
        closing(PlainRasteriser(len(window))) as rasteriser,
    ):
        for index in frames:
            truth = picture(dataset, index)
            vertices = frame_vertices(head, performance, index, neutral)
            inside = outline(head, vertices, performance, rasteriser) & (matte_of(dataset, index) > 0.5)
            coarse, _ = video.frame(performance, index, neutral)
            if pictures:
                keep(pictures / f"{dataset.names[index]}.jpg", truth, coarse, inside)
            yield error(window, truth, inside), error(coarse, truth, inside)


def outline(head: MorphableHead, vertices: Floats, performance: Performance, rasteriser: PlainRasteriser) -> Booleans:
    """Return `[S, S]`: the head without its neck, grown."""
    size = rasteriser.size
    margin = (size - performance.camera.width) // 2
    camera = performance.camera.padded(margin, margin, margin, margin)
    values = np.ones((len(vertices), 8), np.float32)
    values[:, 0] = ~head.regions["neck"]
    drawn = (rasteriser.draw(camera.clip(vertices), values, head.triangles)[0][..., 0] > 0.5).astype(np.uint8)
    reach = 2 * round(GROWN * size / 2) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return cv2.dilate(drawn, brush) > 0


def error(shown: Image, truth: Image, inside: Booleans) -> float:
    difference = (shown[inside].astype(np.float32) - truth[inside]) / 255
    return float(np.mean(difference**2))


def picture(dataset: Dataset, index: int) -> Image:
    return cv2.cvtColor(cv2.imread(str(dataset.image(dataset.names[index]))), cv2.COLOR_BGR2RGB)


def matte_of(dataset: Dataset, index: int) -> Floats:
    return cv2.imread(str(dataset.matte(dataset.names[index])), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def keep(path: Path, truth: Image, coarse: Image, inside: Booleans) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    difference = np.where(inside[..., None], np.abs(truth.astype(int) - coarse), 0).clip(0, 255).astype(np.uint8)
    sheet = np.concatenate([truth, coarse, difference], 1)
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
