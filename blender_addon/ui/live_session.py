# SPDX-License-Identifier: GPL-3.0-or-later
"""The live session in Blender: a timer reads the engine's motions and gives the newest to the head; takes are kept.

Nothing here waits. Whatever happens to the head, the scene or the file, the head is put back as it was, or as it was
recorded.
"""

from __future__ import annotations

import itertools
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

from ...common.errors import UserError
from .. import ids, preferences
from ..access import windows
from ..engine.jobs import Bar
from ..engine.motion_feed import MotionFeed
from ..properties import head_settings
from ..scene import live_head, live_take
from ..words import translated
from . import activity

if TYPE_CHECKING:
    from ...protocol.motions import LiveMotion, MotionsRequest
    from ...tracking.performances.performance import Performance
    from ..engine.jobs import Task

SECONDS_BETWEEN_STEPS = 1 / 60
LONGEST_TAKE = 60 * 60 * 60
"""Motions of a take: an hour at a phone's rate."""
SECONDS_FOR_SOUND = 10.0
ENDED = "The source has come to its end."


@dataclass(eq=False)
class Take:
    """What is being recorded.

    Attributes:
        begins: the source's second with which it begins. start: the scene's frame of that moment; last: its last
            frame, once it is kept.
        sound: the file that the microphone is recorded into; None for none.
        asked: the errand that has the microphone opened, until that is done.
    """

    begins: float
    start: int
    last: int | None = None
    sound: Path | None = None
    asked: Task[Any] | None = None
    motions: list[LiveMotion] = field(default_factory=list)


@dataclass(eq=False)
class Session:
    """A head that is live.

    Attributes:
        head, scene: their ids; name: the head's, by which it is found at once.
        own: the head's person at rest.
        stream: the file that drives it, whose sound goes with a take; None for another source.
        microphone: the sound of a take is what the machine hears.
        takes: how many were kept.
        text: how it goes, as the panel was drawn with it.
    """

    head: str
    scene: str
    name: str
    own: Performance
    feed: MotionFeed
    stream: Path | None = None
    microphone: bool = False
    take: Take | None = None
    takes: int = 0
    text: str = ""
    errands: list[Task[Any]] = field(default_factory=list)


_sessions: list[Session] = []
"""The one that is live, if any."""


def current() -> Session | None:
    """The session that is live; None for none."""
    return _sessions[0] if _sessions else None


def begin(
    scene: bpy.types.Scene,
    head: bpy.types.Object,
    own: Performance,
    request: MotionsRequest,
    microphone: bool = False,
) -> Session:
    """Let a source drive a head from now on.

    Raises:
        UserError: the head has lost its rig, its shape keys or its camera.
    """
    assert not _sessions, "one is live already"
    live_head.parts_of(head)
    session = Session(
        ids.id_of(head),
        ids.id_of(scene),
        head.name,
        own,
        MotionFeed(preferences.engine_place(), request),
        Path(request.stream) if request.stream else None,
        microphone and request.stream is None,
    )
    _sessions.append(session)
    activity.dismiss()
    if not bpy.app.timers.is_registered(step):
        bpy.app.timers.register(step, first_interval=SECONDS_BETWEEN_STEPS)
    return session


def step() -> float | None:
    """Take the session one step further (called by the timer); returns the seconds to the next step."""
    session = current()
    if session is None:
        return None
    try:
        advance(session)
    except UserError as error:
        stop(activity.Message(str(error), problem=True))
    except Exception:
        traceback.print_exc()
        stop(
            activity.Message(
                "Going live failed because of an error in Semblance: see the system console.", problem=True
            )
        )
    return SECONDS_BETWEEN_STEPS if current() else None


def advance(session: Session) -> None:
    """Read what has come and show the newest of it.

    Raises:
        UserError: the session cannot go on.
    """
    head, scene = found(session)
    came = session.feed.step()
    if session.take:
        session.take.motions += came[: LONGEST_TAKE - len(session.take.motions)]
    if came and not bpy.app.is_job_running("RENDER"):  # whose thread reads what would be changed
        live_head.set_aside(head)
        live_head.apply_motion(head, came[-1])
        session.feed.note_shown()
    for errand in tuple(session.errands):
        step_errand(session, errand)
    text = session.feed.text
    if came or text != session.text:
        session.text = text
        redraw_views(scene)
    if session.feed.over:
        stop(activity.Message(ENDED))


def step_errand(session: Session, errand: Task[Any]) -> None:
    """Take something small that was asked of the engine further; where it fails, the session goes on."""
    try:
        next(errand)
    except StopIteration:
        session.errands.remove(errand)
    except UserError as error:
        session.errands.remove(errand)
        if session.take and session.take.asked is errand:
            session.take.sound = None
        activity.say(activity.Message(str(error), problem=True))


def found(session: Session) -> tuple[bpy.types.Object, bpy.types.Scene]:
    """The session's head and scene.

    Raises:
        UserError: one of them is gone, or another scene is shown.
    """
    scene = ids.find_scene(session.scene)
    shown: list[bpy.types.Scene | None] = [window.scene for window in windows()]
    if scene is None or scene not in (shown or [bpy.context.scene]):
        raise UserError("The live session has ended, because its scene is no longer shown.")
    head = scene.objects.get(session.name)
    if head is None or head_settings(head).id != session.head:
        head = ids.find_head(session.head)
        if head is None or head.name not in scene.objects:
            raise UserError("The live session has ended, because its head is gone.")
        session.name = head.name
    return head, scene


def learn_neutral(session: Session) -> None:
    """Have the driver's neutral learnt anew."""
    session.errands.append(session.feed.learning_neutral())


def begin_take(session: Session) -> None:
    """Record from now on, so that now is the scene's current frame.

    Raises:
        UserError: the head is gone.
    """
    _head, scene = found(session)
    newest = session.feed.newest
    session.take = Take(session.feed.now, scene.frame_current, motions=[newest] if newest else [])
    if session.microphone:
        session.take.sound = sound_file(scene)
        session.take.asked = session.feed.listening(session.take.sound, session.take.begins)
        session.errands.append(session.take.asked)


def end_take(session: Session) -> str:
    """Keep what was recorded as a new action, with its sound; return what to say. What the microphone heard comes a
    little later.

    Raises:
        UserError: nothing came, or the head is gone.
    """
    take, session.take = session.take, None
    assert take is not None  # else nothing is recorded
    if take.sound is not None:
        activity.run_errand(sound_to_come(session, take))
    head, scene = found(session)
    action, take.last = live_take.keep_take(scene, head, session.own, take.motions, take.begins, take.start)
    session.takes += 1
    if session.stream is not None:
        give_sound(session, take, session.stream, take.begins)
    return translated(
        "Recorded frames {start} to {last} as {action}.", start=take.start, last=take.last, action=action.name
    )


def sound_to_come(session: Session, take: Take) -> Task[None]:
    """Have the take's sound finished, as a task, and put it where it belongs; the session may have ended meanwhile,
    which ends the recording too.

    Raises:
        UserError: it does not come.
    """
    while take.asked in session.errands:
        yield Bar("Opening the microphone")
    if take.sound is None:
        return
    if current() is session:
        with suppress(UserError):
            yield from session.feed.ending_sound()
    began = time.monotonic()
    while not take.sound.is_file():
        if time.monotonic() - began > SECONDS_FOR_SOUND:
            raise UserError(
                translated("The take's sound did not come to {sound}; check the microphone.", sound=take.sound.name)
            )
        yield Bar("Keeping the sound")
    if take.last is not None:
        file = take.sound
        activity.in_window(lambda: activity.Message(give_sound(session, take, file, 0.0)), "Record Live Sound")()


def give_sound(session: Session, take: Take, file: Path, moment: float) -> str:
    """Lay the sound of a file, from its second `moment` on, where the take begins."""
    scene, head = ids.find_scene(session.scene), ids.find_head(session.head)
    assert take.last is not None  # else it was not kept
    if scene and head and live_take.add_sound(scene, head, file, moment, take.start, take.last):
        live_take.note_driver(head, file, moment, take.start)
    return ""


def stop(said: activity.Message | None = None) -> None:
    """End the session; what is being recorded is kept. Whatever else was live is put back."""
    session = current()
    if session is None:
        return
    recorded = session.takes or session.take is not None
    words = activity.in_window(
        lambda: ended(session, said or activity.Message("")), "Record Live" if recorded else ""
    )()
    if words.text:
        activity.say(words)
    activity.redraw()


def ended(session: Session, words: activity.Message) -> activity.Message:
    """End a session; return what to say."""
    try:
        if session.take is not None:
            words = activity.Message(f"{translated(words.text)} {end_take(session)}".strip(), words.problem)
    except UserError as error:
        words = words if words.problem else activity.Message(str(error), problem=True)
    finally:
        _sessions.clear()
        session.feed.close()
        for errand in session.errands:
            errand.close()
        session.errands.clear()
        restore(session)
    return words


def restore(session: Session) -> None:
    """Put the head back, where it is still there, and have its animation seen."""
    head, scene = ids.find_head(session.head), ids.find_scene(session.scene)
    if head is None:
        return
    live_head.put_back(head)
    if session.takes and scene is not None:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def sound_file(scene: bpy.types.Scene) -> Path:
    """A new file for a take's sound: beside the saved .blend, else in the engine's home."""
    blend = Path(bpy.data.filepath)
    folder = blend.parent / "sound" if bpy.data.filepath else preferences.home_folder() / "sound"
    stem = f"{bpy.path.clean_name(scene.name)}_{time.strftime('%Y%m%d_%H%M%S')}"
    names = (f"{stem}{f'_{number}' if number else ''}.wav" for number in itertools.count())
    return next(folder.absolute() / name for name in names if not (folder / name).exists())


def redraw_views(scene: bpy.types.Scene) -> None:
    """Have the side bars show how it goes."""
    for window in windows():
        if window.scene == scene:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()


@persistent  # type: ignore[untyped-decorator]
def before_loading(*_: object) -> None:
    """End with the file."""
    stop()


@persistent  # type: ignore[untyped-decorator]
def before_saving(*_: object) -> None:
    """Have the file keep the head as it was; the next motion sets it aside again."""
    session = current()
    head = ids.find_head(session.head) if session else None
    if head is not None:
        live_head.put_back(head)


@persistent  # type: ignore[untyped-decorator]
def after_change_of_all(*_: object) -> None:
    """After a file was opened or a step undone, mend what was live in it, unless it still is."""
    if current() is None:
        live_head.mend_all()


HANDLERS = (
    (bpy.app.handlers.load_pre, before_loading),
    (bpy.app.handlers.save_pre, before_saving),
    (bpy.app.handlers.load_post, after_change_of_all),
    (bpy.app.handlers.undo_post, after_change_of_all),
    (bpy.app.handlers.redo_post, after_change_of_all),
)


def register() -> None:
    """Look at files as they are opened, saved and undone."""
    for handlers, function in HANDLERS:
        handlers.append(function)


def unregister() -> None:
    """Undo `register`; a session ends."""
    stop()
    if bpy.app.timers.is_registered(step):
        bpy.app.timers.unregister(step)
    for handlers, function in HANDLERS:
        handlers.remove(function)
