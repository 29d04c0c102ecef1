# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of tracking: each stage alone, then footage to dataset with all stages running together.

    python benchmarks/tracking.py [--video FILE] [--frames 150] [--size 512]

Without a video it films the public-domain portrait in scikit-image, moved about, at 512 x 512 pixels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path

import av
import numpy as np
import skimage.data
from hardware import hardware
from rich.console import Console
from rich.table import Table
from semblance.tracking.crop import cut
from semblance.tracking.dataset_writer import DatasetWriter
from semblance.tracking.footage import Footage
from semblance.tracking.heads.maps import frame_maps
from semblance.tracking.heads.registry import open_head
from semblance.tracking.landmarks import DETECTION_SIDE, LandmarkDetector
from semblance.tracking.rasteriser import MapRasteriser
from semblance.tracking.selfie_matting import builtin_matting
from semblance.tracking.solver import solve_take
from semblance.tracking.track import track

Row = tuple[str, int, float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, help="footage to measure on, instead of the portrait")
    parser.add_argument("--frames", type=int, default=150, help="frames to measure each stage on")
    parser.add_argument("--size", type=int, default=512, help="side of the central window in pixels")
    options = parser.parse_args()
    title = hardware()
    with tempfile.TemporaryDirectory() as folder:
        video = options.video or film(Path(folder) / "portrait.mp4", options.frames)
        stages = measure_stages(Footage.open(video), options.frames, options.size, Path(folder))
        whole = measure_whole(video, options.size, Path(folder))
    show([*stages, whole], f"{video.name}, {options.size} pixels, {title}")


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


def measure_stages(footage: Footage, frames: int, size: int, folder: Path) -> list[Row]:
    """Each stage alone, in one thread but for what its library starts."""
    head = open_head("builtin")
    rows: list[Row] = []

    def timed(name: str, work: Callable[[], Iterable]) -> list:
        wall, cpu = time.perf_counter(), time.process_time()
        results = list(work())
        count = len(results)
        rows.append((name, count, (time.perf_counter() - wall) / count, (time.process_time() - cpu) / count))
        return results

    def limited(longest: int | None = None) -> Iterable:
        with closing(footage.frames(longest)) as all_frames:
            yield from islice(all_frames, frames)

    small = timed("decode, shrunk", lambda: limited(DETECTION_SIDE))
    with LandmarkDetector() as detector:
        scale = footage.size[0] / small[0].image.shape[1]
        found = timed("landmarks", lambda: (detector.detect(frame.image) for frame in small))
    unseen = np.full((478, 3), np.nan, np.float32)
    landmarks = np.stack([unseen if face is None else face * np.float32(scale) for face in found])
    times = np.array([frame.time for frame in small])
    solved = []

    def solve() -> Iterable:
        solved.append(solve_take(head, landmarks, times, footage, small[0].image, size))
        return range(len(landmarks))

    timed("solve, gaze, texture, smooth", solve)
    performance = solved[0]
    pictures = timed("decode, cut", lambda: (cut(frame.image, performance.crop, size) for frame in limited()))
    matting = builtin_matting(head, performance)
    mattes = timed("matte", lambda: map(matting, pictures))
    matting.close()
    neutral, colours = head.neutral(performance.identity), head.texture(performance.texture)
    vertices = timed(
        "pose and light", lambda: (frame_maps(head, performance, i, neutral, colours) for i in range(len(pictures)))
    )
    with MapRasteriser() as rasteriser:
        maps = timed("draw maps", lambda: (rasteriser.draw(v, head.triangles) for v in vertices))
    with DatasetWriter(folder / "stage", size) as writer:

        def write() -> Iterable:
            for index, (picture, matte, (uv_map, texture_map)) in enumerate(zip(pictures, mattes, maps, strict=True)):
                writer.add_picture(index, picture, matte)
                writer.add_maps(index, uv_map, texture_map)
            writer.finish(performance)
            return range(len(pictures))

        timed("encode and write", write)
    return rows


def measure_whole(video: Path, size: int, folder: Path) -> Row:
    """Footage to dataset, as `semblance track` does it."""
    head = open_head("builtin")
    wall, cpu = time.perf_counter(), time.process_time()
    count = len(track(video, folder / "whole", head=head, size=size).names)
    return "whole, all together", count, (time.perf_counter() - wall) / count, (time.process_time() - cpu) / count


def show(rows: list[Row], title: str) -> None:
    """Print the table."""
    table = Table("stage", "frames", "ms a frame", "CPU ms a frame", "frames a second", title=title)
    for name, count, wall, cpu in rows:
        table.add_row(name, str(count), f"{1e3 * wall:.1f}", f"{1e3 * cpu:.1f}", f"{1 / wall:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
