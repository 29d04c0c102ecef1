# SPDX-License-Identifier: GPL-3.0-or-later
"""Could a lip-reader follow the avatar? Its lips, over ten frames, are looked for in the footage it never saw.

    python benchmarks/lip_reading.py AVATAR DATASET [--frames 10] [--out TABLE.md]

Lips are landmarks detected anew in the pictures, turned upright and scaled by the eyes, without their mean over the
take. Each stretch of the avatar is compared with all stretches of the footage; right is the one of the same moment.
The baseline shows the training frame whose parameters are nearest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from hardware import hardware
from markdown import report
from semblance.neural.avatar import Avatar
from semblance.neural.evaluation.footage import inputs_of, painted
from semblance.neural.evaluation.nearest import nearest_frames
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.pictures import read_window
from semblance.tracking.datasets.split import split
from semblance.tracking.detection.landmarks import LIPS, LandmarkDetector

OUTER_EYE_CORNERS = (33, 263)
ENLARGED = 2
"""Small pictures are enlarged before landmarks are looked for."""
HEADER = ["lips of", "stretches", "found within 1 frame", "found within 2 frames", "other moments that look likelier"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatar", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--frames", type=int, default=10, help="length of a stretch")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    avatar, dataset = Avatar.load(options.avatar), Dataset.open(options.dataset)
    filmed, paintings, nearest = lips_of_unseen(avatar, dataset)
    cells = [
        [name, *found(lips, filmed, options.frames)] for name, lips in (("avatar", paintings), ("nearest", nearest))
    ]
    title = f"Lip-reading: {options.dataset.name}, stretches of {options.frames} frames"
    report(title, HEADER, cells, hardware(), options.out)


def lips_of_unseen(avatar: Avatar, dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lips `[T, N]` in the last fifth of the footage, in the avatar's pictures, in the nearest training frames."""
    training, test = split(len(dataset.names), 0.8)
    nearest = nearest_frames(dataset.performance(), training, test)
    side = avatar.metadata.resolution
    seen: list[tuple[np.ndarray, ...]] = []
    with LandmarkDetector(still=True) as detector, inputs_of(avatar, dataset, side) as inputs:
        for index in test:
            painting = painted(avatar, inputs(index)).over_black
            shown = read_window(dataset, index, side), painting, read_window(dataset, nearest[index], side)
            seen.append(tuple(upright_lips(detector, picture) for picture in shown))
    filmed, paintings, near = (np.stack(lips) for lips in zip(*seen, strict=True))
    return filmed, paintings, near


def upright_lips(detector: LandmarkDetector, picture: np.ndarray) -> np.ndarray:
    """The lips `[N]` of a picture, x and y of each landmark, in distances of the eyes; NaN where no face is found."""
    large = cv2.resize(np.ascontiguousarray(picture), None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    landmarks = detector.detect(large)
    if landmarks is None:
        return np.full(2 * len(LIPS), np.nan)
    lips = landmarks[list(LIPS), :2] - landmarks[list(LIPS), :2].mean(0)
    right, left = landmarks[list(OUTER_EYE_CORNERS), :2]
    (x, y), distance = left - right, float(np.linalg.norm(left - right))
    upright = np.array([[x, y], [-y, x]]) / distance
    return (lips @ upright.T / distance).ravel()


def found(lips: np.ndarray, filmed: np.ndarray, frames: int) -> list[str]:
    """The table's cells for lips `[T, N]` looked for among those `filmed [T, N]`."""
    ours, theirs = (stretches(each, frames) for each in (lips, filmed))
    distances = np.square(ours[:, None] - theirs[None]).sum(-1)
    moments = np.arange(len(distances))
    astray = np.abs(distances.argmin(1) - moments)
    elsewhere = np.abs(moments[:, None] - moments) > frames
    likelier = (distances < np.diag(distances)[:, None])[elsewhere].mean()
    shares = (astray <= 1).mean(), (astray <= 2).mean(), likelier
    return [str(len(distances)), *(f"{share:.0%}" for share in shares)]


def stretches(lips: np.ndarray, frames: int) -> np.ndarray:
    """All stretches `[T - frames + 1, frames * N]` of lips `[T, N]`, without the mean; lost frames are the mean."""
    moved = np.nan_to_num(lips - np.nanmean(lips, 0))
    return np.stack([moved[start : start + frames].ravel() for start in range(len(moved) - frames + 1)])


if __name__ == "__main__":
    main()
