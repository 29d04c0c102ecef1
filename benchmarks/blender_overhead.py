# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender itself costs a rendered frame, outside the network: milliseconds by stage. Aim: 20 ms in all at 256 px.

    .venv/blender/bin/python benchmarks/blender_overhead.py [--frames 60] [--size 256]

A stand-in engine in another process answers at once with an empty picture, so that transport counts and the network
does not. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 5
"""Frames that are not counted: the first compile shaders."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--size", type=int, default=256, help="side of the avatar's picture and of the render")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "semblance").symlink_to(ROOT, target_is_directory=True)
        sys.path.insert(0, folder)
        if given.serve:
            serve(given.serve, given.size)
        else:
            measure(Path(folder), given.frames, given.size)
    sys.stdout.flush()
    os._exit(0)


def serve(home: Path, size: int) -> None:
    """Answer every request for frames with an empty picture."""
    from semblance.protocol.arrays import pack_arrays
    from semblance.protocol.messages import VERSION, Announcement, Status

    status = Status("0", VERSION, "cpu", "stand-in", "0", [], str(home), os.getpid(), 0, 0)
    picture = pack_arrays(rgba=np.zeros((1, size, size, 4), np.uint8))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(json.dumps(asdict(status)).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(picture)

        def answer(self, data: bytes) -> None:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data)

        def log_message(self, *_what: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    (home / "engine.json").write_text(Announcement(server.server_port, "token", os.getpid()).to_text())
    server.serve_forever()


def measure(folder: Path, frames: int, size: int) -> None:
    """Render frames of the built-in head and print the table."""
    os.environ["SEMBLANCE_HOME"] = str(folder)
    engine = subprocess.Popen([sys.executable, __file__, "--serve", folder, "--size", str(size)])
    try:
        while not (folder / "engine.json").is_file():
            time.sleep(0.05)
        times = render(folder, frames, size)
    finally:
        engine.kill()
    print(f"{'stage':<44}{'median ms':>10}")
    for stage, taken in times.items():
        print(f"{stage:<44}{1000 * np.median(taken[WARM_UP:]):>10.1f}")


def render(folder: Path, frames: int, size: int) -> dict[str, list[float]]:
    """Render an animated head and return the seconds of each stage, frame by frame."""
    import bpy
    import semblance
    from semblance.blender_addon.engine import frame_service
    from semblance.blender_addon.render import gpu_maps, pixels, registration, render_engine
    from semblance.blender_addon.render.portraits import PortraitHead
    from semblance.blender_addon.scene import avatar_scene

    semblance.register()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    assert scene is not None
    nodding(frames, size).save(folder / "performance.npz")
    avatar_scene.add_avatar(scene, folder / "performance.npz", avatar="any")
    registration.use_renderer(scene)

    times: dict[str, list[float]] = defaultdict(list)
    timed(render_engine, "evaluated_heads", times, "read the evaluated mesh")
    timed(PortraitHead, "map_vertices", times, "project and light the vertices")
    timed(gpu_maps.MapPainter, "__init__", times, "make shader and targets")
    timed(gpu_maps.MapPainter, "draw", times, "draw the maps and read them back")
    timed(frame_service, "avatar_pictures", times, "to the engine and back")
    timed(pixels, "fit_to_frame", times, "place the picture")
    timed(pixels, "scene_linear", times, "linear, premultiplied")
    timed(render_engine, "composite", times, "lay the layers together")
    timed(render_engine.SemblanceRenderEngine, "write", times, "write the pass")
    timed(render_engine.SemblanceRenderEngine, "picture", times, "all but writing the pass")
    for number in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(number)
        began = time.perf_counter()
        bpy.ops.render.render()
        times["all, with Blender's own evaluation"].append(time.perf_counter() - began)
    return times


def timed(owner: object, name: str, times: dict[str, list[float]], stage: str) -> None:
    """Have every call of a function write down how long it took."""
    function: Callable[..., object] = getattr(owner, name)

    def call(*arguments: object, **named: object) -> object:
        began = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            times[stage].append(time.perf_counter() - began)

    setattr(owner, name, call)


def nodding(frames: int, size: int):
    """A performance of the built-in head in which everything moves."""
    from semblance.tracking.heads.camera import PinholeCamera
    from semblance.tracking.heads.registry import open_head
    from semblance.tracking.performances.performance import Performance

    head = open_head("builtin")
    seconds = np.arange(frames) / 25
    nod = 0.2 * np.sin(4 * seconds)
    rotation = np.tile(np.eye(3), (frames, 1, 1))
    rotation[:, 1, 1] = rotation[:, 2, 2] = np.cos(nod)
    rotation[:, 2, 1], rotation[:, 1, 2] = np.sin(nod), -np.sin(nod)
    expression = 0.25 + 0.25 * np.sin(3 * seconds[:, None] + np.arange(52))
    return Performance(
        head="builtin",
        identity=np.zeros(len(head.identity_basis), np.float32),
        texture=np.zeros(len(head.texture_basis), np.float32),
        expression=expression.astype(np.float32),
        rotation=rotation.astype(np.float32),
        translation=np.tile(np.array([0, 0, 1], np.float32), (frames, 1)),
        gaze=np.zeros((frames, 2, 2), np.float32),
        confidence=np.ones(frames, np.float32),
        times=seconds,
        camera=PinholeCamera.default(size),
    )


if __name__ == "__main__":
    main()
