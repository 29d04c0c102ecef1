# SPDX-License-Identifier: GPL-3.0-or-later
"""The one long task that Blender follows at a time: a timer steps it, panels and the status bar show it.

A timer and not a modal operator: Blender does not save automatically while a modal operator runs, and training lasts.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import bpy.utils.previews

from ...common.errors import UserError
from ...common.progress import Cancelled
from ...protocol.client import Client
from ..access import windows
from ..engine.jobs import Bar, Task

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_BETWEEN_STEPS = 0.1


@dataclass
class Activity:
    """A running task.

    Attributes:
        title: what it does, for the artist ("Build Avatar").
        task: the generator that does it; finish: told its result.
        bar: where it stands.
        client, job: the engine's job, once it has been asked for.
    """

    title: str
    task: Task[Any]
    finish: Callable[[Any], str]
    bar: Bar
    client: Client | None = None
    job: str = ""


@dataclass(frozen=True)
class Message:
    """How the last task ended: one sentence, and whether it is a problem."""

    text: str
    problem: bool = False


@dataclass
class _Memory:
    """What this file remembers while Blender runs."""

    running: Activity | None = None
    message: Message | None = None
    pictures: bpy.utils.previews.ImagePreviewCollection | None = None
    picture_count: int = 0


_memory = _Memory()


def running() -> Activity | None:
    """The task that runs now."""
    return _memory.running


def message() -> Message | None:
    """How the last task ended; None when there is nothing to say."""
    return _memory.message


def preview_icon() -> int:
    """Icon of the running job's latest picture; 0 when there is none."""
    pictures = _memory.pictures
    latest = pictures.get(f"preview{_memory.picture_count}") if pictures else None
    return latest.icon_id if latest and _memory.running else 0


def busy_reason() -> str:
    """Why no other task can begin now, as a sentence; empty when one can."""
    if _memory.running:
        return f"{_memory.running.title} is running: wait for it, or cancel it."
    return ""


def begin(title: str, task: Task[Any], finish: Callable[[Any], str]) -> Activity:
    """Follow a task. When it is done, `finish` is told its result and returns a sentence for the artist.

    Both may raise `UserError`: the artist is told.
    """
    assert _memory.running is None, busy_reason()
    _memory.running, _memory.message = Activity(title, task, finish, Bar("Starting")), None
    bpy.app.timers.register(step, first_interval=SECONDS_BETWEEN_STEPS, persistent=True)
    return _memory.running


def step() -> float | None:
    """Take the running task one step further (called by the timer); returns the seconds to the next step."""
    activity = _memory.running
    if activity is None:
        return None
    try:
        bar = next(activity.task)
    except StopIteration as done:
        result = done.value
        end(in_window(lambda: Message(activity.finish(result))))
    except Cancelled:
        end(lambda: Message(f"{activity.title} was cancelled."))
    except UserError as error:
        problem = Message(str(error), problem=True)
        end(lambda: problem)
    except BaseException:
        end(
            lambda: Message(
                f"{activity.title} failed because of an error in Semblance: see the system console.", problem=True
            )
        )
        raise
    else:
        show_picture(bar.picture)
        activity.bar = bar
        redraw()
        return SECONDS_BETWEEN_STEPS
    return None


def end(last_words: Callable[[], Message]) -> None:
    """Stop following, whatever way the task ended, and keep what there is to say."""
    _memory.running = None
    if _memory.pictures:
        _memory.pictures.clear()
    try:
        _memory.message = last_words()
    except UserError as error:
        _memory.message = Message(str(error), problem=True)
    tell(_memory.message)
    redraw()


def cancel() -> None:
    """End the running task: ask the engine to cancel its job, or stop what has not become a job yet."""
    activity = _memory.running
    if activity is None:
        return
    if activity.client and activity.job:
        client = Client(activity.client.address)
        try:
            client.cancel(activity.job)
            return
        except UserError as error:
            problem = Message(str(error), problem=True)
            activity.task.close()
            end(lambda: problem)
            return
        finally:
            client.close()
    activity.task.close()
    end(lambda: Message(f"{activity.title} was cancelled."))


def dismiss() -> None:
    """Forget the last message."""
    _memory.message = None


def in_window(work: Callable[[], Message]) -> Callable[[], Message]:
    """Let `work` run as if in Blender's first window, which timers do not have; undo knows its result."""

    def within() -> Message:
        shown = windows()
        if not shown:
            return work()
        with bpy.context.temp_override(window=shown[0]):
            result = work()
            bpy.ops.ed.undo_push(message="Semblance")
            return result

    return within


def tell(said: Message) -> None:
    """Show a problem where the artist looks: as a pop-up at the pointer, beside the panel's line."""
    shown = windows()
    if not said.problem or not shown:
        return

    def draw(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
        layout = menu.layout
        assert layout is not None
        for line in wrapped(said.text, 80):
            layout.label(text=line)

    with bpy.context.temp_override(window=shown[0]), suppress(RuntimeError):
        manager = bpy.context.window_manager
        assert manager is not None
        manager.popup_menu(draw, title="Semblance", icon="ERROR")


def wrapped(text: str, width: int) -> list[str]:
    """Break a sentence into lines of at most `width` characters, between words."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line] if line else lines


def show_picture(picture: bytes | None) -> None:
    """Keep a job's new picture as an icon for the panel."""
    if picture is None or bpy.app.background:
        return
    if _memory.pictures is None:
        _memory.pictures = bpy.utils.previews.new()
    _memory.picture_count += 1
    path = Path(bpy.app.tempdir) / f"semblance_preview{_memory.picture_count % 2}.png"
    path.write_bytes(picture)
    _memory.pictures.clear()
    _memory.pictures.load(f"preview{_memory.picture_count}", str(path), "IMAGE")


def redraw() -> None:
    """Have the panels and the status bar drawn again."""
    for window in windows():
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "STATUSBAR", "PREFERENCES"):
                area.tag_redraw()


def draw_status(header: bpy.types.Header, _context: bpy.types.Context) -> None:
    """Draw the running task into the status bar."""
    activity = _memory.running
    if activity and header.layout:
        row = header.layout.row(align=True)
        row.ui_units_x = 14
        row.progress(text=f"{activity.title}: {activity.bar.text}", factor=activity.bar.factor)
        row.operator("semblance.cancel", text="", icon="X")


def register() -> None:
    """Show tasks in the status bar."""
    bpy.types.STATUSBAR_HT_header.append(draw_status)


def unregister() -> None:
    """Undo `register`; a running task is left to the engine."""
    bpy.types.STATUSBAR_HT_header.remove(draw_status)
    if bpy.app.timers.is_registered(step):
        bpy.app.timers.unregister(step)
    if _memory.running:
        _memory.running.task.close()
        _memory.running = None
    if _memory.pictures:
        bpy.utils.previews.remove(_memory.pictures)
        _memory.pictures = None
