# SPDX-License-Identifier: GPL-3.0-or-later
"""What smoothing costs and brings: lag behind the unsmoothed performance, and the jitter that it leaves.

    python benchmarks/steadiness.py LANDMARKS.npz [--rate 25]

The file holds MediaPipe's landmarks of every frame of some videos: arrays `[T, 478, 3]` in pixels.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial.transform import Rotation
from semblance.tracking.heads.registry import open_head
from semblance.tracking.media.crop import choose_crop, picture_camera
from semblance.tracking.performances.performance import Performance
from semblance.tracking.solving import closed_form
from semblance.tracking.solving.gaze import solve_gaze
from semblance.tracking.solving.one_euro import OneEuro
from semblance.tracking.solving.person import solve_person
from semblance.tracking.solving.smoothing import QUICK_COLUMNS, gaussian, smoothed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from semblance.tracking.heads.head import MorphableHead

MOST_LAG = 0.2
"""Seconds of the longest lag that is looked for."""
LIVELY, STILL = 0.8, 0.3
"""Lag is measured in the frames above one quantile of speed, jitter in those below the other."""
CALM = 0.08
"""Standard deviation in seconds of the kernel that takes the jitter from what is compared."""
MOST_FRAMES = 600


@dataclass(frozen=True)
class Steadiness:
    """`lag` in seconds; `jitter`: share of the unsmoothed one's that is left."""

    lag: float
    jitter: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("landmarks", type=Path)
    parser.add_argument("--rate", type=float, default=25.0, help="frames a second")
    options = parser.parse_args()
    head = open_head("builtin")
    table = Table("video", "smoothing", "signal", "lag ms", "jitter left %", title="Lag and jitter")
    with np.load(options.landmarks) as file:
        for name in (name for name in file.files if file[name].ndim == 3):
            raw = unsmoothed(head, file[name][:MOST_FRAMES], options.rate)
            for label, smooth in (("live", OneEuro().smoothed), ("whole take", smoothed)):
                for signal, found in steadiness(raw, smooth).items():
                    table.add_row(name, label, signal, f"{1000 * found.lag:.0f}", f"{100 * found.jitter:.0f}")
    Console().print(table)


def unsmoothed(head: MorphableHead, landmarks: NDArray[np.float32], rate: float) -> Performance:
    """The performance of `landmarks [T, 478, 3]` as the solver finds it; frames without a face are left out."""
    seen = np.flatnonzero(~np.isnan(landmarks[:, 0, 0]))
    faces = landmarks[seen]
    crop = choose_crop(faces)
    camera = picture_camera(crop)
    found = closed_form.solve(faces, camera, solve_person(head, faces, camera))
    motion = found.expression, found.rotation, found.translation
    gaze = solve_gaze(head, found, faces, camera)
    texture, sure = np.zeros(len(head.texture_basis), np.float32), np.ones(len(faces), np.float32)
    return Performance(head.name, found.identity, texture, *motion, gaze, sure, seen / rate, camera, crop, rate)


def steadiness(raw: Performance, smooth: Callable[[Performance], Performance]) -> dict[str, Steadiness]:
    """Lag and jitter of each part of a performance of evenly spaced frames."""
    before, after = signals(raw), signals(smooth(replace(raw, times=np.arange(len(raw)) / raw.fps)))
    return {
        name: Steadiness(lag(before[name], after[name], raw.fps), jitter_left(before[name], after[name], raw.fps))
        for name in before
    }


def signals(performance: Performance) -> dict[str, NDArray]:
    """The parts of a performance, `[T, N]` each."""
    return {
        "lips and lids": performance.expression[:, QUICK_COLUMNS],
        "rest of the face": performance.expression[:, ~QUICK_COLUMNS],
        "rotation": Rotation.from_matrix(performance.rotation).as_rotvec(),
        "translation": performance.translation,
        "gaze": performance.gaze.reshape(-1, 4),
    }


def lag(raw: NDArray, smooth: NDArray, rate: float) -> float:
    """Seconds by which `smooth [T, N]` comes later than `raw`, where this moves: the shift that fits best.

    Both lose their jitter first, because half a frame's shift hides some of it.
    """
    speeds = speed(raw, rate)
    moving = np.flatnonzero(speeds >= np.quantile(speeds, LIVELY))
    frames, shifts = np.arange(len(raw)), np.arange(-MOST_LAG, MOST_LAG, 0.001)
    before, after = (gaussian(values, CALM * rate).T for values in (raw, smooth))
    errors = [
        sum(
            ((np.interp(moving - shift * rate, frames, a) - b[moving]) ** 2).sum()
            for a, b in zip(before, after, strict=True)
        )
        for shift in shifts
    ]
    return float(shifts[int(np.argmin(errors))])


def jitter_left(raw: NDArray, smooth: NDArray, rate: float) -> float:
    """Share of the second differences of `raw [T, N]` that `smooth` has, where nothing moves."""
    moving = speed(raw, rate)[1:-1]
    still = moving <= np.quantile(moving, STILL)
    before, after = (np.abs(np.diff(values, 2, axis=0))[still].mean() for values in (raw, smooth))
    return float(after / max(before, 1e-12))


def speed(values: NDArray, rate: float) -> NDArray[np.float64]:
    """How fast `values [T, N]` change once their jitter is gone, `[T]`."""
    return np.linalg.norm(np.gradient(gaussian(values, CALM * rate), axis=0), axis=1)


if __name__ == "__main__":
    main()
