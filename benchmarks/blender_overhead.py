# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender itself costs, outside the network: a rendered frame by stage, a 4K frame, the longest blocked tick.

    .venv/blender/bin/python benchmarks/blender_overhead.py [--frames 60] [--size 256]
    .venv/blender/bin/python benchmarks/blender_overhead.py --avatar FILE --engine .venv/engine/bin/python

A stand-in engine in another process answers at once with the same portrait, so that transport counts and the network
does not; it is also asked through a proxy that holds back every byte for 150 ms each way. With an avatar's file, the
real engine paints the viewport's frames. Aims: 20 ms a frame at 256 pixels, 0.3 s for a 4K frame of a picture of 1024,
no tick over 20 ms, 10 frames a second in the viewport with `preview` on a processor. Beside the milliseconds that pass
stand those of work in all threads, which a busy machine changes less, and their ratio to a fixed piece of NumPy's work
in the same run. What Blender does for a render engine that paints nothing stands beside the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from clocks import baseline, clocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
ONE_WAY = 0.15
"""Seconds for which the proxy holds everything back."""
WARM_UP = 5
"""Frames that are not counted: the first compile shaders."""
WHOLE, OWN = "the whole frame, with Blender's own", "Blender's own: an engine that paints nothing"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--size", type=int, default=256, help="side of the avatar's picture and of the render")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each viewport is watched")
    parser.add_argument("--avatar", type=Path, help="an avatar of the preset `preview`, for the viewport's frames")
    parser.add_argument("--engine", type=Path, help="a Python that runs the engine, for the same")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "semblance").symlink_to(ROOT, target_is_directory=True)
        sys.path.insert(0, folder)
        if given.serve:
            serve(given.serve, given.size)
        else:
            measure(Path(folder), given)
    sys.stdout.flush()
    os._exit(0)


def serve(home: Path, size: int) -> None:
    """Answer every request for frames with a portrait."""
    from semblance.protocol.arrays import pack_arrays
    from semblance.protocol.messages import VERSION, Status

    status = Status("0", VERSION, "cpu", "stand-in", "0", [], str(home), os.getpid(), 0, 0)
    picture = pack_arrays(rgba=portrait(size)[None])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith(("/v1/jobs", "/v1/expectations")):
                self.answer(b"[]")
            elif self.path == "/v1/presence":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
                self.rfile.read(1)
            else:
                self.answer(json.dumps(asdict(status)).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(picture)

        def answer(self, data: bytes) -> None:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data)

        def handle(self) -> None:
            with suppress(ConnectionError):  # viewports are closed at any moment
                super().handle()

        def log_message(self, *_what: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asyncio.run(delaying(home, server.server_port))


def portrait(size: int) -> NDArray[np.uint8]:
    """Return `[size, size, 4]`: a head and shoulders with soft outlines, of uneven colours; a half of it mixed, as
    networks paint after a short training.
    """
    down, across = (np.mgrid[:size, :size] + 0.5) / size
    head = np.hypot((across - 0.5) / 0.23, (down - 0.42) / 0.32)
    shoulders = np.hypot((across - 0.5) / 0.42, (down - 1.12) / 0.42)
    alpha = np.clip((1.1 - np.minimum(head, shoulders)) * 2 + 0.5, 0, 1)[..., None]
    person = np.stack([0.6 + 0.3 * across, 0.45 + 0.3 * down, 0.3 + 0.2 * across * down], -1)
    grain = np.random.default_rng(0).normal(0, 0.02, person.shape)
    colours = np.clip(person * alpha + 0.8 * (1 - alpha) + grain, 0, 1)
    return (np.concatenate([colours, alpha], -1) * 255 + 0.5).astype(np.uint8)


async def delaying(home: Path, behind: int) -> None:
    """Announce the stand-in engine in `home`, and, in its folder `far`, a proxy of it that holds everything back."""
    from semblance.protocol.messages import Announcement

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def read() -> None:
            while data := await reader.read(1 << 16):
                held.put_nowait((time.monotonic() + ONE_WAY, data))
            held.put_nowait((time.monotonic() + ONE_WAY, b""))

        reading = asyncio.ensure_future(read())
        while True:
            due, data = await held.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not data:
                break
            writer.write(data)
        writer.close()
        await reading

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer), return_exceptions=True)

    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    (home / "far").mkdir()
    for place, port in ((home / "far", proxy.sockets[0].getsockname()[1]), (home, behind)):
        (place / "engine.json").write_text(Announcement(port, "token", os.getpid()).to_text())
    await proxy.serve_forever()


def measure(folder: Path, given: argparse.Namespace) -> None:
    """Render frames of the built-in head, watch viewports, and print the tables."""
    os.environ["SEMBLANCE_HOME"] = str(folder)
    engine = subprocess.Popen([sys.executable, __file__, "--serve", folder, "--size", str(given.size)])
    try:
        while not (folder / "engine.json").is_file():
            time.sleep(0.05)
        times = render(folder, given.frames, given.size)
        unit = baseline()
        print(f"{'stage':<44}{'ms':>10}{'of work':>10}{'/ baseline':>12}")
        for stage, taken in times.items():
            tell(stage, np.median(taken[WARM_UP:], 0), unit)
        tell("a 4K frame of a picture of 1024 pixels", frame_of_4k(), unit)
        watch(folder, given, unit)
    finally:
        engine.kill()


def tell(what: str, taken: NDArray[np.float64], unit: float) -> None:
    """Print seconds that have passed and seconds of the processor's work, which count against the baseline's."""
    passed, worked = taken
    print(f"{what:<44}{1000 * passed:>10.1f}{1000 * worked:>10.1f}{worked / unit:>12.2f}")


def frame_of_4k() -> NDArray[np.float64]:
    """Return the seconds (passed, worked) from the engine's picture to a portrait's colours in a transparent frame."""
    from semblance.blender_addon.render import pixels
    from semblance.protocol.foreground import person_alone

    picture = portrait(1024)
    window, linear = pixels.avatar_window(3840, 2160, "AUTO"), np.eye(3, dtype=np.float32)
    taken = []
    for _ in range(3):
        began = clocks()
        pixels.in_frame(person_alone(picture), window, 3840, 2160, linear, transparent=True)
        taken.append(clocks() - began)
    return np.min(taken, 0)


def watch(folder: Path, given: argparse.Namespace, unit: float) -> None:
    """Watch a viewport with the stand-in engine, near and far, and with the real one where there is an avatar."""
    from blender_ticks import watched
    from semblance.blender_addon.engine.process import EnginePlace

    places = {"stand-in": EnginePlace(folder), "stand-in behind 300 ms": EnginePlace(folder / "far")}
    if given.avatar and given.engine:
        home = folder / "real"
        (home / "avatars").mkdir(parents=True)
        shutil.copy(given.avatar, home / "avatars" / "any.safetensors")
        places["real engine"] = EnginePlace(home, given.engine.absolute())
    for name, place in places.items():
        longest, rate, work = watched(place, given.seconds * (3 if name == "real engine" else 1))
        print(
            f"\n{name}: {rate:.1f} frames a second in the viewport, {1000 * work:.1f} ms of work each; longest ticks:"
        )
        for kind, taken in sorted(longest.items(), key=lambda each: -each[1][0]):
            tell(kind, taken, unit)


def render(folder: Path, frames: int, size: int) -> dict[str, list[NDArray[np.float64]]]:
    """Render an animated head and return the seconds (passed, worked) of each stage, frame by frame."""
    import bpy
    import semblance
    from semblance.blender_addon.engine import frame_service
    from semblance.blender_addon.render import gpu_maps, pixels, portraits, registration, render_engine
    from semblance.blender_addon.scene import avatar_scene

    semblance.register()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    assert scene is not None
    nodding(frames, size).save(folder / "performance.npz")
    avatar_scene.add_avatar(scene, folder / "performance.npz", avatar="any")
    registration.use_renderer(scene)

    times: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    timed(render_engine, "evaluated_heads", times, "read the evaluated mesh")
    timed(portraits.PortraitHead, "map_vertices", times, "project and light the vertices")
    timed(gpu_maps.MapPainter, "__init__", times, "make shader and targets")
    timed(gpu_maps.MapPainter, "draw", times, "draw the maps and read them back")
    timed(frame_service, "avatar_pictures", times, "to the engine and back")
    timed(portraits, "person_alone", times, "the person alone")
    timed(pixels, "in_frame", times, "place the picture; linear, premultiplied")
    timed(render_engine, "composite", times, "lay the layers together")
    timed(render_engine, "record_of_render", times, "note what the frame is of")
    timed(render_engine.SemblanceRenderEngine, "write", times, "write the pass, with that note")
    timed(render_engine.SemblanceRenderEngine, "picture", times, "all but writing the pass")
    render_all(scene, times[WHOLE])
    place: Any = render_engine.SemblanceRenderEngine
    place.render = lambda _engine, _depsgraph: None
    render_all(scene, times[OWN])
    times["the whole frame without that"] = list(np.array(times[WHOLE]) - np.median(times[OWN][WARM_UP:], 0))
    return times


def render_all(scene: Any, times: list[NDArray[np.float64]]) -> None:
    """Render every frame and write down how long it took."""
    import bpy

    for number in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(number)
        began = clocks()
        bpy.ops.render.render()
        times.append(clocks() - began)


def timed(owner: object, name: str, times: dict[str, list[NDArray[np.float64]]], stage: str) -> None:
    """Have every call of a function write down how long it took."""
    function: Callable[..., object] = getattr(owner, name)

    def call(*arguments: object, **named: object) -> object:
        began = clocks()
        try:
            return function(*arguments, **named)
        finally:
            times[stage].append(clocks() - began)

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
