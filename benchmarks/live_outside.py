# SPDX-License-Identifier: GPL-3.0-or-later
"""Latency of a live session as it is seen from outside: a patch flashes in the driver's video, a clock is read where
the avatar's pictures come out, and the program is not asked.

    python benchmarks/live_outside.py VIDEO AVATAR [--seconds 10] [--out FILE.md]

The patch is looked for in the driver's picture that the session shows in a corner. A virtual camera is stood in for by
what takes its pictures. A WebSocket's client sends the video as JPEG and reads what comes back, on the same machine,
coding and decoding included. A file is whole at its end only: how far the patch is off the time where the video has it
is told instead.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import uvicorn
from hardware import hardware
from live_sessions import FLASH, FlashingVideo, patch_is_white, quantiles
from markdown import report
from semblance.common.home import Home
from semblance.engine.jobs.scheduler import Scheduler
from semblance.engine.live.backgrounds import background, with_driver
from semblance.engine.live.session import actor_of, live_pictures
from semblance.engine.live.sinks import file
from semblance.engine.live.virtual_camera import VirtualCamera
from semblance.engine.serving.live_messages import AVATAR_HEADER, CAMERA_HEADER
from semblance.engine.serving.server import create_app
from semblance.neural.avatar import Avatar
from semblance.tracking.live.motion import TrackedFace
from semblance.tracking.live.source import played
from semblance.tracking.media.footage import Footage
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from semblance.tracking.heads.arrays import Image

HEADINGS = ("sink", "flashes", "median ms", "95th ms", "pictures a second")
NOTES = """\
From the moment at which a patch turned in the driver's video until it was seen turned where pictures come out, median
and 95th percentile; of the *file*, how far its time is off the video's."""
TOKEN = "a-token-for-benchmarks"
LONGEST = 2.0
"""Seconds after which a turn counts as missed."""


class Watcher:
    """Notes when the patch is seen turned; it is told of each picture that comes out."""

    def __init__(self, turned: dict[int, float]) -> None:
        self._turned = turned
        self._is_white: bool | None = None
        self.late: list[float] = []
        self.moments: list[float] = []

    def see(self, picture: Image, now: float) -> None:
        """A picture came out."""
        self.moments.append(now)
        is_white, before = patch_is_white(picture), self._is_white
        self._is_white = is_white
        turns = [moment for turn, moment in list(self._turned.items()) if turn % 2 == is_white and moment <= now]
        if before is not None and is_white != before and turns and now - max(turns) < LONGEST:
            self.late.append(now - max(turns))

    def row(self, name: str) -> list[str]:
        """What was seen, as cells."""
        between = self.moments[-1] - self.moments[0] if len(self.moments) > 1 else 0.0
        rate = (len(self.moments) - 1) / between if between else 0.0
        return [name, str(len(self.late)), *quantiles(self.late), f"{rate:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, help="of a face; it drives the avatar")
    parser.add_argument("avatar", type=Path, help="avatar file")
    parser.add_argument("--seconds", type=float, default=10, help="length of each session")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    rows = [way(options.avatar, options.video, options.seconds) for way in (to_camera, to_client, to_file)]
    report("Live sessions, seen from outside", HEADINGS, rows, f"{NOTES}\n\n{hardware()}", options.out)


def to_camera(avatar: Path, video: Path, seconds: float) -> list[str]:
    """Watch what a virtual camera is sent."""
    source = FlashingVideo(played(video), seconds)
    watcher = Watcher(source.turned)

    def camera(width: int, height: int, **_: object) -> SimpleNamespace:
        return SimpleNamespace(
            width=width, height=height, send=lambda rgb: watcher.see(rgb, time.monotonic()), close=lambda: None
        )

    sink = VirtualCamera(SimpleNamespace(Camera=camera), source.fps)
    run(avatar, source, sink.show)
    return watcher.row("virtual camera")


def to_file(avatar: Path, video: Path, seconds: float) -> list[str]:
    """Watch the frames of the file that is written, by their own times."""
    source = FlashingVideo(played(video), seconds)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "live.mp4"
        with file(path, source.fps, None) as sink:
            run(avatar, source, sink.show)
        watcher = Watcher({turn: turn * FLASH for turn in source.turned})
        first = None
        with closing(Footage.open(path).frames()) as frames:
            for frame in frames:
                first = frame.time if first is None else first
                watcher.see(frame.image, frame.time - first)
    return watcher.row("file")


def run(avatar: Path, source: FlashingVideo, show: Callable[[Image, float], bool]) -> None:
    """Run a session into a sink."""
    subject = Avatar.load(avatar)
    actor = actor_of(subject, laid=with_driver(background(subject, "avatar")))
    with closing(live_pictures(TrackedFace(source, actor.head), actor)) as pictures:
        for each in pictures:
            show(each.picture, each.motion.time)


def to_client(avatar: Path, video: Path, seconds: float) -> list[str]:
    """Watch what a client of the live door is sent, that sends the video."""
    source = FlashingVideo(played(video), seconds)
    watcher = Watcher(source.turned)
    with door(avatar) as address, connect(address, proxy=None, compression=None, max_size=None) as connection:
        asked = {"type": "start", "token": TOKEN, "avatar": avatar.stem, "source": "pictures", "show_driver": True}
        connection.send(json.dumps(asked))
        sender = threading.Thread(target=send, args=(connection, source), daemon=True)
        try:
            while True:
                hear(connection, watcher, sender)
        except ConnectionClosed:
            sender.join()
    return watcher.row("WebSocket")


def send(connection: ClientConnection, source: FlashingVideo) -> None:
    """Send the video, then stop."""
    for number, shot in enumerate(source.shots()):
        small = cv2.resize(shot.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        jpeg = cv2.imencode(".jpg", small[..., ::-1])[1].tobytes()
        connection.send(CAMERA_HEADER.pack(1, 1, 0, number + 1, shot.captured) + jpeg)
    connection.send(json.dumps({"type": "stop"}))


def hear(connection: ClientConnection, watcher: Watcher, sender: threading.Thread) -> None:
    """Take one message, and acknowledge what is to be acknowledged."""
    message = connection.recv()
    if isinstance(message, str):
        if json.loads(message)["type"] == "started":
            connection.send(json.dumps({"type": "seen", "number": 0}))
            sender.start()
        return
    number = AVATAR_HEADER.unpack_from(message)[4]
    bgr = cv2.imdecode(np.frombuffer(message, np.uint8, offset=AVATAR_HEADER.size), cv2.IMREAD_COLOR)
    watcher.see(bgr[..., ::-1], time.monotonic())
    connection.send(json.dumps({"type": "seen", "number": number}))


@contextmanager
def door(avatar: Path) -> Iterator[str]:
    """Run an engine whose home has the avatar; give the address of its live door."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.prepare()
        home.avatar(avatar.stem).write_bytes(avatar.read_bytes())
        server = uvicorn.Server(uvicorn.Config(create_app(Scheduler(home), TOKEN), port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1/live"
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
