# SPDX-License-Identifier: GPL-3.0-or-later
"""A head whose landmarks are being pinned: what is at the pointer and what is dragged, and the engine's answers, which
a timer brings. Nothing here waits.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy

from ...common.errors import UserError
from ...tracking.heads.pin_points import part_of
from .. import ids, preferences
from ..animation_properties import animation_settings
from ..engine.pin_feed import PinFeed
from ..scene import live_head, pinning
from ..scene.pinning import PinnedHead
from ..words import translated
from . import activity, pin_footage

if TYPE_CHECKING:
    from ...protocol.pins import PinnedFace
    from ...tracking.heads.arrays import Doubles, Floats
    from ..scene.pin_record import Place

SECONDS_BETWEEN_STEPS = 1 / 60

Pinned = dict[int, "Place"]


@dataclass(frozen=True)
class Change:
    """Pins of a frame as they are to be.

    Attributes:
        frame: the frame; pins: all of its pins.
        step: name of the undo step; empty while a landmark is still being dragged.
    """

    frame: int
    pins: Pinned
    step: str = ""


@dataclass(eq=False)
class PinSession:
    """A head whose landmarks are shown and can be dragged.

    Attributes:
        head, scene: their ids.
        shapes: the landmarks, with and without expression (see `pinning.landmark_shapes`).
        hovered: the landmark at the pointer. dragged: the one that follows it; place: where it is; grasp: from the
            pointer to it.
        preview: what the face does as it is dragged, and in which frame.
        waiting: changes whose landmarks were let go, oldest first: the first one is with the engine.
    """

    head: str
    scene: str
    shapes: tuple[Floats, Floats]
    feed: PinFeed[Change]
    hovered: int | None = None
    dragged: int | None = None
    place: Place = (0.0, 0.0)
    grasp: Place = (0.0, 0.0)
    preview: tuple[int, PinnedFace] | None = None
    waiting: list[Change] = field(default_factory=list)

    def found(self) -> tuple[bpy.types.Scene, bpy.types.Object] | None:
        """The scene and the head, where both are still open."""
        scene, head = ids.find_scene(self.scene), ids.find_head(self.head)
        if scene is None or head is None or head.name not in scene.objects:
            return None
        return scene, head

    def pins(self, head: bpy.types.Object, frame: int) -> Pinned:
        """The pins of a frame, with those that the engine is still solving, and with the one that is dragged."""
        pins = pinning.pins_at(head, frame)
        for change in self.waiting:
            if change.frame == frame:
                pins = dict(change.pins)
        if self.dragged is not None:
            pins[self.dragged] = self.place
        return pins

    def known(self, head: bpy.types.Object) -> PinnedHead:
        """The head as the solver knows it."""
        return PinnedHead.of(head, self.shapes)

    def face(self, head: bpy.types.Object, frame: int) -> PinnedFace:
        """What the face does in a frame, as far as the engine has said."""
        if self.preview and self.preview[0] == frame:
            return self.preview[1]
        return self.known(head).face(pinning.channels_at(head, range(frame, frame + 1))[0])

    def places(self, head: bpy.types.Object, frame: int) -> Doubles:
        """Return `[478, 2]`: where the landmarks are in a frame. A pin is where it was put, wherever the head could
        follow.
        """
        places = self.known(head).places(self.face(head, frame))
        for landmark, place in self.pins(head, frame).items():
            places[landmark] = place
        return places


_sessions: list[PinSession] = []
"""The one that is open, if any."""


def current() -> PinSession | None:
    """The session that is open; None for none."""
    return _sessions[0] if _sessions else None


def begin(scene: bpy.types.Scene, head: bpy.types.Object) -> PinSession:
    """Show a head's landmarks from now on.

    Raises:
        UserError: they cannot be pinned.
    """
    assert not _sessions
    pinning.require_pins(scene, head)
    shapes, feed = pinning.landmark_shapes(head), PinFeed[Change](preferences.engine_place())
    session = PinSession(ids.id_of(head), ids.id_of(scene), shapes, feed)
    _sessions.append(session)
    activity.dismiss()
    pin_footage.uncover()
    if not bpy.app.timers.is_registered(step):
        bpy.app.timers.register(step, first_interval=SECONDS_BETWEEN_STEPS)
    activity.redraw()
    return session


def stop() -> None:
    """Show no landmarks any more; what was being dragged is as before."""
    session = current()
    if session is None:
        return
    let_go(session)
    session.feed.close()
    _sessions.clear()
    pin_footage.cover()
    activity.redraw()


def grasp(session: PinSession, landmark: int, pointer: Place) -> None:
    """Let a landmark follow the pointer from now on, as far from it as it is."""
    found = session.found()
    if found is None:
        return
    scene, head = found
    x, y = session.places(head, scene.frame_current)[landmark].tolist()
    session.dragged, session.place, session.grasp = landmark, (x, y), (x - pointer[0], y - pointer[1])


def drag(session: PinSession, pointer: Place) -> None:
    """Bring the landmark that is dragged to the pointer; the engine is asked what the face does then."""
    found = session.found()
    if found is None or session.dragged is None:
        return
    scene, head = found
    session.place = (pointer[0] + session.grasp[0], pointer[1] + session.grasp[1])
    if not session.waiting:
        want(session, head, Change(scene.frame_current, session.pins(head, scene.frame_current)))


def drop(session: PinSession) -> None:
    """Pin the landmark that is dragged where it is."""
    found, landmark = session.found(), session.dragged
    if found is None or landmark is None:
        return
    scene, head = found
    pins = session.pins(head, scene.frame_current)
    session.dragged = None
    name = translated("Pin {part}", part=translated(part_of(landmark)))
    settle(session, head, Change(scene.frame_current, pins, name))


def remove(session: PinSession, landmark: int | None) -> None:
    """Take a pin away, where the landmark has one; None for no landmark."""
    found = session.found()
    if found is None or landmark is None:
        return
    scene, head = found
    pins = session.pins(head, scene.frame_current)
    if pins.pop(landmark, None) is not None:
        name = translated("Remove Pin of {part}", part=translated(part_of(landmark)))
        settle(session, head, Change(scene.frame_current, pins, name))


def let_go(session: PinSession) -> None:
    """Forget what is dragged: the frame is as its keys say."""
    session.dragged, session.preview = None, None
    scene = ids.find_scene(session.scene)
    if scene is not None:
        scene.frame_set(scene.frame_current)


def take_back(session: PinSession) -> bool:
    """Forget the changes that the engine is still solving, as undo does with those that are done; tell whether there
    were any.
    """
    had = bool(session.waiting)
    session.waiting.clear()
    let_go(session)
    return had


def settle(session: PinSession, head: bpy.types.Object, change: Change) -> None:
    """Have pins written into the keys: at once where none are left, else when the engine has solved them."""
    session.waiting.append(change)
    if len(session.waiting) == 1:
        send(session, head)


def send(session: PinSession, head: bpy.types.Object) -> None:
    """Have the oldest change that waits done."""
    change = session.waiting[0]
    if change.pins:
        want(session, head, change)
    else:
        done(session, head, change, None)


def want(session: PinSession, head: bpy.types.Object, change: Change) -> None:
    """Ask the engine what the face does with pins."""
    known = session.known(head)
    face = known.face(pinning.unpinned_channels(head, change.frame))
    session.feed.want(known.request(face, change.pins), change)


def step() -> float | None:
    """Take the session one step further (called by the timer); returns the seconds to the next step."""
    session = current()
    if session is None:
        return None
    try:
        advance(session)
    except UserError as error:
        session.waiting.clear()
        let_go(session)
        activity.say(activity.Message(str(error), problem=True))
    except Exception:
        traceback.print_exc()
        stop()
        said = "Pinning landmarks failed because of an error in Semblance: see the system console."
        activity.say(activity.Message(said, problem=True))
    return SECONDS_BETWEEN_STEPS if current() else None


def advance(session: PinSession) -> None:
    """Read what has come and do what it says.

    Raises:
        UserError: there is no engine, or it refuses.
    """
    found = session.found()
    if found is None:
        stop()
        return
    answer = session.feed.step()
    if answer is None:
        return
    (scene, head), (face, change) = found, answer
    if change.step:
        if change in session.waiting:
            done(session, head, change, face)
    elif session.dragged is not None and change.frame == scene.frame_current:
        show(session, head, change.frame, face)


def show(session: PinSession, head: bpy.types.Object, frame: int, face: PinnedFace) -> None:
    """Show what the face does while a landmark is dragged, without keys."""
    session.preview = (frame, face)
    live_head.give_values(head, pinning.held_values(session.known(head).channels(face)))
    live_head.update(head)
    activity.redraw()


def done(session: PinSession, head: bpy.types.Object, change: Change, face: PinnedFace | None) -> None:
    """Write a change into the keys, as one step of undo, and go on with the next one."""
    session.waiting.remove(change)
    session.preview = None

    def write() -> activity.Message:
        solved = session.known(head).channels(face) if face else None
        pinning.pin(head, change.frame, change.pins, solved, animation_settings(head).pin_reach)
        pinning.show_frame()
        return activity.Message("")

    activity.in_window(write, change.step)()
    if session.waiting:
        send(session, head)
    activity.redraw()


def register() -> None:
    """Nothing is open at first."""


def unregister() -> None:
    """Close what is open."""
    if bpy.app.timers.is_registered(step):
        bpy.app.timers.unregister(step)
    stop()
