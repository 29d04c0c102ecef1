# SPDX-License-Identifier: GPL-3.0-or-later
"""A session for the live door, in a thread of its own: an avatar and its driver, to pictures ready to be sent."""

from __future__ import annotations

import io
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from PIL import Image as Pillow

from ...neural.avatar import Avatar
from ...protocol.inputs import PosedMesh
from ...protocol.look import USUAL_LOOK
from ...tracking.live.live_retarget import LiveRetarget
from ...tracking.live.motion import State, TrackedFace
from ..live.backgrounds import AVATAR, background, with_driver
from ..live.client_sources import ClientControls, ClientPictures, at_zero
from ..live.drivers import driver_of, retarget_to
from ..live.session import Actor, live_pictures
from ..live.views import FRONT, View
from .live_messages import LEAST_SIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...protocol.look import Look
    from ...tracking.heads.arrays import Image
    from ...tracking.heads.head import MorphableHead
    from ...tracking.live.motion import MotionSource
    from ...tracking.live.source import Clock
    from ..live.session import LivePicture
    from .live_messages import Settings, Start


@dataclass(frozen=True)
class Ready:
    """A picture that is ready to be sent.

    Attributes:
        file: JPEG, or WebP where `is_webp`. size: width and height in pixels.
        state: one of `live_messages.STATES`. is_calibrating: whether the driver's neutral is being found.
        shows, time: number and time of the driver's frame, as the client calls them.
        captured: when that came, by the engine's clock. spent: seconds a stage.
    """

    file: bytes
    is_webp: bool
    size: tuple[int, int]
    state: str
    is_calibrating: bool
    shows: int
    time: float
    captured: float
    spent: Mapping[str, float]


@dataclass(frozen=True)
class Begun:
    """What is known once the avatar is read: its kind, whether it is seen from all sides, its longer side in pixels."""

    kind: str
    turns: bool
    size: int


@dataclass(frozen=True)
class Listeners:
    """Who hears of a session, in its thread: once at its beginning, of each picture, once at its end (and why)."""

    begun: Callable[[Begun], None]
    ready: Callable[[Ready], None]
    ended: Callable[[Exception | None], None]


@dataclass
class Chosen:
    """What the client has chosen; see `live_messages.Settings`."""

    size: int | None = None
    look: Look = USUAL_LOOK
    view: View = FRONT
    background: str = AVATAR
    show_driver: bool = False


class LiveRun:
    """One session; all but `run` returns at once and may be called by another thread."""

    def __init__(self, asked: Start, file: Path, listeners: Listeners, clock: Clock = time.monotonic) -> None:
        """Prepare the session that a client asks for, of an avatar's file."""
        self._asked, self._file, self._listeners, self._clock = asked, file, listeners, clock
        self._chosen = Chosen()
        self._actor: Actor | None = None
        self._share, self._quality = 1.0, 85
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._dropped = 0
        self.pictures = ClientPictures(clock) if asked.source == "pictures" else None
        self.controls: ClientControls | None = None
        self._early: list[tuple[float, dict[str, object]]] = []
        self.choose(asked)

    @property
    def dropped(self) -> int:
        """Frames that were dropped since the start."""
        return self._dropped

    def start(self) -> None:
        """Run in a thread of its own."""
        threading.Thread(target=self.run, name="live session", daemon=True).start()

    def stop(self) -> None:
        """End it, soon."""
        self._stopped.set()
        with self._lock:
            for source in (self.pictures, self.controls):
                if source is not None:
                    source.close()

    def drop(self) -> None:
        """Count a frame that was dropped."""
        with self._lock:
            self._dropped += 1

    def choose(self, settings: Settings) -> None:
        """Take what the client has chosen; what it leaves out stays."""
        with self._lock:
            chosen = self._chosen
            chosen.size = settings.size or chosen.size
            chosen.look = settings.look or chosen.look
            chosen.view = View(**settings.view.model_dump()) if settings.view else chosen.view
            chosen.background = settings.background or chosen.background
            chosen.show_driver = chosen.show_driver if settings.show_driver is None else settings.show_driver
            self._apply()

    def pace(self, share: float, quality: int) -> None:
        """Make pictures of a share of the wanted side, in a quality from 1 to 100."""
        with self._lock:
            self._share, self._quality = share, quality
            self._apply()

    def control(self, said: float, values: dict[str, object]) -> None:
        """Change the controls; `said` is when, by the client's clock."""
        with self._lock:
            if self.controls is None:
                self._early.append((said, values))
                del self._early[:-100]
            else:
                self.controls.change(said, **values)

    def run(self) -> None:
        """Run until it is stopped, its source ends or something fails; tell the listeners."""
        failure: Exception | None = None
        try:
            self._run()
        except Exception as error:
            failure = error
        self._listeners.ended(failure)

    def _run(self) -> None:
        avatar = Avatar.load(self._file)
        head = avatar.open_head()
        turns = avatar.kind.inputs is PosedMesh
        with ExitStack() as stack:
            source, retarget = self._driver(avatar, head, stack)
            with self._lock:
                self._actor = Actor(avatar, head, retarget)
                self._apply()
            self._listeners.begun(Begun(avatar.metadata.kind, turns, avatar.metadata.resolution))
            if self._stopped.is_set():
                return
            with closing(live_pictures(source, self._actor, dropped=self.drop, clock=self._clock)) as pictures:
                for each in pictures:
                    if self._stopped.is_set():
                        return
                    self._listeners.ready(self._ready(each, source, retarget))

    def _driver(self, avatar: Avatar, head: MorphableHead, stack: ExitStack) -> tuple[MotionSource, LiveRetarget]:
        """Open the source, and what makes its motions the avatar's."""
        own, asked = avatar.metadata.rest_performance(), self._asked
        if self.pictures is not None:
            return TrackedFace(self.pictures, head, self._clock), retarget_to(own)
        if asked.source == "controls":
            with self._lock:
                self.controls = ClientControls(own, self._clock)
                for said, values in self._early:
                    self.controls.change(said, **values)
            if self._stopped.is_set():
                self.controls.close()
            return self.controls, LiveRetarget(own, at_zero(own))
        stream = Path(asked.stream or "") if asked.source == "stream" else None
        port = asked.port if asked.source == "live-link" else None
        driver = stack.enter_context(driver_of(head, asked.camera, stream, port))
        return driver.source, retarget_to(own, driver.whole)

    def _apply(self) -> None:
        """Give the actor what was chosen, once there is one."""
        actor, chosen = self._actor, self._chosen
        if actor is None:
            return
        laid = background(actor.avatar, chosen.background)
        actor.laid = with_driver(laid) if chosen.show_driver else laid
        actor.look, actor.view, actor.side = chosen.look, chosen.view, self._side(actor)
        if self.controls is not None:
            self.controls.touch()

    def _side(self, actor: Actor) -> int:
        """Pixels of the longer side of pictures to be sent."""
        resolution = actor.avatar.metadata.resolution
        wanted = self._chosen.size or resolution
        whole = wanted if actor.avatar.kind.inputs is PosedMesh else min(wanted, resolution)
        return max(LEAST_SIDE, round(self._share * whole))

    def _ready(self, each: LivePicture, source: MotionSource, retarget: LiveRetarget) -> Ready:
        """Make a picture ready to be sent."""
        assert self._actor is not None
        begun = self._clock()
        picture = shrunk_to(each.picture, self._side(self._actor))
        file = encoded(picture, self._quality)
        motion = each.motion
        client = self.pictures or (source if isinstance(source, ClientControls) else None)
        shows, said = client.said_at(motion.time) if client is not None else (0, motion.time)
        return Ready(
            file=file,
            is_webp=picture.shape[2] == 4,
            size=(picture.shape[1], picture.shape[0]),
            state=state_in(motion.state, retarget),
            is_calibrating=motion.state == "learning" or (motion.state == "following" and retarget.is_learning),
            shows=shows,
            time=said,
            captured=motion.captured,
            spent={**each.spent, "encode": self._clock() - begun},
        )


def state_in(state: State, retarget: LiveRetarget) -> str:
    """Return which of `live_messages.STATES` a driver is in, by where the avatar is on its way to rest."""
    if state != "lost" or not retarget.is_let_go:
        return state
    return "resting" if retarget.is_at_rest else "easing"


def shrunk_to(picture: Image, side: int) -> Image:
    """Return a picture `[H, W, 3 or 4]`, no side of it longer than `side` pixels."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small: Image = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return small


def encoded(picture: Image, quality: int) -> bytes:
    """Return a picture as JPEG, or as WebP where it has an alpha (PIL's quickest: half the time of OpenCV's)."""
    if picture.shape[2] == 4:
        file = io.BytesIO()
        Pillow.fromarray(picture).save(file, "WEBP", quality=quality, method=0)
        return file.getvalue()
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
