# SPDX-License-Identifier: GPL-3.0-or-later
"""The long tasks that Blender follows: a timer steps them, panels and the status bar show them. Jobs wait for their
turn in the engine, so that several may be asked for.

A timer and not a modal operator: Blender does not save automatically while a modal operator runs, and training lasts.
"""

from __future__ import annotations

import itertools
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ...common.errors import UserError
from ...common.progress import Cancelled
from ..access import windows
from ..engine import jobs
from ..engine.jobs import Bar, Task
from ..operators import when_refused
from ..preferences import engine_place
from ..words import translated, wrapped
from .remedies import draw_remedies

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.jobs import JobRequest

SECONDS_BETWEEN_STEPS = 0.1
OFFERED = "The result is kept: press Add Result to put it into what is open."

_numbers = itertools.count(1)


@dataclass(eq=False)
class Activity:
    """A running task.

    Attributes:
        title: what it does, for the artist ("Build Avatar").
        task: the generator that does it; finish: told its result.
        bar: where it stands.
        requests: the jobs that it asks the engine for.
        undo: name of the undo step that `finish` makes; empty when it changes nothing.
        alone: no other task may run beside it.
        about: the head or file that it is about; empty for none.
        job: the engine's job, once it has been asked for.
        number: tells it from others, for buttons.
    """

    title: str
    task: Task[Any]
    finish: Callable[[Any], str]
    bar: Bar
    requests: tuple[JobRequest, ...] = ()
    undo: str = ""
    alone: bool = False
    about: str = ""
    job: str = ""
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def called(self) -> str:
        """What it does and to what, in the artist's language: two builds are told apart."""
        title = translated(self.title)
        return f"{title} ({self.about})" if self.about else title


class NotOpenError(UserError):
    """A result belongs to what is not open; nothing was changed."""


@dataclass(frozen=True)
class Message:
    """How the last task ended.

    Attributes:
        text: a sentence; problem: it tells of something to mend.
        job: the engine's job whose result waits to be added; empty for none.
        changed: the scene may be another than before.
    """

    text: str
    problem: bool = False
    job: str = ""
    changed: bool = field(default=True, compare=False)


@dataclass
class _Memory:
    """What this file remembers while Blender runs.

    Attributes:
        stepping: the activity whose task is at work just now.
        errands: tasks of no result, which are done beside.
        followed: every job that was ever followed here.
    """

    running: list[Activity] = field(default_factory=list)
    stepping: Activity | None = None
    errands: list[Task[Any]] = field(default_factory=list)
    followed: set[str] = field(default_factory=set)
    message: Message | None = None


_memory = _Memory()


def running() -> tuple[Activity, ...]:
    """The tasks that run now, oldest first."""
    return tuple(_memory.running)


def message() -> Message | None:
    """How the last task ended; None when there is nothing to say."""
    return _memory.message


def busy_reason(alone: bool = False) -> str:
    """Why no other task, or none that must be alone, can begin now, as a sentence; empty when one can."""
    for activity in _memory.running:
        if activity.alone or alone:
            return translated("{title} is running: wait for it, or cancel it.", title=activity.called)
    return ""


def requests() -> list[JobRequest]:
    """The jobs that running tasks ask the engine for."""
    return [request for activity in _memory.running for request in activity.requests]


def begin(
    title: str,
    task: Task[Any],
    finish: Callable[[Any], str],
    *,
    requests: tuple[JobRequest, ...] = (),
    undo: str = "",
    alone: bool = False,
    about: str = "",
) -> Activity:
    """Follow a task. When it is done, `finish` is told its result and returns a sentence for the artist, or nothing;
    `undo` names what it does to the scene, if anything; `about` the head or file, to tell tasks of one title apart.
    Whatever either raises, the artist is told.
    """
    assert not busy_reason(alone), busy_reason(alone)
    activity = Activity(title, task, finish, Bar("Starting"), requests, undo, alone, about)
    _memory.running.append(activity)
    _memory.message = None
    see_to_steps()
    return activity


def note_job(job: str) -> None:
    """Note that the engine has taken a job, for the task that asked for it."""
    _memory.followed.add(job)
    if _memory.stepping:
        _memory.stepping.job = job


def is_followed(job: str) -> bool:
    """Tell whether a job is, or was, followed by a task here."""
    return job in _memory.followed


def run_errand(task: Task[Any]) -> None:
    """Do a small task beside the others; the artist hears of it only when it fails."""
    _memory.errands.append(task)
    see_to_steps()


def see_to_steps() -> None:
    """Have the timer step what there is."""
    if not bpy.app.timers.is_registered(step):
        bpy.app.timers.register(step, first_interval=SECONDS_BETWEEN_STEPS, persistent=True)


def step() -> float | None:
    """Take the running tasks one step further (called by the timer); returns the seconds to the next step."""
    for errand in tuple(_memory.errands):
        step_errand(errand)
    for activity in running():
        try:
            step_one(activity)
        finally:
            _memory.stepping = None
    return SECONDS_BETWEEN_STEPS if _memory.running or _memory.errands else None


def step_errand(errand: Task[Any]) -> None:
    """Take an errand one step further."""
    try:
        next(errand)
    except StopIteration:
        _memory.errands.remove(errand)
    except UserError as error:
        _memory.errands.remove(errand)
        say(Message(str(error), problem=True))


def step_one(activity: Activity) -> None:
    """Take one task one step further."""
    _memory.stepping = activity
    try:
        bar = next(activity.task)
    except StopIteration as done:
        result = done.value
        used = in_window(
            lambda: conclude(activity.called, lambda: activity.finish(result), activity.job), activity.undo
        )
        end(activity, used)
    except Cancelled:
        end(activity, lambda: Message(translated("{title} was cancelled.", title=activity.called)))
    except UserError as error:
        problem = Message(str(error), problem=True)
        end(activity, lambda: problem)
    except BaseException:
        said = translated(
            "{title} failed because of an error in Semblance: see the system console.", title=activity.called
        )
        end(activity, lambda: Message(said, problem=True))
        traceback.print_exc()  # the timer must live on, for the others
    else:
        activity.bar = bar
        redraw()


def end(activity: Activity, last_words: Callable[[], Message]) -> None:
    """Stop following a task, whatever way it ended, and keep what there is to say."""
    _memory.running.remove(activity)
    said = last_words()
    if said.text:
        say(said)
    redraw()


def conclude(title: str, finish: Callable[[], str], job: str = "") -> Message:
    """Let a task's result be used; return what to say. Where that fails, the result of a job stays offered."""
    changed = True
    try:
        return Message(finish())
    except NotOpenError as error:
        text, changed = str(error), False
    except UserError as error:
        text = str(error)
    except Exception:
        traceback.print_exc()
        text = translated(
            "{title} was done, but then came an error in Semblance: see the system console.", title=translated(title)
        )
    if job:
        text = offered(text)
    return Message(text, problem=True, job=job, changed=changed)


def offered(text: str) -> str:
    """Add to a sentence that the result waits to be added."""
    return f"{translated(text)} {translated(OFFERED)}"


def use(title: str, finish: Callable[[], str], job: str = "", *, undo: str) -> None:
    """Use a result now, in a window, and say how it went."""
    say(in_window(lambda: conclude(title, finish, job), undo)())


def say(said: Message) -> None:
    """Keep a message for the panel, and show a problem at once."""
    _memory.message = said
    tell(said)
    redraw()


def keep_refusal(sentence: str) -> None:
    """Keep what an operator has just reported by itself for the panel, which draws the buttons that mend it."""
    _memory.message = Message(sentence, problem=True)
    redraw()


def cancel(number: int = 0) -> None:
    """End the task with this number, else the oldest: ask the engine to cancel its job, or stop what is none yet.

    Whether the engine takes a while or hangs, this does not wait for it.
    """
    found = [activity for activity in _memory.running if number in (0, activity.number)]
    if not found:
        return
    activity = found[0]
    if activity.job:
        job = activity.job
        run_errand(jobs.asking(engine_place(), lambda client: client.ask_to_cancel(job), "Cancelling"))
        return
    activity.task.close()
    end(activity, lambda: Message(translated("{title} was cancelled.", title=activity.called)))


def dismiss() -> None:
    """Forget the last message."""
    _memory.message = None


def in_window(work: Callable[[], Message], undo: str) -> Callable[[], Message]:
    """Let `work` run as if in Blender's first window, which timers do not have; `undo` names the step that undoes what
    it has changed, also where it failed half-way; empty where it changes nothing.
    """

    def within() -> Message:
        shown = windows()
        if not shown:
            return work()
        with bpy.context.temp_override(window=shown[0]):
            said = work()
            if undo and said.changed:
                with suppress(RuntimeError):  # Blender keeps no undo steps just now
                    bpy.ops.ed.undo_push(message=undo)
            return said

    return within


def tell(said: Message) -> None:
    """Show a problem where the artist looks: as a pop-up at the pointer, beside the panel's line."""
    shown = windows()
    if not said.problem or not shown:
        return

    def draw(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
        layout = menu.layout
        assert layout is not None
        for line in wrapped(translated(said.text), 80):
            layout.label(text=line, translate=False)
        draw_remedies(layout, said.text)

    with bpy.context.temp_override(window=shown[0]), suppress(RuntimeError):
        manager = bpy.context.window_manager
        assert manager is not None
        manager.popup_menu(draw, title="Semblance", icon="ERROR")


def redraw() -> None:
    """Have the panels and the status bar drawn again."""
    for window in windows():
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()
        redraw_status(window)


def redraw_status(window: bpy.types.Window) -> None:
    """Have a window's status bar drawn again, which is none of its areas: Blender does so as its text is taken back.

    A modal operator's text stays.
    """
    if not window.modal_operators:
        with bpy.context.temp_override(window=window):
            window.workspace.status_text_set_internal(None)


def line_about(activity: Activity) -> str:
    """What a task does and where it stands."""
    return f"{activity.called}: {translated(activity.bar.text)}"


def draw_status(header: bpy.types.Header, _context: bpy.types.Context) -> None:
    """Draw the running task into the status bar."""
    if _memory.running and header.layout:
        activity, *others = _memory.running
        row = header.layout.row(align=True)
        row.ui_units_x = 16
        more = f" (+{len(others)})" if others else ""
        row.progress(text=f"{line_about(activity)}{more}", factor=activity.bar.factor)
        row.operator("semblance.cancel", text="", icon="X").number = activity.number


def register() -> None:
    """Show tasks in the status bar, and refusals in the panel."""
    when_refused.append(keep_refusal)
    bpy.types.STATUSBAR_HT_header.append(draw_status)


def unregister() -> None:
    """Undo `register`; running jobs are left to the engine."""
    bpy.types.STATUSBAR_HT_header.remove(draw_status)
    when_refused.remove(keep_refusal)
    if bpy.app.timers.is_registered(step):
        bpy.app.timers.unregister(step)
    for task in [*(activity.task for activity in _memory.running), *_memory.errands]:
        task.close()
    _memory.running.clear()
    _memory.errands.clear()
