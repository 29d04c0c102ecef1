# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed and memory of tracking: each stage alone, then footage to dataset with all stages running together.

    python benchmarks/tracking_speed.py [VIDEO...] [--frames 150] [--size 512] [--out TABLE.md]

Without a video it films the public-domain portrait in scikit-image, moved about, at 512 x 512 pixels.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import skimage.data
from hardware import hardware
from markdown import report
from semblance.tracking.datasets.rasteriser import MapRasteriser
from semblance.tracking.datasets.writer import DatasetWriter
from semblance.tracking.detection.landmarks import DETECTION_SIDE, LANDMARK_COUNT, LandmarkDetector
from semblance.tracking.heads.registry import open_head
from semblance.tracking.mattes.selfie_matting import builtin_matting
from semblance.tracking.media.crop import cut, resampled
from semblance.tracking.media.footage import Footage, Frame
from semblance.tracking.performances.maps import frame_maps
from semblance.tracking.solving.registration import SIDE, registered
from semblance.tracking.solving.solver import solve_take
from semblance.tracking.threads import one_thread_a_library
from semblance.tracking.track import track

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from semblance.common.progress import Progress
    from semblance.tracking.heads.head import MorphableHead

NOTES = """\
*ms*: processor time a frame, all cores together, of each stage alone; aligning decodes it shrunk
twice more. *together*: footage to dataset as `semblance track` does it, all stages at once. *memory*: the most that the
process holds (resident) in the first and the last quarter of this."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="*", help="footage to measure on, instead of the portrait")
    parser.add_argument("--frames", type=int, default=150, help="frames to measure each stage on")
    parser.add_argument("--size", type=int, default=512, help="side of the central window in pixels")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    machine, head, rows = hardware(), open_head("builtin"), []
    with tempfile.TemporaryDirectory() as folder:
        for video in options.videos or [film(Path(folder) / "portrait.mp4", options.frames)]:
            whole = together(head, video, options.size, Path(folder) / "whole")
            with one_thread_a_library():
                alone = stages_alone(head, Footage.open(video), options.frames, options.size, Path(folder) / "stages")
            rows.append({"video": video.stem, **{f"{stage} ms": 1000 * cost for stage, cost in alone.items()}, **whole})
    cells = [[video, *(f"{figure:.1f}" for figure in figures)] for video, *figures in (row.values() for row in rows)]
    report(f"Tracking speed, {options.size} pixels", list(rows[0]), cells, f"{NOTES}\n\n{machine}", options.out)


def film(path: Path, frames: int) -> Path:
    """A video of the portrait, swaying."""
    picture = np.pad(skimage.data.astronaut(), ((32, 32), (32, 32), (0, 0)), "edge")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv420p"
        for index in range(frames):
            x, y = (32 + round(30 * wave) for wave in (np.sin(index / 9), np.cos(index / 13)))
            image = np.ascontiguousarray(picture[y : y + 512, x : x + 512])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return path


def stages_alone(head: MorphableHead, footage: Footage, frames: int, size: int, folder: Path) -> dict[str, float]:
    """Seconds of processor time a frame of each stage alone."""
    costs: dict[str, float] = {}

    def timed(stage: str, work: Iterable) -> list:
        start = time.process_time()
        results = list(work)
        costs[stage] = (time.process_time() - start) / len(results)
        return results

    small = timed("decode shrunk", first_frames(footage, frames, DETECTION_SIDE))
    times = np.array([frame.time for frame in small])
    with LandmarkDetector() as detector:
        found = timed("landmarks", (detector.detect(frame.image) for frame in small))
    unseen = np.full((LANDMARK_COUNT, 3), np.nan, np.float32)
    scale = np.float32(footage.size[0] / small[0].image.shape[1])
    landmarks = np.stack([unseen if face is None else face * scale for face in found])
    first = next(frame.image for frame, face in zip(small, found, strict=True) if face is not None)

    def solve() -> Iterator:
        yield solve_take(head, landmarks, times, footage, first, size)

    performance = timed("solve", solve())[0]
    costs["solve"] /= len(performance)
    assert performance.crop is not None
    crop = performance.crop
    windows = [resampled(frame.image, crop, 1.0, SIDE) for frame in first_frames(footage, frames)]

    def align() -> Iterator:
        yield registered(head, performance, lambda: (window for window in windows))

    timed("align", align())
    costs["align"] /= len(performance)
    pictures = timed("decode and cut", (cut(frame.image, crop, size) for frame in first_frames(footage, frames)))
    with closing(builtin_matting(head, performance)) as matting:
        mattes = timed("matte", map(matting, pictures))
    neutral, colours = head.neutral(performance.identity), head.texture(performance.texture)
    vertices = timed("pose", (frame_maps(head, performance, i, neutral, colours) for i in range(len(pictures))))
    with MapRasteriser() as rasteriser:
        maps = timed("draw", (rasteriser.draw(each, head.triangles) for each in vertices))

    def write() -> Iterator[int]:
        with DatasetWriter(folder, size) as writer:
            for index, (picture, matte) in enumerate(zip(pictures, mattes, strict=True)):
                writer.add_picture(index, picture, matte)
                writer.add_maps(index, *maps[index])
                yield index
            writer.finish(performance)

    timed("write", write())
    return {**costs, "sum": sum(costs.values())}


def together(head: MorphableHead, video: Path, size: int, folder: Path) -> dict[str, float]:
    """Frames a second and memory of footage to dataset."""
    memory: list[tuple[float, float]] = []
    start = time.perf_counter()

    def listen(_progress: Progress) -> None:
        memory.append((time.perf_counter() - start, resident()))

    count = len(track(video, folder, head=head, size=size, listener=listen).names)
    end = time.perf_counter() - start
    return {
        "together frames/s": count / end,
        "memory MB, first quarter": max(size for moment, size in memory if moment < end / 4),
        "last quarter": max(size for moment, size in memory if moment > 3 * end / 4),
    }


def resident() -> float:
    """Megabytes of memory that this process holds (Linux; elsewhere 0)."""
    facts = Path("/proc/self/statm")
    return int(facts.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if facts.is_file() else 0.0


def first_frames(footage: Footage, count: int, longest: int | None = None) -> Iterator[Frame]:
    """The footage's first frames."""
    with closing(footage.frames(longest)) as frames:
        yield from islice(frames, count)


if __name__ == "__main__":
    main()
