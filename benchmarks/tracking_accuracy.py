# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy of tracking: how well the head's own landmarks follow the detected ones, video by video.

    python benchmarks/tracking_accuracy.py VIDEO... [--head builtin] [--head-path FILE] [--out TABLE.md]

Every video goes through the whole chain of `semblance track` up to the performance.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hardware import hardware
from markdown import report
from semblance.benchmarks.lag_and_jitter import jitter, lag, still_frames
from semblance.tracking.detection.landmarks import IRISES_START, Landmarks, eye_distance
from semblance.tracking.heads.registry import open_head
from semblance.tracking.media.footage import Footage
from semblance.tracking.overlay.drawing import camera_of_picture
from semblance.tracking.solving.agreement import mesh_landmarks, openings
from semblance.tracking.track import find_landmarks, track_performance

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from semblance.tracking.heads.head import MorphableHead
    from semblance.tracking.performances.performance import Performance

HEADINGS = (
    "video", "frames", "lost", "marked", "error %", "95th %", "jitter %", "of landmarks %", "lag ms",
    "lids shut %", "mesh %", "mouth open %", "mesh %",
)  # fmt: skip
NOTES = """\
All but frames and milliseconds in per cent of the distance between the eyes. *lost*: frames without a face, *marked*:
frames of a face that training is not to trust. *error*: mean distance of the head's 468 landmarks to the detected ones,
its median over the frames and its 95th percentile. *jitter*: of the head's landmarks in the stillest third of the
frames, beside that of the detected landmarks. *lag*: by which the mouth's opening comes later than the detected one.
*lids shut*, *mouth open*: openings in the twentieth of the frames in which they are the least, and the most; detected,
beside the mesh's."""
EXTREME = 0.05
"""Share of the frames in which lids count as shut, and the mouth as open."""
TIP_OF_NOSE = 1
LIDS, MOUTH = [0, 1], 2
"""Columns of `openings`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--head", default="builtin")
    parser.add_argument("--head-path", type=Path)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    head = open_head(options.head, options.head_path)
    title = f"Tracking accuracy, head {head.name}"
    rows = [(video.stem, *measured(head, Footage.open(video))) for video in options.videos]
    report(title, HEADINGS, rows, f"{NOTES}\n\n{hardware()}", options.out)


def measured(head: MorphableHead, footage: Footage) -> list[str]:
    """The cells of a video's row, without its name."""
    performance = track_performance(footage.path, head)
    landmarks = find_landmarks(footage).landmarks
    seen = ~np.isnan(landmarks[:, 0, 0])
    counts = [len(seen), (~seen).sum(), (seen & ~performance.trusted).sum()]
    return [*map(str, counts), *agreement(head, performance.at(seen), landmarks[seen])]


def agreement(head: MorphableHead, performance: Performance, found: Landmarks) -> list[str]:
    """The cells that compare a performance with the detected landmarks `[T, 478, 3]`, all of frames with a face."""
    assert performance.crop is not None
    own = mesh_landmarks(head, performance, camera_of_picture(performance.camera, performance.crop))
    error = np.linalg.norm((own - found)[..., :2], axis=-1)[:, :IRISES_START].mean(1) / eye_distance(found)
    still = still_frames(found[:, TIP_OF_NOSE, :2], performance.fps)
    openings_found, openings_own = openings(found), openings(own)
    late = lag(openings_found[:, MOUTH], openings_own[:, MOUTH], performance.fps)
    shut = np.argsort(openings_found[:, LIDS].mean(1))[: round(EXTREME * len(found))]
    wide = np.argsort(-openings_found[:, MOUTH])[: round(EXTREME * len(found))]
    return [
        *(percent(value) for value in (np.median(error), np.quantile(error, 0.95))),
        *(percent(shake(points, found, still)) for points in (own, found)),
        str(round(1000 * late)),
        *(percent(points[shut][:, LIDS].mean()) for points in (openings_found, openings_own)),
        *(percent(points[wide, MOUTH].mean()) for points in (openings_found, openings_own)),
    ]


def shake(points: Landmarks, found: Landmarks, still: NDArray[np.bool_]) -> float:
    """Jitter of a landmark in the `still [T]` frames, over the distance of the eyes."""
    values = points[:, :IRISES_START, :2].reshape(len(points), -1) / np.median(eye_distance(found))
    return jitter(values, still) / np.sqrt(IRISES_START)


def percent(share: float | np.floating) -> str:
    """A share in per cent."""
    return f"{100 * share:.2f}"


if __name__ == "__main__":
    main()
