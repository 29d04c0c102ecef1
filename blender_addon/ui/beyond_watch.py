# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of a head go beyond what its avatar was trained on. A timer checks the frames by their keys, in pieces;
what is shown is checked as Blender evaluates it, which then counts.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ...common.errors import UserError
from ...tracking.performances.trained_range import TrainedRange, spans
from .. import ids, preferences
from ..access import scene_of, windows
from ..engine import jobs
from ..properties import active_head, head_settings
from ..render.head_motion import camera_seeing, motion_now, motion_over
from ..render.kinds import kind_of
from .activity import run_errand

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...tracking.heads.arrays import Doubles
    from ..engine.jobs import Task

SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_WHILE_CHECKING = 0.02
SECONDS_A_STEP = 0.005
MOST_FRAMES = 20_000
SECONDS_BETWEEN_QUESTIONS = 10.0
MOVERS = bpy.types.Action, bpy.types.Key, bpy.types.Object
"""What moves a head when it changes: keys, sliders, bones and the camera."""
EDITORS = {"VIEW_3D", "DOPESHEET_EDITOR", "GRAPH_EDITOR"}


@dataclass(eq=False)
class Checked:
    """A head's frames from `start` on.

    Attributes:
        excess: `[T]` as `TrainedRange.excess`.
    """

    start: int
    excess: Doubles

    @property
    def runs(self) -> list[tuple[int, int]]:
        """First and last frame of each run of frames beyond the training."""
        return [(self.start + first, self.start + last) for first, last in spans(self.excess > 1)]


@dataclass
class _Memory:
    """What is known of the open file's heads, by their `session_uid`.

    Attributes:
        checking: the checks that are under way; stale: heads whose frames are to be checked anew.
        frame: where the playhead was; asked: when the engine was asked for a head's avatar.
    """

    checked: dict[int, Checked] = field(default_factory=dict)
    checking: dict[int, Generator[None, None, None]] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)
    frame: int = 0
    asked: dict[int, float] = field(default_factory=dict)


_memory = _Memory()


@lru_cache(8)
def range_in(text: str) -> TrainedRange | None:
    """Read what a head keeps of its avatar's training; None where that is not known or damaged."""
    try:
        return TrainedRange.from_json(json.loads(text)) if text else None
    except (UserError, ValueError):
        return None


def range_of(head: bpy.types.Object) -> TrainedRange | None:
    """What a head's motion is held against; heads in 3D stand anywhere, so that their place does not count."""
    settings = head_settings(head)
    known = range_in(settings.trained) if settings.is_head and settings.avatar else None
    if known is None:
        return None
    try:
        return known.without("translation") if kind_of(head).in_space else known
    except UserError:
        return None


def watched_heads(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The heads of a scene that are to be warned of."""
    heads = [each for each in scene.objects if head_settings(each).is_head and head_settings(each).warns]
    return [each for each in heads if range_of(each) and not each.hide_get()]


def reasons_now(head: bpy.types.Object, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> list[str]:
    """Say what of a head, as it is shown now, is beyond its training; nothing where it is within."""
    known, camera = range_of(head), camera_seeing(scene, head)
    if known is None or camera is None:
        return []
    motion = motion_now(head.evaluated_get(depsgraph), camera.evaluated_get(depsgraph))
    excess = float(known.excess(motion)[0])
    checked, frame = _memory.checked.get(head.session_uid), scene.frame_current
    if checked and 0 <= frame - checked.start < len(checked.excess):
        checked.excess[frame - checked.start] = excess
    return known.reasons(motion, 0) if excess > 1 else []


def runs_of(head: bpy.types.Object) -> list[tuple[int, int]]:
    """The runs of a head's frames that go beyond its training, as far as they are known."""
    checked = _memory.checked.get(head.session_uid)
    return checked.runs if checked else []


def jump_target(runs: list[tuple[int, int]], frame: int, step: int) -> int | None:
    """Return where the next run begins (`step` 1), or the one before (-1); None where there is none.

    Example:
        >>> jump_target([(3, 9), (20, 25)], 5, 1), jump_target([(3, 9), (20, 25)], 5, -1)
        (20, 3)
    """
    beginnings = [first for first, _ in runs if (first - frame) * step > 0]
    return min(beginnings, key=lambda first: abs(first - frame), default=None)


def check_at_once(scene: bpy.types.Scene, head: bpy.types.Object) -> None:
    """Check a head's frames now, for scripts and where no timer runs."""
    for _ in checking(scene, head):
        pass


def checking(scene: bpy.types.Scene, head: bpy.types.Object) -> Generator[None, None, None]:
    """Check a head's frames of the scene by its keys; yields between short pieces of work."""
    known, camera, start = range_of(head), camera_seeing(scene, head), scene.frame_start
    if known is None or camera is None:
        _memory.checked.pop(head.session_uid, None)
        return
    frames = start + np.arange(frames_of(scene), dtype=np.float64)
    motion = yield from motion_over(head, camera, frames)
    excess = np.zeros(len(frames))
    for first in range(0, len(frames), 256):
        piece = slice(first, first + 256)
        excess[piece] = known.excess({name: rows[piece] for name, rows in motion.items()})
        yield
    _memory.checked[head.session_uid] = Checked(start, excess)


def frames_of(scene: bpy.types.Scene) -> int:
    """How many frames of a scene are checked."""
    return min(scene.frame_end - scene.frame_start + 1, MOST_FRAMES)


def covers(checked: Checked | None, scene: bpy.types.Scene) -> bool:
    """Tell whether what was checked are the frames that a scene has now."""
    return checked is not None and (checked.start, len(checked.excess)) == (scene.frame_start, frames_of(scene))


def ask_for_range(head: bpy.types.Object) -> None:
    """Ask the engine, where one runs, how far the training of a head's avatar goes, if the head does not know."""
    settings, now = head_settings(head), time.monotonic()
    known = settings.trained or not settings.avatar or not settings.is_head or head.library is not None
    if known or now - _memory.asked.get(head.session_uid, -np.inf) < SECONDS_BETWEEN_QUESTIONS:
        return
    _memory.asked[head.session_uid] = now
    run_errand(learning_range(ids.id_of(head), settings.avatar))


def learning_range(own: str, avatar: str) -> Task[None]:
    """Ask for an avatar, and note on the head with this id how far its training goes."""
    with suppress(UserError):  # what is wrong with the engine is said where it is needed
        said = yield from jobs.describing(preferences.engine_place(), avatar)
        head = ids.find_head(own)
        if said and head and head_settings(head).avatar == avatar:
            head_settings(head).trained = json.dumps(said.get("trained", {}))


def look() -> float:
    """Check on what has changed (called by the timer); returns the seconds to the next time."""
    scene = bpy.context.scene
    if scene is None:
        return SECONDS_BETWEEN_LOOKS
    for head in scene.objects:
        ask_for_range(head)
    heads = {each.session_uid: each for each in watched_heads(scene)}
    for uid, head in heads.items():
        if uid in _memory.stale or (uid not in _memory.checking and not covers(_memory.checked.get(uid), scene)):
            _memory.checking[uid] = checking(scene, head)
    _memory.stale.clear()
    began = time.monotonic()
    for uid, task in list(_memory.checking.items()):
        if uid not in heads or not stepped(task, began + SECONDS_A_STEP):
            del _memory.checking[uid]
            redraw()
    return SECONDS_WHILE_CHECKING if _memory.checking else SECONDS_BETWEEN_LOOKS


def stepped(task: Generator[None, None, None], until: float) -> bool:
    """Take a check further until a moment; tell whether there is more of it. One whose head has gone ends."""
    try:
        while time.monotonic() < until:
            next(task)
    except (StopIteration, ReferenceError):
        return False
    return True


def redraw() -> None:
    """Have the editors drawn again that warn."""
    for window in windows():
        for area in window.screen.areas:
            if area.type in EDITORS:
                area.tag_redraw()


@persistent  # type: ignore[untyped-decorator]  # its stub is bare
def after_change(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Note that keys or sliders were moved: the timeline's frames are to be checked anew.

    While the playhead moves, Blender updates the same things.
    """
    if scene.frame_current != _memory.frame:
        _memory.frame = scene.frame_current
    elif any(isinstance(each.id, MOVERS) for each in depsgraph.updates):
        _memory.stale.update(_memory.checked)


@persistent  # type: ignore[untyped-decorator]  # its stub is bare
def after_loading(_file: str) -> None:
    """Forget the heads of the file before."""
    forget()


def forget() -> None:
    """Forget what was checked."""
    _memory.checked.clear()
    _memory.checking.clear()
    _memory.stale.clear()
    _memory.asked.clear()


def head_to_warn_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The active head, if it is known how far its avatar's training goes."""
    head = active_head(context)
    return head if head and range_of(head) else None


def runs_in(context: bpy.types.Context) -> list[tuple[int, int]]:
    """The runs of frames in which a head of the scene goes beyond its training."""
    return [run for head in watched_heads(scene_of(context)) for run in runs_of(head)]


def register() -> None:
    """Watch; without a window nobody would see the warnings."""
    bpy.app.handlers.depsgraph_update_post.append(after_change)
    bpy.app.handlers.load_post.append(after_loading)
    if not bpy.app.background:
        bpy.app.timers.register(look, first_interval=SECONDS_BETWEEN_LOOKS, persistent=True)


def unregister() -> None:
    """Undo `register`."""
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)
    bpy.app.handlers.load_post.remove(after_loading)
    bpy.app.handlers.depsgraph_update_post.remove(after_change)
    forget()
